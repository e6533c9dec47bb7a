import type { Clock } from '../src/contracts/clock.ts';
import type { Dispatch } from './dispatch.ts';

/** From this delivery on a message is suspected of ending its process, and is handled alone. */
const SUSPECT_FROM = 3;

/** What ends its process at once takes acknowledgements with it that haven't left yet, and what they were for comes again. */
const QUIET_MS = 20;

const countOf = ({ delivery }: Dispatch): number => delivery?.deliveryCount ?? 1;

export interface QuarantineSettings {
  /** Deliveries beyond which a message is dead-lettered unhandled, if it is the first such one. */
  readonly maxDeliveries: number;
  readonly clock: Clock;
  /** Told when a suspect that had to wait may start. */
  readonly ready: () => void;
}

/** Finds the message that ends its process among those that were pulled with it and are counted with it. */
export class Quarantine {
  readonly #settings: QuarantineSettings;
  #hasConvicted = false;
  #isQuiet = true;
  #timer: unknown = undefined;

  constructor(settings: QuarantineSettings) {
    this.#settings = settings;
  }

  /** To be handled while nothing else is, and only once {@link isQuiet}. */
  isSuspect(dispatch: Dispatch): boolean {
    const count = countOf(dispatch);
    return count >= SUSPECT_FROM || (this.#hasConvicted && count > this.#settings.maxDeliveries);
  }

  /**
   * True for the first message over the limit that this consumer comes to. What stood before it was handled alone and
   * acknowledged, so that it is the one the process before died of. The others over the limit were pulled behind it,
   * counted with it at every death: they are handled, alone, and a second of its kind is the first next time.
   */
  convicts(dispatch: Dispatch): boolean {
    if (this.#hasConvicted || countOf(dispatch) <= this.#settings.maxDeliveries) return false;
    this.#hasConvicted = true;
    return true;
  }

  /** Whether what ended has had time to be acknowledged; where it hasn't, `ready` is told once it has. */
  get isQuiet(): boolean {
    if (this.#isQuiet) return true;
    this.#timer ??= this.#settings.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#isQuiet = true;
      this.#settings.ready();
    }, QUIET_MS);
    return false;
  }

  /** Something has ended. */
  stir(): void {
    this.#isQuiet = false;
    this.stop();
  }

  /** Nothing is told any more. */
  stop(): void {
    if (this.#timer === undefined) return;
    this.#settings.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
