import { showRaw } from './chart-coverage.ts';
import { onTestFinished } from 'vitest';
import { StatechartEventBus } from '../../src/bus/event-bus.ts';
import { BROKER_DEFAULTS, busSettings, type BusOptions } from '../../src/bus/options.ts';
import type { Headers, Message } from '../../src/contracts/message.ts';
import type {
  Capabilities,
  Connection,
  ConnectionInfo,
  Delivery,
  Interest,
  Source,
  SourceOptions,
  Transport,
} from '../../src/contracts/transport.ts';
import type { TransportNotice } from '../../src/contracts/transport-notice.ts';
import { createCodec } from '../../src/events/codec.ts';
import { VirtualClock } from '../../src/testing/clock.ts';
import { RecordingLogger, registry, settle } from './memory-bus.ts';
import { runRandom } from './seed.ts';

const CAPABILITIES: Capabilities = {
  durable: true,
  crossProcess: true,
  deliveryCount: false,
  keyOrder: 'single-consumer',
  leased: false,
  allGroups: false,
  replayFromStart: false,
  atomicDeadLetters: false,
  delayedRetry: true,
};

/** A broker that does what the test says: hands out what it is given, and writes down what it is asked for. */
export class ScriptedBroker {
  /** In order: `ack 1`, `dead-letter 1`, `defer 1 2000`, `publish 1`, `want Pinged`. */
  readonly asked: string[] = [];
  /** Of the last dead letter, retry or publish that was stored. */
  stored: Headers = {};
  /** What storing comes to; an error is thrown once. */
  refusal: Error | undefined = undefined;
  /** What publishing comes to. */
  publishFailure: Error | undefined = undefined;
  /** Bindings wait for it. */
  binding: Promise<void> = Promise.resolve();
  /** What opening a connection comes to. */
  connectFailure: Error | undefined = undefined;
  /** A connection is opened once it settles. */
  connecting: Promise<void> | undefined = undefined;
  /** How often it was asked for a connection. */
  connects = 0;
  /** What it comes to to end reading, to give up the place in the group, to give a delivery back, or to close. */
  readonly ends = {
    stop: () => Promise.resolve(),
    leave: () => Promise.resolve(),
    release: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  /** Reading has begun once it settles. */
  ready: Promise<void> = Promise.resolve();
  window = 100;
  /** What it has and doesn't hand out. */
  lag: () => Promise<number> = () => Promise.resolve(0);
  /** What else it knows of itself. */
  info: Pick<ConnectionInfo, 'pendingMessages' | 'pendingOf' | 'dlqMessages'> = {
    pendingMessages: 0,
    dlqMessages: 0,
  };
  /** Publishes are answered once it settles. */
  answering: Promise<void> = Promise.resolve();
  connection: Connection | undefined = undefined;
  #lose: (error: Error | undefined) => void = () => undefined;
  notice: ((notice: TransportNotice) => void) | undefined = undefined;
  readonly #batches: Delivery[][] = [];
  #wake: () => void = () => undefined;
  #end: { readonly error: Error | undefined } | undefined = undefined;
  #position = 0;
  readonly #codec = createCodec({ registry });

  /** Hands an event out; returns the delivery. */
  deliver(event: Parameters<typeof this.encode>[0], headers: Headers = {}): Delivery {
    return this.deliverMessage(this.encode(event, headers));
  }

  /** Hands out what may be no event. */
  deliverMessage(message: Message): Delivery {
    const delivery = this.#delivery(message);
    this.#batches.push([delivery]);
    this.#wake();
    return delivery;
  }

  encode(event: Parameters<ReturnType<typeof createCodec>['encode']>[0], headers: Headers = {}): Message {
    return this.#codec.encode(event, headers);
  }

  /** Ends the connection. */
  lose(): void {
    this.#lose(new Error('cut'));
  }

  /** Ends reading, such as after a channel error. */
  endReading(error: Error): void {
    this.#end = { error };
    this.#wake();
  }

  get transport(): Transport {
    return {
      name: 'scripted',
      destination: 'scripted',
      capabilities: CAPABILITIES,
      connect: (_signal, notice) => {
        this.connects++;
        if (this.connectFailure !== undefined) return Promise.reject(this.connectFailure);
        const open = (): Connection => {
          this.notice = notice;
          return (this.connection = this.#connect());
        };
        return this.connecting === undefined ? Promise.resolve(open()) : this.connecting.then(open);
      },
    };
  }

  #connect(): Connection {
    let close: (error: Error | undefined) => void = () => undefined;
    const closed = new Promise<Error | undefined>((resolve) => (close = resolve));
    this.#lose = close;
    return {
      publish: (messages) => {
        this.asked.push(...messages.map(({ id }) => `publish ${id}`));
        return this.publishFailure === undefined ? this.answering : Promise.reject(this.publishFailure);
      },
      subscribe: (options) => this.#source(options),
      deadLetters: {
        async *browse() {
          yield await Promise.resolve([]);
        },
        depth: () => Promise.resolve(0),
        replay: () => Promise.resolve(false),
        remove: () => Promise.resolve(0),
      },
      info: async () => ({
        length: 0,
        ...this.info,
        consumers: 1,
        lag: await this.lag(),
      }),
      closed,
      close: async () => {
        close(undefined);
        await this.ends.close();
      },
    };
  }

  #source({ interest }: SourceOptions): Source {
    this.#end = undefined;
    this.#note(interest);
    /** Batches that it may still hand out: once it is stopped, those that it had pulled by then. */
    let left = Infinity;
    const next = async (): Promise<Delivery[] | undefined> => {
      while (left === 0 || this.#batches.length === 0) {
        if (left === 0) return undefined;
        if (this.#end?.error !== undefined) throw this.#end.error;
        if (this.#end !== undefined) return undefined;
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      left--;
      return this.#batches.shift();
    };
    return {
      window: this.window,
      ready: this.ready,
      want: async (wanted) => {
        this.#note(wanted);
        await this.binding;
      },
      pause: () => undefined,
      resume: () => undefined,
      stop: () => {
        left = Math.min(left, this.#batches.length);
        this.#wake();
        return this.ends.stop();
      },
      close: () => this.ends.leave(),
      async *[Symbol.asyncIterator]() {
        for (let batch = await next(); batch !== undefined; batch = await next()) yield batch;
      },
    };
  }

  #note({ isEverything, types }: Interest): void {
    const names = types.map(({ type, aggregateType }) => `${aggregateType}.${type}`).join();
    this.asked.push(`want ${isEverything ? 'everything ' : ''}${names}`.trim());
  }

  #delivery(message: Message): Delivery {
    const n = ++this.#position;
    const store = (what: string, headers: Headers): Promise<void> => {
      this.asked.push(what);
      const { refusal } = this;
      this.refusal = undefined;
      if (refusal !== undefined) return Promise.reject(refusal);
      this.stored = headers;
      return Promise.resolve();
    };
    return {
      message,
      destination: 'scripted',
      position: String(n),
      deliveryCount: undefined,
      holder: undefined,
      ack: () => void this.asked.push(`ack ${n}`),
      release: () => {
        this.asked.push(`release ${n}`);
        return this.ends.release();
      },
      deadLetter: (headers) => store(`dead-letter ${n}`, headers),
      defer: (delayMs, headers) => store(`defer ${n} ${delayMs}`, headers),
      abandon: () => void this.asked.push(`abandon ${n}`),
    };
  }
}

/** A consuming bus at a scripted broker. `subscribe` is called before it begins. */
export async function scriptedBus(
  subscribe: (bus: StatechartEventBus) => void,
  options: BusOptions & { readonly defersRetries?: boolean; readonly bindsTypes?: boolean } = {},
) {
  const made = idleBus(options);
  subscribe(made.bus);
  const consumption = await made.bus.startConsumingInBackground();
  await settle(made.clock);
  made.broker.asked.length = 0;
  return { ...made, consumption };
}

/** A bus at a scripted broker that has been asked for nothing yet. */
export function idleBus(
  options: BusOptions & { readonly defersRetries?: boolean; readonly bindsTypes?: boolean } = {},
  broker = new ScriptedBroker(),
) {
  const { defersRetries = false, bindsTypes = false, ...given } = options;
  const clock = new VirtualClock();
  const logger = new RecordingLogger();
  const { transport } = broker;
  class ScriptedBus extends StatechartEventBus {
    constructor() {
      const settings = { registry, clock, logger, random: runRandom(), consumerGroup: 'g', ...given };
      super(busSettings({ retry: { jitter: 0 }, ...settings }, { ...BROKER_DEFAULTS, ordering: 'none' }), {
        transport,
        capabilities: CAPABILITIES,
        destination: 'scripted',
        isStoredOnceSent: false,
        canRelease: true,
        longestDeferMs: defersRetries ? Infinity : undefined,
        bindsTypes,
      });
    }
  }
  const bus = new ScriptedBus();
  showRaw(bus, given.inspect);
  onTestFinished(async () => {
    const stopped = bus.shutdown({ timeoutMs: 0 });
    await clock.advance(5000);
    await stopped;
  });
  return { bus, broker, clock, logger };
}
