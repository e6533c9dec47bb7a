import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { BrokerEventBus } from '../../src/index.ts';
import { Counted, type CountedEvent, type ProxyMode } from '../../src/testing/index.ts';
import { activeResources, leftovers, type Resources } from '../../src/testing/leftovers.ts';
import type { FaultRun } from '../fault/fault-run.ts';
import { foretell, foretold, mustFail, type Foretold } from '../support/fate.ts';
import type { Worker } from '../support/worker.ts';
import type { Ground } from './ground.ts';
import { tallied, type Tally } from './tally.ts';

const KEYS = 4;
/** Shorter than some faults, so that publishes fail, too. */
const PUBLISH_TIMEOUT_MS = 8_000;
const DRAIN_MS = 10_000;

export interface WalkOptions {
  /** How long nothing may happen, with everything mended, until what is still open counts as lost. */
  readonly stillMs: number;
  /** Aborts when the user has had enough. */
  readonly signal: AbortSignal;
}

/** One sequence of commands on a destination of its own, and what it came to. */
export class Walk {
  readonly run: FaultRun;
  readonly #options: WalkOptions;
  readonly #before: Resources;
  readonly #keys = Array.from({ length: KEYS }, () => randomUUID());
  readonly #local = new Map<string, BrokerEventBus>();
  readonly #workers = new Map<string, Worker>();
  /** With the ids of their events. */
  readonly #publishing = new Map<Promise<unknown>, readonly string[]>();
  /** Sent while the broker stored nothing: it may have refused one and stored the next, which then came first. */
  readonly #overtaken = new Set<string>();
  readonly #poisonous = new Set<string>();
  readonly #replayed = new Set<string>();
  #publisher: BrokerEventBus | undefined = undefined;
  #events = 0;
  #consumers = 0;
  #handsOver = false;
  /** Ends the stretch of time in which something is broken; undefined while all is whole. */
  #mended: (() => Promise<void>) | undefined = undefined;
  #faults = 0;
  #relent: (() => Promise<void>) | undefined = undefined;
  #isFrozen = false;
  #ending: Promise<void> | undefined = undefined;

  private constructor(run: FaultRun, options: WalkOptions, before: Resources) {
    this.run = run;
    this.#options = options;
    this.#before = before;
  }

  /** Resolves once one consumer consumes. */
  static async begin(ground: Ground, options: WalkOptions): Promise<Walk> {
    const before = activeResources();
    const walk = new Walk(await ground.open(`soak-${randomUUID()}`), options, before);
    try {
      await walk.#consume(`local-${++walk.#consumers}`);
      walk.#publisher = await walk.run.bus({
        consumerGroup: walk.run.place.group,
        publishTimeoutMs: PUBLISH_TIMEOUT_MS,
      });
      await walk.run.publish(walk.#publisher, []);
      return walk;
    } catch (error) {
      await walk.end();
      throw error;
    }
  }

  get faults(): number {
    return this.#faults;
  }

  get events(): number {
    return this.#events;
  }

  /** Doesn't wait for it where the broker is away. */
  async publish(told: readonly Foretold[], isAwaited: boolean): Promise<void> {
    const events = told.map((one) => {
      const n = this.#events++;
      const aggregateId = this.#keys[n % KEYS] as string;
      const event = Counted({ aggregateId, n, text: foretell(one) });
      if (one.fate === 'poison') this.#poisonous.add(event.eventId);
      return event;
    });
    const publishing = this.run.publish(this.#publisher!, events);
    const ids = events.map(({ eventId }) => eventId);
    this.#publishing.set(publishing, ids);
    const done = publishing.finally(() => this.#publishing.delete(publishing));
    done.catch(() => undefined);
    if (isAwaited) await done;
  }

  async startLocal(): Promise<string> {
    const name = `local-${++this.#consumers}`;
    await this.#joining(() => this.#consume(name));
    return name;
  }

  async startWorker(): Promise<string> {
    const name = `worker-${++this.#consumers}`;
    await this.#joining(async () => void this.#workers.set(name, await this.run.worker(name, { buses: 1 })));
    return name;
  }

  pause(name: string): void {
    this.#local.get(name)?.pause();
  }

  resume(name: string): void {
    this.#local.get(name)?.resume();
  }

  /** @param timeoutMs What hasn't ended by then is cut off, and comes again; undefined waits for it. */
  async stop(name: string, timeoutMs?: number): Promise<void> {
    this.#handsOver = true;
    const worker = this.#workers.get(name);
    const bus = this.#local.get(name);
    const stop = async () => {
      await worker?.stop();
      const report = await bus?.shutdown({ timeoutMs: timeoutMs ?? DRAIN_MS });
      if (timeoutMs === undefined && report?.timedOut === true)
        throw new Error(`${name} did not drain: ${JSON.stringify(report)}`);
    };
    if (timeoutMs === undefined) await this.#joining(stop);
    else await this.#broken(stop);
    this.#workers.delete(name);
    this.#local.delete(name);
  }

  async consumeAgain(name: string): Promise<void> {
    this.#handsOver = true;
    const bus = this.#local.get(name);
    await this.#joining(async () => {
      await bus?.stopConsuming();
      await bus?.startConsumingInBackground();
    });
  }

  async crash(name: string): Promise<void> {
    await this.#broken(() => this.#workers.get(name)?.kill());
    this.#workers.delete(name);
  }

  async kill(): Promise<void> {
    await this.#breaking(() => this.run.place.server.kill());
  }

  async start(): Promise<void> {
    await this.run.place.server.start();
  }

  async restart(): Promise<void> {
    const { server } = this.run.place;
    await this.#broken(async () => {
      process.kill(server.pid!, 'SIGTERM');
      await this.run.until(() => server.pid === undefined, 'the broker to end');
      await server.start();
    });
  }

  async freeze(): Promise<void> {
    this.#isFrozen = true;
    await this.#breaking(() => this.run.place.server.freeze());
  }

  thaw(): void {
    this.#isFrozen = false;
    this.run.place.server.thaw();
  }

  async cut(mode: ProxyMode): Promise<void> {
    await this.#breaking(() => this.run.proxy.set(mode));
  }

  heal(): void {
    this.run.proxy.heal();
  }

  async refuse(): Promise<void> {
    await this.#breaking(async () => void (this.#relent = await this.run.place.refuseStorage()));
  }

  async relent(): Promise<void> {
    if (this.#relent === undefined) return;
    await this.#relent();
    this.#relent = undefined;
    for (const id of [...this.#publishing.values()].flat()) this.#overtaken.add(id);
  }

  /** To be called when nothing is broken any more: until then what comes twice has its excuse. */
  async whole(): Promise<void> {
    const mended = this.#mended;
    this.#mended = undefined;
    await mended?.();
  }

  async replay(): Promise<void> {
    const { group } = this.run.place;
    const ids = await this.run.place.deadLettered();
    try {
      const { failed } = await this.#publisher!.deadLetters.replayAll({ group });
      if (failed.length === 0) for (const id of ids) this.#replayed.add(id);
      else this.run.noteAtRisk(ids);
    } catch (error) {
      // The way may be whole again, and the connection not yet back. What was replayed by then may be so again.
      if ((error as { code?: unknown }).code !== 'CONNECTION') throw error;
      this.run.noteAtRisk(ids);
    }
  }

  async letPass(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#options.signal });
  }

  /** Mends everything and waits until all is done, or nothing happens any more. Resolves with what is wrong then. */
  async settle(): Promise<Tally> {
    await this.mendAll();
    await Promise.all(this.#publishing.keys());
    for (const name of this.#local.keys()) this.resume(name);
    if (this.#local.size + this.#workers.size === 0) await this.startLocal();
    const isSettled = await this.#untilStill(
      async () => this.#isAccounted() && (await this.run.place.unsettled()) === 0,
    );
    const isHealthy = await this.#untilStill(async () => {
      const health = await Promise.all([...this.#local.values()].map((bus) => bus.healthCheck()));
      return health.every(({ status }) => status === 'healthy');
    });
    const tally = await tallied(this.run, {
      replayed: this.#replayed,
      overtaken: this.#overtaken,
      handsOver: this.#handsOver,
      unsettled: isSettled ? 0 : await this.run.place.unsettled(),
    });
    if (!isHealthy)
      for (const [name, bus] of this.#local) {
        const { status, state, reasons } = await bus.healthCheck();
        if (status !== 'healthy')
          tally.problems.push(`${name} is ${status} (${state}): ${reasons.join('; ')}`);
      }
    return tally;
  }

  async mendAll(): Promise<void> {
    if (this.#isFrozen) this.thaw();
    await this.start();
    this.heal();
    await this.relent();
    await this.whole();
  }

  /** Stops everything; resolves with what did not end as it should. */
  async drain(): Promise<string[]> {
    const problems: string[] = [];
    for (const [name, bus] of [...this.#local, ['the publisher', this.#publisher!] as const]) {
      const report = await bus.shutdown({ timeoutMs: DRAIN_MS });
      if (report.timedOut || report.aborted > 0 || report.unpublished > 0)
        problems.push(`${name} did not drain: ${JSON.stringify(report)}`);
    }
    await this.end();
    const left = await leftovers(this.#before);
    return [...problems, ...left.map((one) => `left behind: ${one}`)];
  }

  /** What its buses have logged last, each line once. */
  lastWords(): string[] {
    return [...new Set(this.run.logged)].slice(-5).map((line) => `logged: ${line}`);
  }

  /** Idempotent. */
  end(): Promise<void> {
    if (this.#isFrozen) this.thaw();
    this.#ending ??= this.run.close(() => this.run.place.clear());
    return this.#ending;
  }

  async #consume(name: string): Promise<void> {
    this.#local.set(name, await this.run.consumer(name, handle, { concurrency: 8 }));
  }

  #isAccounted(): boolean {
    const { handled, confirmed } = this.run;
    const isOver = (id: string) => handled.has(id) || (this.#poisonous.has(id) && !this.#replayed.has(id));
    return [...confirmed, ...this.#replayed].every(isOver);
  }

  /** False when it doesn't hold, and nothing has begun or ended for so long. */
  async #untilStill(holds: () => Promise<boolean>): Promise<boolean> {
    let progress = -1;
    let since = performance.now();
    while (!(await holds())) {
      this.#options.signal.throwIfAborted();
      const now = this.run.attempts.reduce((sum, { end }) => sum + (end === undefined ? 1 : 2), 0);
      if (now !== progress) since = performance.now();
      else if (performance.now() - since > this.#options.stillMs) return false;
      progress = now;
      await pause(20);
    }
    return true;
  }

  /** Members that come and go move what others had begun only where the broker deals out partitions. */
  async #joining(act: () => Promise<unknown> | undefined): Promise<void> {
    if (this.run.place.at.broker === 'kafka') await this.#broken(act);
    else await act();
  }

  async #broken(act: () => Promise<unknown> | void | undefined): Promise<void> {
    const wasWhole = this.#mended === undefined;
    await this.#breaking(act);
    if (wasWhole) await this.whole();
  }

  /** From here on, until {@link whole}, what was or is begun may come again. */
  async #breaking(act: () => Promise<unknown> | void | undefined): Promise<void> {
    this.#faults++;
    this.#mended ??= await this.#excuses();
    await act();
  }

  async #excuses(): Promise<() => Promise<void>> {
    const { run } = this;
    const before = new Set(run.attempts);
    const faultsBefore = this.#faults - 1;
    const isOver = await run.faultBegins();
    // What is handed out now may be another's, handled and settled, by the time that all is whole again.
    const atRisk = await (await run.place.beforeFault())({ begun: run.handled, consumers: 0 });
    if (typeof atRisk !== 'number') run.noteAtRisk(atRisk);
    return async () => {
      await isOver(this.#faults - faultsBefore);
      run.noteAtRisk(run.attempts.filter((attempt) => !before.has(attempt)).map(({ id }) => id));
    };
  }
}

async function handle(
  event: CountedEvent,
  context: { readonly attempt: number; readonly headers: Readonly<Record<string, string>> },
): Promise<void> {
  const told = foretold(event.text) ?? { fate: 'ok', ms: 0 };
  if (told.ms > 0) await pause(told.ms);
  if (mustFail(told, context)) throw new Error(`${told.fate} as foretold`);
}
