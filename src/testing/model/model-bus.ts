import type { BrokerEventBus } from '../../bus/api.ts';
import type { BusOptions } from '../../bus/options.ts';
import type { HandlerContext } from '../../contracts/handler.ts';
import { conformanceRegistry, type CountedEvent } from '../counted.ts';
import type { Destination, TransportHarness } from '../harness.ts';
import { seededRandom } from '../random.ts';
import { silent } from '../silent-logger.ts';
import { BACKOFF_MS, DRAIN_MS, HeldClock } from './held-clock.ts';
import type { Promises } from './messages.ts';

export type Handle = (event: CountedEvent, context: HandlerContext) => Promise<void>;

/** What the buses of a path are made with. */
export interface StageSettings {
  readonly promises: Promises;
  /** What the model needs is laid over it. */
  readonly bus: BusOptions;
  /** Laid around the handler of the path. */
  readonly around: (handle: Handle) => Handle;
  readonly seed: number;
}

/** A bus of a path, and the clock that it alone sets its timers on. */
export interface ModelBus {
  readonly bus: BrokerEventBus;
  readonly clock: HeldClock;
}

/** A bus as the model takes it for granted: its backoffs and its drain end when a path says so. */
export function makeModelBus(
  harness: TransportHarness,
  destination: Destination,
  { promises, bus, seed }: StageSettings,
  options: BusOptions = {},
): ModelBus {
  const clock = new HeldClock(harness.clock);
  // The promises have taken it in, and no bus takes it beside `retry.maxRetries`.
  const { maxRetries: _, ...given } = bus;
  const made = harness.makeBus(destination, {
    random: seededRandom(seed),
    logger: silent,
    ordering: promises.isOrdered ? 'key' : 'none',
    ...given,
    registry: conformanceRegistry,
    enableDlq: true,
    shutdownTimeoutMs: DRAIN_MS,
    retry: {
      ...given.retry,
      maxRetries: promises.maxAttempts - 1,
      baseDelayMs: BACKOFF_MS,
      maxDelayMs: 2_147_483_647,
      jitter: 0,
    },
    clock,
    ...options,
  });
  return { bus: made, clock };
}
