import { expect, test } from 'vitest';
import { type VitestReport, isGood, tally } from './test-report.ts';

function report(name: string, ...statuses: string[]): VitestReport {
  const assertionResults = statuses.map((status, index) => ({ status, fullName: `t${index}` }));
  const status = statuses.includes('failed') ? 'failed' : 'passed';
  return { testResults: [{ name, status, assertionResults }] };
}

test('tests of all reports are added up', () => {
  const reports = [
    report('/old/place/a.test.ts', 'passed', 'passed'),
    report('/r/b.test.ts', 'passed'),
  ];
  const counts = tally(reports, ['a.test.ts', 'b.test.ts']);
  expect(counts).toEqual({ passed: 3, failed: 0, skipped: 0, problems: [] });
  expect(isGood(counts, [])).toBe(true);
  expect(isGood(counts, ['lint'])).toBe(false);
});

test('a test file that stands in no report is named and fails the run', () => {
  const files = ['a.test.ts', 'libs/x/a.test.ts'];
  const counts = tally([report('/r/a.test.ts', 'passed')], files);
  expect(counts.problems).toEqual(['not run: libs/x/a.test.ts']);
  expect(isGood(counts, [])).toBe(false);
  const other = tally([report('/r/libs/x/a.test.ts', 'passed')], files);
  expect(other.problems).toEqual(['not run: a.test.ts']);
});

test('a failed test is named and fails the run', () => {
  const counts = tally([report('/r/a.test.ts', 'passed', 'failed')], ['a.test.ts']);
  expect(counts).toMatchObject({ passed: 1, failed: 1, problems: ['failed: a.test.ts: t1'] });
  expect(isGood(counts, [])).toBe(false);
});

test('skipped tests are counted and named', () => {
  const counts = tally([report('/r/a.test.ts', 'skipped', 'pending', 'todo')], ['a.test.ts']);
  expect(counts).toMatchObject({ passed: 0, failed: 0, skipped: 3 });
  expect(counts.problems).toHaveLength(3);
  expect(isGood(counts, [])).toBe(true);
});

test('a file that could not be loaded, or holds no test, is a failure', () => {
  const broken: VitestReport = {
    testResults: [
      { name: '/r/a.test.ts', status: 'failed', message: '\nno such import', assertionResults: [] },
      { name: '/r/b.test.ts', status: 'passed', assertionResults: [] },
    ],
  };
  const counts = tally([broken], ['a.test.ts', 'b.test.ts']);
  expect(counts.failed).toBe(2);
  expect(counts.problems).toEqual([
    'failed: a.test.ts: no such import',
    'failed: b.test.ts: it holds no test',
  ]);
});
