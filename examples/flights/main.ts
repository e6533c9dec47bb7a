import { constants } from 'node:os';
import { EventBusError } from 'buschart';
import { BrokerStage } from './broker-stage.ts';
import { plainLoop } from './expected.ts';
import { readRows } from './input.ts';
import { inspectRun } from './inspection.ts';
import { runJob } from './job.ts';
import { MemoryStage } from './memory-stage.ts';
import { type FlightOptions, parseOptions } from './options.ts';
import { Problem } from './problem.ts';
import { showProgress } from './progress.ts';
import { checkRecords } from './records.ts';
import { createReport, describeDrain } from './report.ts';
import type { Stage } from './stage.ts';

const exitCode = { equal: 0, notEqual: 1, problem: 2, interrupted: 130 };

/** Ctrl-C stops the publishing; what has begun is finished, and what the run made is removed. */
const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => {
    // As a shell has it: 130 after SIGINT, 143 after SIGTERM.
    exitCode.interrupted = 128 + constants.signals[name];
    interruption.abort();
  });

try {
  const options = parseOptions(process.argv.slice(2));
  process.exitCode = options === undefined ? exitCode.equal : await fly(options, interruption.signal);
} catch (error) {
  process.exitCode = explain(error);
}

async function fly(options: FlightOptions, signal: AbortSignal): Promise<number> {
  const records = checkRecords(await readRows(options.input, options.limit));
  const events = 2 * records.length;
  await using stage = await openStage(options, events, signal);
  console.log(`${records.length} flights of ${options.input}: ${events} events, ${options.transport}`);
  await using inspection = options.inspect ? await inspectRun(stage.bus, signal) : undefined;

  const startedAt = performance.now();
  const stopProgress = showProgress(events, () => stage.handlers.projection.events);
  const result = await runJob(records, stage, signal, options.rate)
    .finally(stopProgress)
    .catch(async (error: unknown) => {
      if (signal.aborted) console.log(`drained: ${describeDrain(await stage.drain())}`);
      throw error;
    });
  const seconds = (performance.now() - startedAt) / 1000;

  const report = createReport(result, stage.handlers, plainLoop(records), stage.notes);
  console.log(`${report.text}\n${seconds.toFixed(1)} s, ${Math.round(events / seconds)} events/s`);
  await inspection?.ended();
  return report.isEqual ? exitCode.equal : exitCode.notEqual;
}

async function openStage(options: FlightOptions, events: number, signal: AbortSignal): Promise<Stage> {
  const { transport, workers, kill, seed, inspect } = options;
  if (transport === 'memory') return new MemoryStage(seed, events);
  const url = { redis: options.redisUrl, rabbitmq: options.rabbitmqUrl, kafka: options.kafkaServers }[
    transport
  ];
  return BrokerStage.open({
    broker: transport,
    url,
    workers,
    seed,
    signal,
    inspect,
    killAmong: kill ? events : undefined,
  });
}

/** Says what went wrong, and returns the exit code. */
function explain(error: unknown): number {
  if (error instanceof Error && 'suppressed' in error && 'error' in error) {
    // The clean-up failed too, after the first failure.
    explain(error.suppressed);
    return explainProblem(error.error);
  }
  if (!interruption.signal.aborted) return explainProblem(error);
  console.error('Interrupted: what had begun was finished, and nothing was left behind.');
  return exitCode.interrupted;
}

function explainProblem(error: unknown): number {
  const isExpected = error instanceof Problem || error instanceof EventBusError;
  console.error(isExpected ? error.message : error);
  return exitCode.problem;
}
