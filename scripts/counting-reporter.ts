/**
 * Prints `N passed, N failed, N skipped` as the process's last line, behind the names of what failed. A module that fails to load, what fails before or
 * after all tests of a part, and an error outside of any test count as failed, so that the line can never look better than the run was.
 */
import { appendFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

const firstLine = (text: string): string => text.split('\n')[0] ?? '';

export default class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const failures = unhandledErrors.map(() => 'an error outside of any test');
    for (const module of modules) {
      let ran = 0;
      for (const test of module.children.allTests()) {
        ran++;
        const { state } = test.result();
        if (state === 'passed' || state === 'failed' || state === 'skipped') count[state]++;
        else count.failed++;
        if (state !== 'passed' && state !== 'skipped') failures.push(`${module.relativeModuleId}: ${test.fullName}`);
      }
      // what goes before or after all tests of a part: the tests count as skipped then, or as passed
      for (const suite of module.children.allSuites())
        for (const error of suite.errors()) {
          count.failed++;
          failures.push(`${module.relativeModuleId}: before or after all of ${suite.fullName}: ${firstLine(error.message)}`);
        }
      if (module.errors().length > 0 || (ran === 0 && !module.ok())) {
        count.failed++;
        failures.push(`${module.relativeModuleId}: the file itself`);
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
