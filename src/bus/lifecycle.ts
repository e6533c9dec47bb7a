import type { Connection } from '../contracts/transport.ts';
import { BusStoppedError, ConfigurationError, ConnectionError, EventBusError } from '../errors.ts';
import { NOTHING_DRAINED } from '../../machines/bus-input.ts';
import type { BusActor, BusSnapshot, BusState, DrainReport } from '../../machines/index.ts';
import type { Link } from './link.ts';
import type { Consumption } from './api.ts';
import type { BusSettings } from './options.ts';
import { consumerOf, reached, stateOf } from './states.ts';
import type { Wiring } from './wiring.ts';

/** Turns calls such as `connect()` into messages to the bus actor, and its states into promises. */
export class Lifecycle {
  readonly #actor: BusActor;
  readonly #settings: BusSettings;
  readonly #link: Link;
  readonly #telemetry: Wiring['telemetry'];
  readonly #standstills: Wiring['standstills'];
  /** Those who wait for consuming to end on the embedded bus, which has consumed from its construction. */
  readonly #embeddedConsumptions: (() => void)[] = [];
  #shutdown: Promise<DrainReport> | undefined = undefined;

  constructor(wiring: Wiring, settings: BusSettings, link: Link) {
    this.#actor = wiring.actor;
    this.#telemetry = wiring.telemetry;
    this.#standstills = wiring.standstills;
    this.#settings = settings;
    this.#link = link;
  }

  async connect(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#requireAlive();
    this.#telemetry?.look();
    if (this.#link.transport === undefined) return;
    if (this.#state === 'failed') this.#actor.send({ type: 'connect' });
    this.connectIfIdle();
    const snapshot = await reached(
      this.#actor,
      (now) => !['connecting', 'retrying'].includes(stateOf(now)),
      signal,
    );
    this.#requireAlive();
    const state = snapshot === undefined ? this.#state : stateOf(snapshot);
    if (state === 'idle' || state === 'failed') throw this.#connectionError(snapshot);
  }

  /** Whoever publishes needn't connect first. */
  connectIfIdle(): void {
    if (this.#state !== 'idle') return;
    this.#standstills.start();
    this.#actor.send({ type: 'connect' });
  }

  async connection(): Promise<Connection> {
    await this.connect();
    const { connection } = this.#actor.getSnapshot().context;
    if (connection === undefined) throw this.#connectionError(undefined);
    return connection;
  }

  /** Resolves once it consumes; when the signal aborts first, with a consumption that is over. */
  async consume(signal?: AbortSignal): Promise<Consumption> {
    if (this.#link.transport === undefined) return this.#consumeEmbedded();
    if (this.#settings.consumerGroup === undefined)
      throw new ConfigurationError(
        'Consuming needs a consumerGroup: the name that the processes sharing this work have in common, such as "order-service".',
      );
    this.#requireNoConsumer();
    try {
      await this.connect(signal);
    } catch (error) {
      if (signal?.aborted === true) return this.#consumption(Promise.resolve());
      throw error;
    }
    this.#requireNoConsumer();
    this.#actor.send({ type: 'consume' });
    const done = reached(this.#actor, ({ context }) => !context.hasConsumer).then((snapshot) => {
      if (snapshot === undefined) return;
      if (stateOf(snapshot) === 'failed') throw this.#connectionError(snapshot);
      const { refusal } = snapshot.context;
      if (refusal !== undefined) throw refusal as Error;
    });
    // Whoever only wants it to run must not be killed by a rejection nobody listens to.
    done.catch(() => undefined);
    const isDecided = ({ context }: BusSnapshot): boolean => context.isConsumerReady || !context.hasConsumer;
    try {
      const snapshot = await reached(this.#actor, isDecided, signal);
      if (snapshot?.context.isConsumerReady !== true) {
        await done;
        this.#requireAlive();
      }
    } catch (error) {
      if (signal?.aborted !== true) throw error;
      await this.stopConsuming();
    }
    return this.#consumption(done);
  }

  async stopConsuming(): Promise<DrainReport> {
    if (this.#link.transport === undefined) {
      this.#actor.send({ type: 'pause' });
      for (const end of this.#embeddedConsumptions.splice(0)) end();
      return NOTHING_DRAINED;
    }
    if (!this.#actor.getSnapshot().context.hasConsumer) return NOTHING_DRAINED;
    this.#actor.send({ type: 'stopConsuming', timeoutMs: this.#settings.shutdownTimeoutMs });
    const snapshot = await reached(this.#actor, ({ context }) => !context.hasConsumer);
    return snapshot?.context.report ?? NOTHING_DRAINED;
  }

  shutdown(timeoutMs: number): Promise<DrainReport> {
    this.#shutdown ??= this.#drain(timeoutMs);
    return this.#shutdown;
  }

  async waitFor(isMeant: (state: BusState) => boolean, wanted: string, timeoutMs: number): Promise<void> {
    const { clock } = this.#settings;
    const timeUp = new AbortController();
    const timer = clock.setTimeout(
      () => timeUp.abort(new Error(`The bus is ${this.#state}, not ${wanted}, after ${timeoutMs} ms.`)),
      timeoutMs,
    );
    try {
      const snapshot = await reached(this.#actor, (now) => isMeant(stateOf(now)), timeUp.signal);
      if (snapshot === undefined) throw new Error(`The bus is ${this.#state} and can't become ${wanted}.`);
    } finally {
      clock.clearTimeout(timer);
    }
  }

  async #drain(timeoutMs: number): Promise<DrainReport> {
    this.#actor.send({ type: 'shutdown', timeoutMs });
    await reached(this.#actor, ({ status }) => status !== 'active');
    const { output, context } = this.#actor.getSnapshot();
    return output ?? context.report;
  }

  #consumeEmbedded(): Consumption {
    this.#requireAlive();
    this.#actor.send({ type: 'resume' });
    const stopped = new Promise<void>((resolve) => this.#embeddedConsumptions.push(resolve));
    const over = reached(this.#actor, () => false).then(() => undefined);
    return this.#consumption(Promise.race([stopped, over]));
  }

  #consumption(done: Promise<void>): Consumption {
    const stop = (): Promise<DrainReport> => this.stopConsuming();
    return { done, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
  }

  get #state(): BusState {
    return stateOf(this.#actor.getSnapshot());
  }

  #requireAlive(): void {
    const state = this.#state;
    if (state === 'draining' || state === 'stopped') throw new BusStoppedError(state);
  }

  #requireNoConsumer(): void {
    const snapshot = this.#actor.getSnapshot();
    if (!snapshot.context.hasConsumer) return;
    throw new ConfigurationError(
      consumerOf(snapshot)?.hasTag('draining') === true
        ? 'This bus is still ending its last consuming. Await stopConsuming() first.'
        : 'This bus consumes already. Stop it first, or use another bus.',
    );
  }

  #connectionError(snapshot: BusSnapshot | undefined): Error {
    const error = snapshot?.context.error;
    if (error instanceof EventBusError) return error;
    const { name = 'the broker', where } = this.#link.transport ?? {};
    return new ConnectionError(
      `No connection to ${where === undefined ? name : `${name} at ${where}`} within ${this.#settings.connectTimeoutMs} ms. Is it running at that address?`,
      { cause: error },
    );
  }
}
