import type { AnyActorRef, InspectionEvent } from 'xstate';
import type { Clock } from '../contracts/clock.ts';
import type { Logger } from '../contracts/logger.ts';
import { lookAround, ownInspection, type Inspection } from '../../machines/internals.ts';
import type { InspectionObserver, Limits } from './inspection.ts';
import { Observation } from './observation.ts';

const REST_MS = 100;

/** The observers of one bus. While there are none, and while all have seen enough, a delivery costs what it costs. */
export class Observations {
  readonly #inspection: Inspection;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #observations = new Set<Observation>();
  #root: AnyActorRef | undefined = undefined;
  /** Set while an observer has spent something. */
  #resting: unknown = undefined;

  constructor(inspection: Inspection, clock: Clock, logger: Logger) {
    this.#inspection = inspection;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Makes an observer that sees the actor being made; {@link own} is to follow. */
  first(observer: InspectionObserver, limits: Limits): (event: InspectionEvent) => void {
    const observation = this.#add(observer, limits);
    return (event) => observation.tell(event);
  }

  /** From here on the observers of the system of this root are seen to here. */
  own(root: AnyActorRef): void {
    this.#root = root;
    ownInspection(root, this.#inspection);
    this.#changed();
    const stop = (): void => this.#stop();
    root.subscribe({ complete: stop, error: stop });
  }

  /** Tells of what is there already, and from then on of what happens. Returns a function that ends it. */
  add(observer: InspectionObserver, limits: Limits): () => void {
    const observation = this.#add(observer, limits);
    if (this.#root !== undefined) observation.replay(this.#root);
    this.#changed();
    return () => {
      observation.isOver = true;
      this.#changed();
    };
  }

  #add(observer: InspectionObserver, limits: Limits): Observation {
    const observation: Observation = new Observation({
      observer,
      limits,
      logger: this.#logger,
      changed: () => this.#changed(),
      spent: () => this.#restLater(),
    });
    this.#observations.add(observation);
    this.#inspection.watchers.add(observation);
    this.#changed();
    return observation;
  }

  #changed(): void {
    for (const observation of this.#observations) {
      if (!observation.isOver) continue;
      this.#observations.delete(observation);
      this.#inspection.watchers.delete(observation);
    }
    lookAround(this.#inspection);
    this.#restLater();
  }

  #restLater(): void {
    if (this.#resting !== undefined || this.#root?.getSnapshot().status !== 'active') return;
    if ([...this.#observations].every((observation) => observation.isRested)) return;
    this.#resting = this.#clock.setTimeout(() => {
      this.#resting = undefined;
      for (const observation of this.#observations) observation.rest(REST_MS);
      this.#changed();
    }, REST_MS);
    // On the process's own clock: watching keeps no process alive.
    (this.#resting as { unref?: () => void }).unref?.();
  }

  #stop(): void {
    this.#clock.clearTimeout(this.#resting);
    this.#resting = undefined;
  }
}
