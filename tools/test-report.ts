/**
 * Adds up what every package's tests reported, and holds that none was left out: each `*.test.ts`
 * that git tracks, or would, must stand in a report.
 *
 *     node tools/test-report.ts [--failed=CHECK]...
 *
 * `--failed` names a check that failed before, so that all that is wrong stands in one list above
 * the last line, `tests: N passed, N failed, N skipped`. The exit code is 1 when anything is.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** The part of vitest's JSON report that is read here. */
export type VitestReport = {
  testResults: {
    /** The file's absolute path, on the machine and in the checkout that ran it. */
    name: string;
    status: string;
    message?: string;
    assertionResults: { status: string; fullName: string }[];
  }[];
};

export type Tally = {
  passed: number;
  failed: number;
  skipped: number;
  /** What is wrong with the tests, a line each. */
  problems: string[];
};

/** Counts the tests of all reports; a file without any test result counts as a failed test. */
export function tally(reports: readonly VitestReport[], testFiles: readonly string[]): Tally {
  const result: Tally = { passed: 0, failed: 0, skipped: 0, problems: [] };
  const reported = new Set<string>();
  for (const file of reports.flatMap((report) => report.testResults)) {
    const path = pathInRepository(file.name, testFiles);
    reported.add(path);
    for (const { status, fullName } of file.assertionResults) {
      if (status === 'passed') {
        result.passed += 1;
      } else if (status === 'failed') {
        result.failed += 1;
        result.problems.push(`failed: ${path}: ${fullName}`);
      } else {
        result.skipped += 1;
        result.problems.push(`skipped: ${path}: ${fullName}`);
      }
    }
    const anyFailed = file.assertionResults.some(({ status }) => status === 'failed');
    if (file.status !== 'passed' && !anyFailed) {
      result.failed += 1;
      result.problems.push(`failed: ${path}: ${firstLine(file.message) ?? 'it could not be run'}`);
    } else if (file.assertionResults.length === 0) {
      result.failed += 1;
      result.problems.push(`failed: ${path}: it holds no test`);
    }
  }
  for (const file of testFiles) {
    if (!reported.has(file)) result.problems.push(`not run: ${file}`);
  }
  return result;
}

/** Tests that were skipped are told, and are no failure by themselves. */
export function isGood(counts: Tally, failedChecks: readonly string[]): boolean {
  return (
    failedChecks.length === 0 &&
    counts.failed === 0 &&
    counts.problems.every((problem) => problem.startsWith('skipped: '))
  );
}

/** By its end: a report from the cache may have been made where the checkout was before. */
function pathInRepository(reported: string, testFiles: readonly string[]): string {
  const matches = testFiles.filter((file) => reported.endsWith(`/${file}`));
  // `a.test.ts` is the end of `libs/x/a.test.ts` too: the longest is meant.
  return matches.toSorted((one, other) => other.length - one.length)[0] ?? reported;
}

function firstLine(text: string | undefined): string | undefined {
  return text?.split('\n').find((line) => line.trim() !== '');
}

/** Every test file that git knows or, being new and not ignored, would add. */
function testFilesOf(root: string): string[] {
  return execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', '*.test.ts'],
    { cwd: root, encoding: 'utf8' },
  )
    .split('\0')
    .filter((file) => file !== '' && existsSync(join(root, file)));
}

function main(): number {
  const root = resolve(import.meta.dirname, '..');
  const { values } = parseArgs({ options: { failed: { type: 'string', multiple: true } } });
  const failedChecks = values.failed ?? [];
  const reports = globSync('.nx/reports/**/*.json', { cwd: root }).map(
    (file) => JSON.parse(readFileSync(join(root, file), 'utf8')) as VitestReport,
  );
  const counts = tally(reports, testFilesOf(root));
  for (const check of failedChecks) console.log(`failed: ${check}`);
  for (const problem of counts.problems) console.log(problem);
  console.log(`tests: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return isGood(counts, failedChecks) ? 0 : 1;
}

if (import.meta.main) process.exitCode = main();
