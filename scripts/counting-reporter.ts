/**
 * Prints `N passed, N failed, N skipped` as the process's last line, behind the names of what failed and, of the first in each file, why: whoever has
 * only the end of a long run's output can begin with that. A module that fails to load, what fails before or after all tests of a part, and an
 * error outside of any test count as failed, so that the line can never look better than the run was.
 */
import { appendFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** Characters of one failure's reason. */
const REASON_LIMIT = 1_500;

/** What it says, with what was seen and expected, on one line; of a long one its beginning and its end. */
function reasonOf(errors: readonly SerializedError[] | undefined): string {
  const [error] = errors ?? [];
  if (error === undefined) return '';
  const text = stripVTControlCharacters(`${error.message}\n${error.diff ?? ''}`);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const line = lines.join(' ⏎ ');
  const half = REASON_LIMIT / 2;
  return `: ${line.length <= REASON_LIMIT ? line : `${line.slice(0, half)} … ${line.slice(-half)}`}`;
}

export default class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const failures = unhandledErrors.map((error) => `an error outside of any test${reasonOf([error])}`);
    for (const module of modules) {
      let ran = 0;
      const failedBefore = failures.length;
      for (const test of module.children.allTests()) {
        ran++;
        const { state, errors } = test.result();
        if (state === 'passed' || state === 'failed' || state === 'skipped') count[state]++;
        else count.failed++;
        if (state !== 'passed' && state !== 'skipped')
          failures.push(`${module.relativeModuleId}: ${test.fullName}${failures.length === failedBefore ? reasonOf(errors) : ''}`);
      }
      // what goes before or after all tests of a part: the tests count as skipped then, or as passed
      for (const suite of module.children.allSuites())
        for (const error of suite.errors()) {
          count.failed++;
          failures.push(`${module.relativeModuleId}: before or after all of ${suite.fullName}${reasonOf([error])}`);
        }
      if (module.errors().length > 0 || (ran === 0 && !module.ok())) {
        count.failed++;
        failures.push(`${module.relativeModuleId}: the file itself${reasonOf(module.errors())}`);
      }
    }
    const failed = failures.map((failure) => `failed: ${failure}\n`).join('');
    const line = `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`;
    process.on('exit', () => process.stdout.write(`${failed}${line}\n`));
    // .ci/run adds the counts of several runs up from this file, and says once more at its end what failed
    const file = process.env['TEST_COUNT_FILE'];
    if (file !== undefined) appendFileSync(file, `${failed}${line}\n`);
  }
}
