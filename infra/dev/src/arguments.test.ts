import { expect, test } from 'vitest';
import { parseCommand } from './arguments.ts';
import { UsageError } from './usage.ts';

test('every command is understood, with its defaults', () => {
  expect(parseCommand([])).toEqual({ type: 'help' });
  expect(parseCommand(['--help'])).toEqual({ type: 'help' });
  expect(parseCommand(['up'])).toEqual({ type: 'up', detach: false, port: 8080, domains: 3 });
  expect(parseCommand(['up', '--detach', '--port', '0', '--domains=10'])).toEqual({
    type: 'up',
    detach: true,
    port: 0,
    domains: 10,
  });
  expect(parseCommand(['fleet', '--hosts', '1000', '--churn', '0'])).toEqual({
    type: 'fleet',
    detach: false,
    port: 8080,
    hosts: 1_000,
    domains: 20,
    churn: 0,
  });
  expect(parseCommand(['down'])).toEqual({ type: 'down' });
  expect(parseCommand(['status', '--json'])).toEqual({ type: 'status', json: true });
  expect(parseCommand(['test'])).toEqual({ type: 'test', full: false });
  expect(parseCommand(['test', '--full'])).toEqual({ type: 'test', full: true });
  expect(parseCommand(['logs'])).toEqual({ type: 'logs', service: undefined, follow: false });
  expect(parseCommand(['logs', 'query-api', '-f'])).toEqual({
    type: 'logs',
    service: 'query-api',
    follow: true,
  });
  expect(parseCommand(['install'])).toEqual({ type: 'install' });
});

test('what follows the name of a benchmark is its own', () => {
  expect(parseCommand(['bench'])).toEqual({ type: 'bench', name: undefined, args: [] });
  expect(parseCommand(['bench', 'event-to-http', '--rounds', '5'])).toEqual({
    type: 'bench',
    name: 'event-to-http',
    args: ['--rounds', '5'],
  });
});

test.each([
  [['upp'], /no command "upp"/],
  [['up', '--prot', '80'], /up: Unknown option '--prot'/],
  [['up', '--port'], /--port/],
  [['up', '--port', '65536'], /--port must be a whole number from 0 to 65535, not "65536"/],
  [['up', '--port', '8o8o'], /--port must be a whole number/],
  [['up', '--domains', '-1'], /--domains/],
  [['up', '--domains', '100000'], /--domains must be a whole number from 0 to 200/],
  [['down', 'now'], /down does not know what to do with "now"/],
  [['status', '--json', '--json=yes'], /--json/],
  [['logs', 'a', 'b'], /"b"/],
])('%j is refused with a reason', (argv, reason) => {
  expect(() => parseCommand(argv)).toThrow(UsageError);
  expect(() => parseCommand(argv)).toThrow(reason);
});
