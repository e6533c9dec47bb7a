import type { BrokerEventBus } from '../../bus/api.ts';
import type { BusOptions } from '../../bus/options.ts';
import type { HandlerContext } from '../../contracts/handler.ts';
import { BusStoppedError, NonRetryableError } from '../../errors.ts';
import { Counted, type CountedEvent } from '../counted.ts';
import type { Destination, TransportHarness } from '../harness.ts';
import { Recorder } from '../recorder.ts';
import { TestTime } from '../test-time.ts';
import type { ModelContext } from './happenings.ts';
import { DRAIN_MS, type HeldClock } from './held-clock.ts';
import { fails, isOver, type Kind } from './messages.ts';
import { makeModelBus, type ModelBus, type StageSettings } from './model-bus.ts';
import { Witness } from './witness.ts';

type Report = Awaited<ReturnType<BrokerEventBus['shutdown']>>;
/** One incarnation of the consumer of a path. */
export interface StagedConsumer {
  readonly bus: BrokerEventBus;
  readonly label: string;
  readonly clock: HeldClock;
  /** The destination by a way of its own, which a crash cuts for good. */
  readonly way: Destination;
  isReady: boolean;
  drain: Promise<Report> | undefined;
}

/** Ten virtual seconds, in which all has happened that no gate holds; a minute where a broker shares its machine. */
const PATIENCE = { steps: 500, ms: 60_000 };

/** The buses of one path, its handlers' gates, and all that they did. */
export class ModelStage extends TestTime {
  readonly harness: TransportHarness;
  readonly destination: Destination;
  readonly recorder = new Recorder();
  readonly settings: StageSettings;
  readonly events: CountedEvent[] = [];
  readonly confirmed = new Set<string>();
  /** What publish rejected with, and what a bus that started rejected with. */
  readonly errors: unknown[] = [];
  readonly publisher: BrokerEventBus;
  readonly witness: Witness;
  /** All of this path, in the order in which they were made. */
  readonly buses: ModelBus[] = [];
  consumer: StagedConsumer | undefined = undefined;
  /** Whose report is the last one. */
  lastDrain: Promise<Report> | undefined = undefined;
  /** Attempts for events that were over already: their acknowledgement was still on its way when the way was cut. */
  repeats = 0;
  /** What the model says of the events now: of what is over, no further delivery is held up. */
  expected: ModelContext['messages'] = [];
  readonly #gates = new Map<string, { readonly attempt: number; open(): void }>();
  readonly #mended = new Set<number>();
  #isOpen = false;
  #consumers = 0;

  private constructor(
    harness: TransportHarness,
    destination: Destination,
    settings: StageSettings,
    witness: Witness,
  ) {
    super(harness.clock, PATIENCE);
    this.harness = harness;
    this.settings = settings;
    this.destination = destination;
    this.witness = witness;
    this.buses.push(witness.made);
    this.publisher = this.#bus(destination).bus;
  }

  /** With a publisher that is connected, and the group there where it would miss events otherwise. */
  static async open(harness: TransportHarness, testId: string, settings: StageSettings): Promise<ModelStage> {
    const destination = harness.destination(testId);
    await harness.faults?.prepare?.(destination);
    const witness = await Witness.open(harness, destination, settings);
    const stage = new ModelStage(harness, destination, settings, witness);
    await stage.settles(stage.publisher.connect(), 'the publisher to connect');
    const witnessed = witness.start(harness.abilities.consumesByItself);
    if (harness.abilities.replayFromStart) return stage;
    await stage.settles(witnessed, 'the witness to consume');
    await stage.start();
    await stage.until(() => stage.consumer?.isReady === true, 'the group to be founded');
    const founder = stage.consumer?.bus;
    if (founder !== undefined) await stage.settles(founder.shutdown(), 'its founder to stop');
    stage.consumer = undefined;
    return stage;
  }

  publish(kind: Kind, key: string): void {
    const aggregateId = `${this.destination.name}-${key}`;
    const event = Counted({ aggregateId, n: this.events.length, text: kind });
    this.events.push(event);
    this.publisher.publish(event).then(
      () => this.confirmed.add(event.eventId),
      (error: unknown) => this.errors.push(error),
    );
  }

  /** A new bus, or the one that is there begins to consume again. */
  async start(): Promise<void> {
    const consumer = this.consumer?.bus.state === 'stopped' ? undefined : this.consumer;
    const present = consumer ?? (await this.#newConsumer());
    this.consumer = present;
    present.isReady = false;
    const isByItself = this.harness.abilities.consumesByItself && consumer === undefined;
    const starting = isByItself ? present.bus.waitFor('consuming') : present.bus.startConsumingInBackground();
    starting.then(
      () => (present.isReady = true),
      (error: unknown) => {
        // Shut down before it consumed.
        if (present.drain === undefined || !(error instanceof BusStoppedError)) this.errors.push(error);
      },
    );
  }

  /** Lets the running attempt of that event end as its plan says. */
  end(n: number): void {
    const gate = this.#gates.get(`${this.consumer?.label} ${n}`);
    if (gate === undefined) throw new Error(`No attempt runs for event ${n}.`);
    gate.open();
  }

  /** From now on every attempt ends at once. */
  openGates(): void {
    this.#isOpen = true;
    for (const { open } of [...this.#gates.values()]) open();
  }

  /** Whatever failed this event is mended. */
  mend(n: number): void {
    this.#mended.add(n);
  }

  drain(how: 'shutdown' | 'stopConsuming'): void {
    const consumer = this.#present();
    consumer.drain =
      how === 'shutdown' ? consumer.bus.shutdown({ timeoutMs: DRAIN_MS }) : consumer.bus.stopConsuming();
    this.lastDrain = consumer.drain;
  }

  /** Cuts the consumer off for good: what its process knew is as good as gone. */
  async crash(): Promise<void> {
    const { way } = this.#present();
    this.consumer = undefined;
    this.lastDrain = undefined;
    await this.harness.faults?.cut(way);
  }

  async cut(): Promise<void> {
    await this.harness.faults?.cut(this.#present().way);
    await this.harness.faults?.cut(this.destination);
  }

  async heal(): Promise<void> {
    await this.harness.faults?.heal(this.#present().way);
    await this.harness.faults?.heal(this.destination);
  }

  /** Attempts that the living consumer runs, as `event/attempt`. */
  get running(): readonly string[] {
    const prefix = `${this.consumer?.label} `;
    return [...this.#gates]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, { attempt }]) => `${name.slice(prefix.length)}/${attempt}`)
      .toSorted();
  }

  async close(): Promise<void> {
    this.openGates();
    try {
      // Those that were cut off for good wait for nothing, also where they drain already.
      const stopping = this.buses.map(({ bus }) => bus.shutdown({ timeoutMs: 0 }));
      for (const { clock } of this.buses) clock.endDrain();
      await this.settles(Promise.all(stopping), 'the buses to stop');
    } finally {
      await this.harness.cleanUp(this.destination);
    }
  }

  async #newConsumer(): Promise<StagedConsumer> {
    const { faults } = this.harness;
    const way = (await faults?.wayTo?.(this.destination)) ?? this.destination;
    const label = `consumer-${++this.#consumers}`;
    const { bus, clock } = this.#bus(way, { consumerGroup: way.group, consumerName: 'same' });
    const handle = this.settings.around((event, context) => this.#handle(label, event, context));
    const at = { consumer: label, destination: this.destination.name };
    bus.subscribe(Counted, this.recorder.handler(at, handle), { name: 'recorder' });
    return { bus, label, clock, way, isReady: false, drain: undefined };
  }

  #bus(destination: Destination, options: BusOptions = {}): ModelBus {
    const made = makeModelBus(this.harness, destination, this.settings, options);
    this.buses.push(made);
    return made;
  }

  async #handle(label: string, event: CountedEvent, { attempt, signal }: HandlerContext): Promise<void> {
    const { n, text } = event;
    const expected = this.expected[n];
    const plan = { kind: text as Kind, attempt, isMended: this.#mended.has(n) };
    const isRepeat = this.harness.abilities.crossProcess && expected !== undefined && isOver(expected);
    if (isRepeat && !this.#isOpen) {
      this.repeats++;
      if (expected.phase === 'dead') throw new NonRetryableError('It is a dead letter already.');
      return;
    }
    if (!this.#isOpen) await this.#gate(`${label} ${n}`, attempt, signal);
    if (fails(plan, this.settings.promises.maxAttempts))
      throw new Error(`Planned failure of attempt ${attempt}`);
  }

  async #gate(name: string, attempt: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const open = (): void => {
        this.#gates.delete(name);
        resolve();
      };
      const giveUp = (): void => {
        this.#gates.delete(name);
        reject(signal.reason as Error);
      };
      this.#gates.set(name, { attempt, open });
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #present(): StagedConsumer {
    if (this.consumer === undefined) throw new Error('There is no consumer.');
    return this.consumer;
  }
}
