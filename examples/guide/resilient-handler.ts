import { z } from 'zod';
import { defineEvent, InMemoryEventBus, type EventOf } from 'buschart';

const PaymentDue = defineEvent({
  type: 'PaymentDue',
  aggregateType: 'Payment',
  schema: z.object({ cents: z.int() }),
});

class TransientError extends Error {}
class PermanentError extends Error {}

class ResilientHandler {
  #calls = 0;

  async handle(event: EventOf<typeof PaymentDue>) {
    try {
      await this.#process(event);
    } catch (error) {
      // What may pass, and what nobody foresaw, goes on to the bus: it is tried again, and set aside in the end.
      if (!(error instanceof PermanentError)) throw error;
      // It counts as handled: nothing is tried again, and there is no dead letter.
      console.log(`${event.aggregateId}, permanent failure: ${error.message}`);
    }
  }

  async #process({ aggregateId, cents }: EventOf<typeof PaymentDue>) {
    if (cents < 0) throw new PermanentError('a negative amount');
    if (++this.#calls === 1) throw new TransientError('the bank does not answer');
    console.log(`${aggregateId}: paid at call ${this.#calls}`);
  }
}

await using bus = new InMemoryEventBus({ retry: { maxRetries: 3, baseDelayMs: 10 } });
bus.subscribe(PaymentDue, new ResilientHandler());
bus.subscribe(PaymentDue, ({ aggregateId }) => console.log(`${aggregateId}: noted`));

await bus.publish([
  PaymentDue({ aggregateId: 'payment-1', cents: 100 }),
  PaymentDue({ aggregateId: 'payment-2', cents: -1 }),
]);
await bus.idle();
console.log(`dead letters: ${await bus.deadLetters.count()}`);
