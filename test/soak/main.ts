import { recipes } from '../../brokers/recipes.ts';
import { parseOptions, transports, WrongOptions, type SoakOptions } from './options.ts';
import { startGround, type Programs } from './ground.ts';
import { showProgress } from './progress.ts';
import { failureText, summaryText } from './report.ts';
import { noTotals, soak, type SoakTotals } from './soak.ts';

/**
 * `npm run test:soak`: random walks on private brokers, one transport after another. Ends with 0 when all went well, 1
 * when a walk failed or nothing could be walked on, 2 when the command line is wrong, 130 when it was interrupted.
 */

/** Longer than any session, lease or backoff: what hasn't moved by then won't. */
const STILL_MS = 20_000;
const INTERRUPTED = 130;

async function main(options: SoakOptions): Promise<number> {
  const interrupt = interruptible();
  const names = options.transport === 'all' ? transports : [options.transport];
  const programs = await installed();
  const done: SoakTotals[] = [];
  console.error(
    `${options.minutes} minute(s) on ${names.join(', ')}, from seed ${options.seed} on. Ctrl-C ends it in good order.`,
  );
  let current: SoakTotals | undefined;
  let exitCode = 0;
  const endProgress = showProgress(() => current);
  try {
    for (const name of names) {
      if (interrupt.aborted) break;
      const ground = await startGround(name, programs.found);
      if (ground === undefined) {
        console.error(`${name} is left out: ${programs.missing[name as keyof Programs]}`);
        if (options.transport !== 'all') exitCode = 1;
        continue;
      }
      current = noTotals(name);
      done.push(current);
      try {
        const failure = await soak(ground, planOf(options, names.length), current, interrupt);
        if (failure !== undefined) {
          exitCode = 1;
          console.error(`\n${failureText(name, options.perWalk, failure)}\n`);
        }
      } finally {
        current = undefined;
        await ground.stop();
      }
    }
  } finally {
    endProgress();
  }
  console.log(summaryText(done));
  console.log(`Seed: ${options.seed}`);
  return interrupt.aborted ? INTERRUPTED : exitCode;
}

const planOf = (options: SoakOptions, transports: number) => ({
  seed: options.seed,
  minutes: options.minutes / transports,
  commands: options.commands ?? Infinity,
  commandsPerWalk: options.perWalk,
  shrinks: options.shrinks,
  stillMs: STILL_MS,
  ...(options.path === undefined ? {} : { repeat: { path: options.path, replayPath: options.replay ?? '' } }),
});

async function installed() {
  const [redis, rabbitmq, kafka] = await Promise.all([
    recipes.redis.findProgram(process.env),
    recipes.rabbitmq.findProgram(process.env),
    recipes.kafka.findProgram(process.env),
  ]);
  const found: Programs = { redis: redis.program, rabbitmq: rabbitmq.program, kafka: kafka.program };
  const missing = { redis: redis.missing, rabbitmq: rabbitmq.missing, kafka: kafka.missing };
  return { found, missing };
}

/** The first Ctrl-C ends the walk and its broker in good order, the second at once. */
function interruptible(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(INTERRUPTED);
      controller.abort(new Error('Interrupted.'));
      console.error('\nEnding the walk and its broker; once more ends them at once.');
    });
  return controller.signal;
}

try {
  const options = parseOptions(process.argv.slice(2), () => Math.floor(Math.random() * 2 ** 31));
  process.exitCode = options === undefined ? 0 : await main(options);
} catch (error) {
  if (!(error instanceof WrongOptions)) throw error;
  console.error(`${error.message}\nSee all options with: npm run test:soak -- --help`);
  process.exitCode = 2;
}
