import type { InspectionEvent } from 'xstate';
import { z } from 'zod';

/** An XState observer, such as `createWebSocketInspector().inspect` of `@statelyai/inspect`. */
export type InspectionObserver =
  ((event: InspectionEvent) => void) | { next?: (event: InspectionEvent) => void };

/** How much of the events themselves is shown. */
export type Payloads = 'none' | 'redacted' | 'full';

export interface InspectOptions {
  /**
   * Most messages of one kind that are shown a second, for those of the data plane: `publish`, `deliver` and a consumer's
   * `deliveries`, `advance` and `idle` (20, 0 or more; Infinity shows all). After a rest as many may come at once.
   * Everything else is always shown, a step to another state that one of them leads to included.
   */
  readonly eventsPerSecond?: number;
  /**
   * `'none'` shows of an event its type and id; `'redacted'` also the keys of payload, metadata and headers, with types
   * for values; `'full'` the event as it is ('none').
   */
  readonly payloads?: Payloads;
}

export type Limits = Required<InspectOptions>;

export const DEFAULT_LIMITS: Limits = { eventsPerSecond: 20, payloads: 'none' };

/** @see InspectOptions */
export const inspectOptionsSchema = z.strictObject({
  eventsPerSecond: z
    .union([z.number().min(0), z.literal(Infinity)], { error: 'must be 0 or more, or Infinity' })
    .optional(),
  payloads: z.enum(['none', 'redacted', 'full']).optional(),
});

export const isObserver = (value: unknown): value is InspectionObserver =>
  typeof value === 'function' ||
  (typeof value === 'object' && value !== null && typeof (value as { next?: unknown }).next === 'function');
