import { join } from 'node:path';
import { getEachMessage, sendMessage } from 'execa';
import { createVitest, type TestModule } from 'vitest/node';
import { ROOT, withFault, type Fault } from './fault.ts';
import type { Answer, Question } from './protocol.ts';

// A process that runs tests with one fault after another in. Its Vitest stands from one to the next, with all that it has
// read of the tree: to start it anew takes longer than most of them need.

let seeded: Fault | undefined;

const vitest = await createVitest(
  'test',
  {
    root: ROOT,
    config: false,
    watch: false,
    reporters: [{}],
    env: { BUSCHART_SEED: '1' },
    execArgv: ['--expose-gc'],
    setupFiles: ['test/support/setup.ts'],
    maxWorkers: 1,
    bail: 1,
    // On the virtual clock a test that takes so long waits for what never comes.
    testTimeout: 4_000,
    hookTimeout: 2_000,
  },
  {
    plugins: [
      {
        name: 'seeded-fault',
        enforce: 'pre',
        // As the file is loaded: none is ever changed.
        transform: (code: string, id: string) =>
          seeded !== undefined && id === join(ROOT, seeded.file) ? withFault(code, seeded) : undefined,
      },
    ],
  },
);

for await (const question of getEachMessage()) await sendMessage({ ...(await answer(question as Question)) });
await vitest.close();

async function answer({ fault, tests }: Question): Promise<Answer> {
  seed(fault);
  const files = tests.map((file) => join(ROOT, file));
  const project = vitest.getRootProject();
  const run = await vitest.runTestSpecifications(files.map((file) => project.createSpecification(file)));
  seed(undefined);
  // Those of earlier runs are still among them.
  const modules = run.testModules.filter(({ moduleId }) => files.includes(moduleId));
  const [failed] = modules.flatMap((module) => [...module.children.allTests('failed')]);
  if (failed === undefined) {
    const broken = [...modules.flatMap(problemsOf), ...run.unhandledErrors.map(String)];
    return {
      failed: undefined,
      isTimeOut: false,
      broken: broken.length === 0 ? undefined : broken.join('\n'),
    };
  }
  const errors = failed.result().errors ?? [];
  const isTimeOut = errors.some(({ message }) => message.includes('timed out in'));
  return { failed: failed.fullName, isTimeOut, broken: undefined };
}

function seed(fault: Fault | undefined): void {
  for (const { file } of [seeded, fault].filter((one) => one !== undefined))
    vitest.invalidateFile(join(ROOT, file));
  seeded = fault;
}

function problemsOf(module: TestModule): string[] {
  const suites = [...module.children.allSuites()];
  return [...module.errors(), ...suites.flatMap((suite) => suite.errors())].map(({ message }) => message);
}
