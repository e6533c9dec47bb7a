import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { defineEvent } from '../events/define-event.ts';
import type { EventOf } from '../events/event-definition.ts';
import { EventRegistry } from '../events/registry.ts';

/** Types of the suite alone, so that nobody's default registry is touched. */
export const conformanceRegistry = new EventRegistry();

/** The event that the conformance suite publishes. */
export const Counted = defineEvent({
  type: 'ConformanceCounted',
  aggregateType: 'Conformance',
  schema: z.object({ n: z.number(), text: z.string().optional() }),
  registry: conformanceRegistry,
});
/** A second type, for tests of routing. */
export const Noted = defineEvent({
  type: 'ConformanceNoted',
  aggregateType: 'Conformance',
  schema: z.object({ n: z.number() }),
  registry: conformanceRegistry,
});

export type CountedEvent = EventOf<typeof Counted>;

/**
 * Events with `n` from 0 on.
 * @param options.keys How many aggregates they are spread over, in turn; by default each has its own.
 */
export function counted(count: number, options: { readonly keys?: number } = {}): CountedEvent[] {
  const keys = Array.from({ length: options.keys ?? count }, () => randomUUID());
  return Array.from({ length: count }, (_, n) =>
    Counted({ aggregateId: keys[n % keys.length] as string, n }),
  );
}
