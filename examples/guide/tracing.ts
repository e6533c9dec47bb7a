import { trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { z } from 'zod';
import { defineEvent, InMemoryEventBus } from 'buschart';

// A service registers its SDK as ever, with an exporter to its collector; the bus asks for nothing more.
const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
);

const OrderCreated = defineEvent({
  type: 'OrderCreated',
  aggregateType: 'Order',
  schema: z.object({ customerId: z.string() }),
});
const publishOn = async (bus: InMemoryEventBus) => {
  bus.subscribe(OrderCreated, () => undefined, { name: 'projection' });
  await bus.publish(OrderCreated({ aggregateId: 'order-1', customerId: 'ada' }));
  await bus.shutdown();
  const names = exporter.getFinishedSpans().map(({ name }) => name);
  exporter.reset();
  return names;
};

console.log(await publishOn(new InMemoryEventBus())); // traced, as by default
console.log(await publishOn(new InMemoryEventBus({ enableTracing: false })));
