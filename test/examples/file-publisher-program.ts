// Run as a process of its own: publishes to a folder and consumes from it until it is killed, and prints what it knows
// to be published or handled.
import { conformanceRegistry, counted, Counted } from 'buschart/testing';
import { TransportEventBus } from 'buschart/transport';
import { FileTransport } from '../../examples/file-transport/transport.ts';

const bus = new TransportEventBus(new FileTransport(process.argv[2] ?? ''), {
  registry: conformanceRegistry,
  consumerGroup: 'workers',
});
// On Linux a pipe is written before this returns, so what was printed survives a SIGKILL of this process.
const print = (what: string, id: string) => process.stdout.write(`${what} ${id}\n`);
bus.subscribe(Counted, ({ eventId }) => void print('handled', eventId));
await bus.startConsumingInBackground();
for (;;) {
  const events = counted(7);
  await bus.publish(events);
  for (const { eventId } of events) print('published', eventId);
}
