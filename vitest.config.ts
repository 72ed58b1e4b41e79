import { defineConfig } from 'vitest/config';

/** `npm test` runs `unit`, and `e2e` in shards on sandboxes; `npm run e2e` runs `e2e` on a real cluster, one file at a time. */
export default defineConfig({
  test: {
    // the end of a sandbox, on a machine that is busy with others
    teardownTimeout: 60_000,
    reporters: ['default', './scripts/counting-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'src/**/*.test.ts',
            'test/*.test.ts',
            'test/bench/*.test.ts',
            'test/compliance/**/*.test.ts',
            'test/integration/**/*.test.ts',
            'test/fuzz/**/*.test.ts',
            'test/soak/*.test.ts',
            'scripts/**/*.test.ts',
          ],
          pool: 'forks',
          // one for each core; by default one less, which is half of a machine with two
          maxWorkers: '100%',
          // for what hangs; a test says of itself what may not take long. The e2e tests run beside these
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          globalSetup: ['test/e2e/harness/global-setup.ts'],
        },
      },
    ],
  },
});
