import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { defineEvent } from 'buschart';
import { TransportEventBus } from 'buschart/transport';
import { FileTransport } from './transport.ts';

// A transport of one's own under a bus: publish, fail, retry, dead letter, replay. The bus is as on any broker.

const LetterPosted = defineEvent({
  type: 'LetterPosted',
  aggregateType: 'Mailbox',
  schema: z.object({ to: z.string() }),
});

const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'buschart-files-')));
const makeBus = () =>
  new TransportEventBus(new FileTransport(folder), {
    consumerGroup: 'postmen',
    retry: { maxRetries: 1, baseDelayMs: 10 },
    logger: { debug() {}, info() {}, warn() {}, error: console.error },
  });

let isRoadOpen = false;
const deliver = ({ to }: { readonly to: string }, { attempt }: { readonly attempt: number }) => {
  console.log(`to ${to}: attempt ${attempt}`);
  if (to === 'nobody' && !isRoadOpen) throw new Error('the road is closed');
};

const publisher = makeBus();
await publisher.publish(['Anna', 'nobody', 'Emil'].map((to) => LetterPosted({ aggregateId: 'box-1', to })));
await publisher.shutdown(); // what it published is in the file

const postman = makeBus();
postman.subscribe(LetterPosted, deliver, { name: 'postman' });
await postman.startConsumingInBackground();
const allSettled = async () => {
  const { lag, pendingMessages } = await postman.getInfo();
  return lag === 0 && pendingMessages === 0;
};
while (!(await allSettled())) await pause(10);
for (const { reason, attempts, error } of await postman.deadLetters.list())
  console.log(`set aside: ${reason} after ${attempts} attempts: ${error.message}`);

isRoadOpen = true;
await postman.deadLetters.replayAll();
while (!(await allSettled())) await pause(10);
console.log(await postman.shutdown());
if (process.argv[2] === undefined) await rm(folder, { recursive: true });
