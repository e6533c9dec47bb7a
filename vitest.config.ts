import { defineConfig } from 'vitest/config';
import { SkipReporter } from './test/support/reporter.ts';
import { seedVariable } from './test/support/seed.ts';

process.env[seedVariable] ??= String(Math.floor(Math.random() * 2 ** 31));

/** What talks to a real broker lives here; everything else must pass without one. */
const brokerTests = [
  'test/conformance/**/*.test.ts',
  'test/transports/**/*.test.ts',
  'test/fault/**/*.test.ts',
];
const packageTests = ['test/api/**/*.test.ts'];

export default defineConfig({
  test: {
    env: { [seedVariable]: process.env[seedVariable] },
    reporters: ['default', new SkipReporter()],
    // Growth tests call gc().
    execArgv: ['--expose-gc'],
    setupFiles: ['test/support/setup.ts'],
    maxWorkers: 2,
    testTimeout: 10_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: [...brokerTests, ...packageTests],
          globalSetup: ['test/support/built.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'types',
          include: [],
          // Errors elsewhere are for "npm run types" to report.
          typecheck: {
            enabled: true,
            only: true,
            include: ['test/types/**/*.test-d.ts'],
            ignoreSourceErrors: true,
          },
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: packageTests,
          globalSetup: ['test/support/built.ts', 'test/support/packed.ts'],
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // One file at a time: a fault test that shares two cores with others measures the others.
        extends: true,
        test: {
          name: 'brokers',
          include: brokerTests,
          globalSetup: ['test/support/built.ts', 'test/support/brokers.ts'],
          maxWorkers: 1,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
