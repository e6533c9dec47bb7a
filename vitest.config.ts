import { defineConfig } from 'vitest/config';
import { SkipReporter } from './test/support/reporter.ts';
import { seedVariable } from './test/support/seed.ts';

process.env[seedVariable] ??= String(Math.floor(Math.random() * 2 ** 31));

/** What talks to a real broker lives here; everything else must pass without one. */
const brokerTests = [
  'test/conformance/**/*.test.ts',
  'test/transports/**/*.test.ts',
  'test/fault/**/*.test.ts',
  'test/soak/**/*.test.ts',
  'test/model-brokers/**/*.test.ts',
];
const packageTests = ['test/api/**/*.test.ts'];
const pageTests = ['test/pages/**/*.test.ts'];

/** What Stately's editor reads a file with is built on files of XState 4 that XState 5 doesn't have. */
const extractor = {
  alias: [
    { find: /^xstate\/lib\//, replacement: 'xstate-v4/lib/' },
    // Its CommonJS build, which Node would take, is loaded past any alias.
    {
      find: /^@xstate\/machine-extractor$/,
      replacement: `${import.meta.dirname}/node_modules/@xstate/machine-extractor/dist/xstate-machine-extractor.esm.js`,
    },
  ],
  server: { deps: { inline: [/@xstate\/machine-extractor/] } },
};

export default defineConfig({
  test: {
    env: { [seedVariable]: process.env[seedVariable] },
    reporters: ['default', new SkipReporter()],
    // Growth tests call gc().
    execArgv: ['--expose-gc'],
    setupFiles: ['test/support/setup.ts'],
    maxWorkers: 2,
    // Where a broker has died, each of its tests takes all the time that it may: nobody needs to see them all.
    bail: 15,
    testTimeout: 10_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          ...extractor,
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: [...brokerTests, ...packageTests, ...pageTests],
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
        // One at a time: how responsive a page is can't be told beside other work.
        extends: true,
        test: {
          name: 'pages',
          include: pageTests,
          globalSetup: ['test/support/built.ts', 'test/support/pages/browser.ts'],
          maxWorkers: 1,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 3 },
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
          // The paths of a model wait for their broker, and hardly use the processor.
          maxConcurrency: 8,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
