import { z } from 'zod';
import { defineEvent, InMemoryEventBus, NonRetryableError } from 'buschart';

const PaymentDue = defineEvent({
  type: 'PaymentDue',
  aggregateType: 'Payment',
  schema: z.object({ cents: z.int() }),
});

class TransientError extends Error {}

await using bus = new InMemoryEventBus({ retry: { maxRetries: 3, baseDelayMs: 10 } });

bus.subscribe(
  PaymentDue,
  async ({ aggregateId, cents }, { attempt }) => {
    console.log(`${aggregateId}: attempt ${attempt}`);
    if (cents < 0) throw new NonRetryableError('a negative amount'); // no attempt can help
    if (attempt < 3) throw new TransientError('the bank does not answer'); // another attempt may
  },
  { name: 'pay' },
);
// A handler that fails stops no other.
bus.subscribe(PaymentDue, ({ aggregateId }) => console.log(`${aggregateId}: noted`), { name: 'note' });

await bus.publish([
  PaymentDue({ aggregateId: 'payment-1', cents: 100 }),
  PaymentDue({ aggregateId: 'payment-2', cents: -1 }),
]);
await bus.idle();
for (const { aggregateId, reason, failedHandlers, error } of await bus.deadLetters.list())
  console.log(`${aggregateId} set aside, ${reason}: ${failedHandlers[0]?.name}, ${error.message}`);
