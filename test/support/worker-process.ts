// A process of its own that consumes: started, told to stop, and killed by the tests that need more than one.
import { readSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { Counted, conformanceRegistry } from '../../src/testing/counted.ts';
import { busAt } from './bus-places.ts';
import { foretold, mustFail } from './fate.ts';
import { moment, REPORTS, UNBLOCKING, type WorkerPlan, type WorkerReport } from './worker.ts';

const plan = JSON.parse(process.argv[2] ?? '') as WorkerPlan;

/**
 * What was reported survives a SIGKILL of this process, since the system has it before this returns. process.stdout keeps
 * in here what a busy reader leaves no room for, after a hundred lines or two.
 */
function report(line: WorkerReport): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let written = 0; written < bytes.length;) written += writeSync(REPORTS, bytes, written);
}
const warned = (_fields: object, line: string) => report({ kind: 'warned', line });
const logger = { debug: ignore, info: ignore, warn: warned, error: warned };

if (plan.isTraced === true) {
  const { factsOf, registerTracer } = await import('./telemetry-sdk.ts');
  registerTracer({
    export: (spans, done) => {
      for (const span of spans) report({ kind: 'span', span: factsOf(span) });
      done({ code: 0 });
    },
    shutdown: () => Promise.resolve(),
  });
}

const starting = Array.from({ length: plan.buses ?? 1 }, async (_, index) => {
  const consumer = `${plan.consumerName}-${index}`;
  const bus = await busAt(plan.place, {
    consumerGroup: plan.consumerGroup,
    consumerName: consumer,
    registry: conformanceRegistry,
    logger,
    concurrency: 8,
    retry: { maxRetries: 3, baseDelayMs: 5, maxDelayMs: 20 },
    ...plan.options,
    ...(plan.by !== undefined && plan.place.broker === 'kafka' && { mapAddress: () => plan.by }),
  });
  bus.subscribe(
    Counted,
    async (event, context) => {
      const { eventId: id, aggregateId: key, n } = event;
      const { attempt, deliveryCount } = context;
      const fate = foretold(event.text);
      report({ kind: 'start', id, key, n, consumer, attempt, deliveryCount, at: moment() });
      if (n === plan.exitAt) process.exit(1);
      const handlerMs = fate?.ms ?? plan.handlerMs;
      if (handlerMs !== undefined) await pause(handlerMs);
      const isUnlucky =
        (isEvery(plan.failEvery, n) && attempt === 1) ||
        isEvery(plan.poisonEvery, n) ||
        (fate !== undefined && mustFail(fate, context));
      const outcome = isUnlucky ? 'failed' : 'succeeded';
      report({ kind: 'end', id, consumer, outcome, at: moment() });
      if (isUnlucky) throw new Error('unlucky');
    },
    { name: 'recorder' },
  );
  return bus;
});
const buses = await Promise.all(starting);

createInterface({ input: process.stdin }).on('line', (order) => {
  if (order === 'block') {
    report({ kind: 'blocked' });
    // Nothing else runs until there is something to read.
    readSync(UNBLOCKING, Buffer.alloc(1));
    return;
  }
  process.stdin.destroy();
  void Promise.all(buses.map((bus) => bus.shutdown())).then((reports) =>
    report({ kind: 'stopped', reports }),
  );
});
await Promise.all(buses.map((bus) => bus.startConsumingInBackground()));
report({ kind: 'ready' });

function isEvery(some: number | undefined, n: number): boolean {
  return some !== undefined && n % some === 0;
}

function ignore(): void {}
