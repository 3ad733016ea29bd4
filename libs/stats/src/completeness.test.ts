import { expect, test } from 'vitest';
import { GroupTally, recordFacts } from './completeness.ts';
import { fastFields, monitorBusyFields, monitorFields } from './testing.ts';
import { tierSpecs } from './tier.ts';

function judged(tier: 'fast' | 'monitor', names: readonly string[]): Record<string, string> {
  const { completeness } = recordFacts(names);
  return Object.fromEntries(tierSpecs[tier].groups.map((group) => [group, completeness(group)]));
}

test('a domain whose monitor answered is complete in every group', () => {
  expect(judged('monitor', Object.keys(monitorFields))).toEqual({
    'cpu-total': 'complete',
    balloon: 'complete',
    vcpu: 'complete',
    block: 'complete',
    iothread: 'complete',
    vm: 'complete',
  });
  expect(judged('fast', Object.keys(fastFields))).toEqual({
    state: 'complete',
    interface: 'complete',
    perf: 'complete',
    memory: 'complete',
  });
});

test('a domain whose monitor was busy is complete in what needs no monitor alone', () => {
  expect(judged('monitor', Object.keys(monitorBusyFields))).toEqual({
    'cpu-total': 'complete',
    balloon: 'partial',
    vcpu: 'partial',
    block: 'partial',
    iothread: 'missing',
    vm: 'missing',
  });
});

test('one drive without a medium does not make a domain with another disk partial', () => {
  const names = [...Object.keys(monitorFields), 'block.1.name'];
  expect(judged('monitor', names)['block']).toBe('complete');
});

test('a domain without disks has whole block stats', () => {
  expect(judged('monitor', ['balloon.current', 'balloon.rss', 'block.count'])).toMatchObject({
    block: 'complete',
  });
});

test('a driver that reports nothing of a group lacks it', () => {
  expect(judged('monitor', [])).toEqual({
    'cpu-total': 'missing',
    balloon: 'missing',
    vcpu: 'missing',
    block: 'missing',
    iothread: 'missing',
    vm: 'missing',
  });
  expect(judged('fast', ['state.state', 'state.reason'])).toMatchObject({
    state: 'complete',
    interface: 'missing',
  });
});

test('vCPU states without their times are partial', () => {
  const names = ['balloon.rss', 'balloon.current', 'vcpu.current', 'vcpu.0.state'];
  expect(judged('monitor', names)['vcpu']).toBe('partial');
});

test.each([
  [[], 'complete'],
  [['complete', 'complete'], 'complete'],
  [['complete', 'missing'], 'partial'],
  [['partial'], 'partial'],
  [['missing', 'missing'], 'missing'],
] as const)('domains %j make a page %s', (domains, page) => {
  const tally = new GroupTally();
  for (const each of domains) tally.add(each);
  expect(tally.result).toBe(page);
});
