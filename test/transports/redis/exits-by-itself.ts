// Run as a process of its own: it must end without process.exit once its connection has.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { redisTransport } from '../../../src/transports/redis/transport.ts';

const [redisUrl = '', end = ''] = process.argv.slice(2);
const transport = redisTransport({ redisUrl, streamPrefix: randomUUID(), trim: 'handled' });
const connection = await transport.connect(AbortSignal.timeout(5000));
const message = { type: 'T', key: 'k', attributes: {}, headers: {}, body: '{}' };
await connection.publish([
  { id: '1', ...message },
  { id: '2', ...message },
]);
const source = connection.subscribe({
  group: 'g',
  consumer: 'c~00000001',
  interest: { isEverything: true, types: [] },
});
if (end === 'close') {
  for await (const batch of source) {
    for (const delivery of batch) delivery.ack();
    break;
  }
  await source.close();
  await connection.close();
} else {
  await source.ready;
  const other = new Redis(redisUrl);
  await other.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  other.disconnect();
  await connection.closed;
}
console.log('done');
