import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { ConfigurationError } from '../../../src/index.ts';
import type { KafkaEventBusOptions } from '../../../src/transports/kafka/index.ts';
import { eventually, placed, Rig } from './rig.ts';

const servers = inject('kafkaServers');
const PRODUCE = 0;
const HEARTBEAT = 12;

/** Kafka's numbers. */
const none = { acks: -1, codec: 0, producerId: -1n };

describe.skipIf(servers === undefined)('options that are seen on the wire, on Kafka', () => {
  let rig: Rig;
  let tap: Tap;
  beforeEach(async () => {
    rig = new Rig(servers!);
    tap = await Tap.before(servers!.split(',')[0]!);
  });
  afterEach(async () => {
    await rig.close();
    await tap.close();
  });

  const tapped = (options: KafkaEventBusOptions): KafkaEventBusOptions => ({
    bootstrapServers: `${tap.host}:${tap.port}`,
    mapAddress: () => ({ host: tap.host, port: tap.port }),
    ...options,
  });

  it.each<[KafkaEventBusOptions, object]>([
    [{}, none],
    [{ acks: 'all' }, none],
    [{ acks: 'leader' }, { ...none, acks: 1 }],
    [{ acks: 'none' }, { ...none, acks: 0 }],
    [{ compressionType: 'gzip' }, { ...none, codec: 1 }],
    [{ compressionType: 'snappy' }, { ...none, codec: 2 }],
    [{ idempotent: true }, { ...none, producerId: expect.toSatisfy((id: bigint) => id >= 0n) as bigint }],
  ])('publish with %o as they say', async (options, expected) => {
    await rig.bus(tapped(options)).publish(placed(5));
    const [request] = await eventually(
      () => tap.requests(PRODUCE),
      ({ length }) => length > 0,
    );
    expect(produced(request!)).toEqual(expected);
  });

  it.each([
    [0, 3],
    [200, 1],
  ])('wait %i ms for others, and make %i request(s) of three', async (lingerMs, requests) => {
    const bus = rig.bus(tapped({ lingerMs }));
    await bus.publish(placed(1));
    const before = tap.requests(PRODUCE).length;
    const published = [];
    for (let n = 0; n < 3; n++) {
      published.push(bus.publish(placed(1)));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    await Promise.all(published);
    expect(tap.requests(PRODUCE).length - before).toBe(requests);
  });

  it('show life as often as heartbeatIntervalMs says', async () => {
    const beats = async (heartbeatIntervalMs: number) => {
      const bus = await rig.consumer([], tapped({ heartbeatIntervalMs }));
      const before = tap.requests(HEARTBEAT).length;
      await new Promise((resolve) => setTimeout(resolve, 1200));
      const count = tap.requests(HEARTBEAT).length - before;
      await bus.shutdown();
      return count;
    };
    // A fetch that waits for records, 200 ms, holds one up.
    expect(await beats(100)).toBeGreaterThan(3);
    expect(await beats(3000)).toBe(0);
  });

  it('reach one of several addresses, whichever is there', async () => {
    for (const bootstrapServers of [`127.0.0.1:1,${servers}`, ['127.0.0.1:1', ...servers!.split(',')]])
      await rig.bus({ bootstrapServers }).publish(placed(1));
  });

  it('ask for more replicas than there are brokers, and are told so at once', async () => {
    const connecting = rig.bus({ createTopics: { replicationFactor: 99 } }).connect();
    await expect(connecting).rejects.toThrow(ConfigurationError);
    await expect(connecting).rejects.toThrow(/replication/i);
  });
});

/** What the first partition of a Produce request says, of a version before 9: its acks, and its batch's head. */
function produced(request: Buffer): { acks: number; codec: number; producerId: bigint } {
  // Behind the size stand key, version, correlation id and client id.
  const clientId = 12;
  const transactionalId = clientId + 2 + Math.max(0, request.readInt16BE(clientId));
  const acks = transactionalId + 2 + Math.max(0, request.readInt16BE(transactionalId));
  const topic = acks + 2 + 4 + 4;
  const partitions = topic + 2 + request.readInt16BE(topic);
  const batch = partitions + 4 + 4 + 4;
  const attributes = batch + 21;
  return {
    acks: request.readInt16BE(acks),
    codec: request.readInt16BE(attributes) & 7,
    producerId: request.readBigInt64BE(attributes + 22),
  };
}

/** Passes on what clients and a broker say to each other, and keeps what the clients say. */
class Tap {
  readonly host = '127.0.0.1';
  readonly #server: Server;
  readonly #heard: Buffer[][] = [];

  static async before(address: string): Promise<Tap> {
    const [host, port] = address.split(':');
    const heard: Buffer[][] = [];
    const server = createServer((client) => {
      const broker = connect({ host: host!, port: Number(port) });
      const chunks: Buffer[] = [];
      heard.push(chunks);
      client.on('data', (chunk: Buffer) => chunks.push(chunk));
      for (const [from, to] of [
        [client, broker],
        [broker, client],
      ] as const) {
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Tap(server, heard);
  }

  private constructor(server: Server, heard: Buffer[][]) {
    this.#server = server;
    this.#heard = heard;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Whole requests of that kind, the size before them included. */
  requests(apiKey: number): Buffer[] {
    return this.#heard.flatMap((chunks) => {
      const all = Buffer.concat(chunks);
      const found: Buffer[] = [];
      for (let at = 0; at + 6 <= all.length;) {
        const end = at + 4 + all.readInt32BE(at);
        if (end <= all.length && all.readInt16BE(at + 4) === apiKey) found.push(all.subarray(at, end));
        at = end;
      }
      return found;
    });
  }

  async close(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}
