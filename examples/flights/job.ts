import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { DeadLetter, DrainReport, ReplayReport } from 'buschart';
import { eventsOf, type FlightEvent } from './events.ts';
import type { FlightRecord } from './records.ts';
import type { Stage } from './stage.ts';

export interface JobResult {
  /** What stood there before the repair. */
  readonly deadLetters: readonly DeadLetter[];
  readonly replay: ReplayReport;
  /** Dead letters that the repair didn't help. */
  readonly left: number;
  readonly drain: DrainReport;
}

/** Most records per publish: a list is one trip to the broker. */
const recordsPerList = 200;
/** With a rate: lists a second, so that it looks like a flow. */
const listsPerSecond = 10;

/**
 * The main job: publish everything, look at what failed, repair, replay, drain. Rejects when `signal` aborts.
 * @param rate Events published a second at most.
 */
export async function runJob(
  records: readonly FlightRecord[],
  stage: Stage,
  signal: AbortSignal,
  rate = Infinity,
): Promise<JobResult> {
  const startedAt = performance.now();
  let published = 0;
  for (const events of listsOfEvents(records, Math.ceil(rate / 2 / listsPerSecond))) {
    // In memory a list may be handled without a turn of the event loop, which a Ctrl-C and the progress bar need.
    await nextTurn();
    signal.throwIfAborted();
    await stage.publish(events);
    published += events.length;
    const aheadMs = (published * 1000) / rate - (performance.now() - startedAt);
    if (aheadMs > 0) await delay(aheadMs, undefined, { signal });
  }
  await stage.settled();
  signal.throwIfAborted();

  const deadLetters = await listDeadLetters(stage);
  await stage.repair();
  const replay = await stage.replay();
  signal.throwIfAborted();

  const left = await stage.bus.deadLetters.count();
  const drain = await stage.drain();
  return { deadLetters, replay, left, drain };
}

/** Made list by list, so that memory holds a few hundred events and not all of them. */
function* listsOfEvents(records: readonly FlightRecord[], wanted: number): Generator<readonly FlightEvent[]> {
  const size = Math.min(wanted, recordsPerList);
  for (let start = 0; start < records.length; start += size) {
    yield records.slice(start, start + size).flatMap(eventsOf);
  }
}

async function listDeadLetters({ bus }: Stage): Promise<readonly DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (;;) {
    const after = letters.at(-1)?.cursor;
    const page = await bus.deadLetters.list({ limit: 500, ...(after !== undefined && { after }) });
    if (page.length === 0) return letters;
    letters.push(...page);
  }
}
