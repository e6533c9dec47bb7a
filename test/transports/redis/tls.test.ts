import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import getPort from 'get-port';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineEvent, EventRegistry } from '../../../src/index.ts';
import { RedisEventBus } from '../../../src/transports/redis/index.ts';
import { startRedisServer, type RedisServer } from '../../../brokers/redis-server.ts';
import { redisBinary } from './port.ts';

const registry = new EventRegistry();
const Ping = defineEvent({ type: 'Ping', aggregateType: 'Probe', schema: z.object({}), registry });

describe.runIf(redisBinary !== undefined)('a Redis that speaks TLS and asks for a password', () => {
  let server: RedisServer;
  let folder: string;
  let ca: string;
  let port: number;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'buschart-tls-'));
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    });
    ca = cert;
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    await writeFile(files.cert, cert);
    await writeFile(files.key, key);
    port = await getPort({ host: '127.0.0.1' });
    server = await startRedisServer(redisBinary ?? '', {
      args: [
        ...['--tls-port', String(port), '--tls-auth-clients', 'no'],
        ...['--tls-cert-file', files.cert, '--tls-key-file', files.key, '--tls-ca-cert-file', files.cert],
        ...['--user', 'writer', 'on', '>open sesame', '~*', '&*', '+@all'],
      ],
    });
  }, 30_000);

  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const options = (url: string) => ({
    redisUrl: url,
    streamPrefix: 'tls',
    consumerGroup: 'probes',
    registry,
  });

  it('is published to and consumed from over rediss://', async () => {
    await using bus = new RedisEventBus({
      ...options(`rediss://writer:open%20sesame@localhost:${port}`),
      tls: { ca },
    });
    const handled = new Promise<string>((resolve) => {
      bus.subscribe(Ping, (event) => resolve(event.aggregateId), { name: 'probe' });
    });
    await bus.startConsumingInBackground();
    await bus.publish(Ping({ aggregateId: 'one' }));
    expect(await handled).toBe('one');
  });

  it('is refused for good when its certificate is nobody known, and the password is not told', async () => {
    await using bus = new RedisEventBus(options(`rediss://writer:open%20sesame@localhost:${port}`));
    const error: unknown = await bus.connect().catch((refused: unknown) => refused);
    expect(error).toMatchObject({ name: 'ConnectionError', retryable: false });
    expect(String(error)).not.toContain('sesame');
    expect(bus.state).toBe('failed');
  });

  it('refuses a wrong password for good', async () => {
    await using bus = new RedisEventBus({
      ...options(`rediss://writer:wrong@localhost:${port}`),
      tls: { ca },
    });
    await expect(bus.connect()).rejects.toMatchObject({ name: 'ConnectionError', retryable: false });
    expect(bus.state).toBe('failed');
  });
});
