import { BusStoppedError } from '../../errors.ts';
import { Counted } from '../counted.ts';
import type { Destination, TransportHarness } from '../harness.ts';
import { Recorder } from '../recorder.ts';
import { makeModelBus, type ModelBus, type StageSettings } from './model-bus.ts';

/**
 * A second group of a path's destination, whose handler always succeeds. What the first group fails, tries again, gives
 * back or replays is none of its business (I3): it sees each event once, and never as a retry.
 */
export class Witness {
  readonly made: ModelBus;
  /** What its bus rejected with, beside having been shut down. */
  readonly errors: unknown[] = [];
  readonly #recorder = new Recorder();
  readonly #mayBeCut: boolean;

  private constructor(made: ModelBus, destination: Destination, mayBeCut: boolean) {
    this.made = made;
    this.#mayBeCut = mayBeCut;
    const at = { consumer: 'witness', destination: destination.name };
    // By the name that the path's own has: a replay that is meant for that name must not come here even so.
    made.bus.subscribe(Counted, this.#recorder.handler(at), { name: 'recorder' });
  }

  /** By a way of its own, where there is one: then no fault of the path is one of the witness. */
  static async open(
    harness: TransportHarness,
    destination: Destination,
    settings: StageSettings,
  ): Promise<Witness> {
    const { faults } = harness;
    // Whoever watches the buses of the path watches what the path does to them.
    const { inspect: _, ...bus } = settings.bus;
    const way = (await faults?.wayTo?.(destination)) ?? destination;
    const own = { ...way, group: `${destination.group}-witness` };
    const made = makeModelBus(
      harness,
      own,
      { ...settings, bus },
      { consumerGroup: own.group, consumerName: 'witness' },
    );
    return new Witness(made, destination, faults !== undefined && faults.wayTo === undefined);
  }

  /** Resolves when it is there, and gets what is published from then on. */
  async start(consumesByItself: boolean): Promise<void> {
    const { bus } = this.made;
    try {
      await (consumesByItself ? bus.waitFor('consuming') : bus.startConsumingInBackground());
    } catch (error) {
      if (!(error instanceof BusStoppedError)) this.errors.push(error);
    }
  }

  hasSeen(ids: Iterable<string>): boolean {
    const seen = this.#recorder.handled();
    return [...ids].every((id) => seen.has(id));
  }

  /** Breaches of I3 that it saw, in words. */
  breaches(confirmed: ReadonlySet<string>): string[] {
    const { attempts } = this.#recorder;
    const missed = [...confirmed].filter((id) => !this.hasSeen([id]));
    const retries = attempts.filter(({ attempt }) => attempt > 1);
    const seen = new Set(attempts.map(({ id }) => id));
    const again = this.#mayBeCut ? 0 : attempts.length - seen.size;
    return [
      ...missed.map((id) => `I6: another group never saw ${id}`),
      ...retries.map(({ id, attempt }) => `I3: another group saw attempt ${attempt} of ${id}`),
      ...(again > 0 ? [`I3: another group was given ${again} events a second time`] : []),
      ...this.errors.map((error) => `another group: ${String(error)}`),
    ];
  }
}
