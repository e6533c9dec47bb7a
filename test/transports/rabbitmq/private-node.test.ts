import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { startRabbitServer, type RabbitServer } from '../../../brokers/rabbitmq-server.ts';
import { PublishError } from '../../../src/index.ts';
import { writeCertificates } from './certificates.ts';
import { eventually, Placed, Rig } from './rig.ts';

const program = inject('rabbitmqServer');

describe.skipIf(program === undefined)('a RabbitMQ of one’s own', () => {
  let server: RabbitServer;
  let folder: string;
  let authority: string;
  let client: { cert: string; key: string };
  let rig: Rig;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'buschart-certificates-'));
    const files = await writeCertificates(folder);
    ({ authority, client } = files);
    server = await startRabbitServer(program!, {
      tls: { ...files.server, requiresCertificate: true },
      users: { alice: 'open sesame' },
    });
    rig = new Rig(server.url);
  }, 60_000);
  afterEach(async () => {
    await rig.close();
    rig = new Rig(server.url);
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  const secured = () => `amqps://alice:open%20sesame@localhost:${server.tlsPort}`;

  it.each(['amqps:', 'amqp:'])(
    'is published to and consumed from by %s with a certificate of ours',
    async (protocol) => {
      const seen: number[] = [];
      const bus = rig.bus({
        rabbitmqUrl: secured().replace('amqps:', protocol),
        tls: { ca: authority, ...client },
        consumerGroup: 'g',
      });
      bus.subscribe(Placed, ({ n }) => void seen.push(n));
      await bus.startConsumingInBackground();
      await bus.publish(Placed({ aggregateId: 'a', n: 1 }));
      await eventually(
        () => seen,
        ({ length }) => length === 1,
      );
    },
  );

  it('is refused for good when nobody known has signed its certificate', async () => {
    const bus = rig.bus({ rabbitmqUrl: secured(), tls: client });
    const refusal: unknown = await bus.connect().catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: 'ConnectionError', retryable: false });
    expect(String(refusal)).not.toContain('sesame');
  });

  it('lets nobody in without a certificate of its own', async () => {
    const bus = rig.bus({ rabbitmqUrl: secured(), tls: { ca: authority } });
    await expect(bus.connect()).rejects.toMatchObject({ name: 'ConnectionError', retryable: false });
  });

  it('lets nobody in with a wrong password, which is never told', async () => {
    const bus = rig.bus({ rabbitmqUrl: server.url.replace('guest:guest', 'alice:xyzzy') });
    const refusal: unknown = await bus.connect().catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: 'ConnectionError', retryable: false });
    expect(JSON.stringify(refusal) + String(refusal)).not.toContain('xyzzy');
    expect(await bus.healthCheck()).toMatchObject({ status: 'unhealthy', state: 'failed' });
  });

  it('does not give up on a virtual host that it has been in, though the server refuses it for a while', async () => {
    const vhost = 'elsewhere';
    const open = async () => {
      await server.rabbitmqctl('add_vhost', vhost);
      await server.rabbitmqctl('set_permissions', '--vhost', vhost, 'guest', '.*', '.*', '.*');
    };
    await open();
    const problems: string[] = [];
    const bus = rig.bus({
      rabbitmqUrl: `${server.url}/${vhost}`,
      inspect: (seen) => {
        if (seen.type === '@xstate.event' && 'error' in seen.event)
          problems.push(String(seen.event['error']));
      },
    });
    await bus.connect();
    await server.rabbitmqctl('delete_vhost', vhost);
    await eventually(
      () => problems,
      (told) => told.some((problem) => problem.includes(`does not open the virtual host "${vhost}"`)),
    );
    await open();
    await bus.waitFor('connected');
    await bus.shutdown();
    await server.rabbitmqctl('delete_vhost', vhost);
  });

  it(
    'blocks publishing when it is short of memory, and that shows until it goes on',
    { timeout: 30_000 },
    async () => {
      const seen: number[] = [];
      const bus = rig.bus({ consumerGroup: 'g', publishTimeoutMs: 25_000 });
      bus.subscribe(Placed, ({ n }) => void seen.push(n));
      await bus.startConsumingInBackground();
      await server.rabbitmqctl('set_vm_memory_high_watermark', '0.00000001');
      const published = bus.publish([1, 2, 3].map((n) => Placed({ aggregateId: 'a', n })));
      try {
        const { reasons } = await eventually(
          () => bus.healthCheck(),
          ({ status }) => status === 'degraded',
        );
        expect(reasons.join()).toContain('blocked publishing');
      } finally {
        await server.rabbitmqctl('set_vm_memory_high_watermark', '0.4');
      }
      await published;
      await eventually(
        () => seen,
        ({ length }) => length >= 3,
      );
      expect(new Set(seen)).toEqual(new Set([1, 2, 3]));
      await eventually(
        () => bus.healthCheck(),
        ({ status }) => status === 'healthy',
      );
    },
  );

  it(
    'may be killed and come back: the bus goes on by itself, and nothing confirmed is lost',
    { timeout: 60_000 },
    async () => {
      const seen = new Set<number>();
      const confirmed: number[] = [];
      const bus = rig.bus({ consumerGroup: 'g', heartbeatSeconds: 1, publishTimeoutMs: 40_000 });
      bus.subscribe(Placed, ({ n }) => void seen.add(n));
      await bus.startConsumingInBackground();
      await server.persistDeclarations();
      const publish = async (n: number) => {
        await bus.publish(Placed({ aggregateId: `a${n % 7}`, n }));
        confirmed.push(n);
      };
      await Promise.all(Array.from({ length: 200 }, (_, n) => publish(n)));
      const doubtful = Array.from({ length: 1000 }, (_, n) => publish(200 + n));
      expect(confirmed).toHaveLength(200);
      const outcomes = Promise.allSettled(doubtful);
      await server.kill();
      await server.start();
      const refusals = (await outcomes).filter((outcome) => outcome.status === 'rejected');
      for (const { reason } of refusals) expect(reason).toBeInstanceOf(PublishError);
      await publish(1200);
      expect(confirmed).toContain(1200);
      expect(new Set(confirmed).size).toBe(confirmed.length);
      expect(confirmed.length + refusals.length).toBe(1201);
      await eventually(
        () => confirmed.filter((n) => !seen.has(n)),
        ({ length }) => length === 0,
        20_000,
      );
    },
  );

  it(
    'may close all connections by force: the bus goes on over others, and nothing confirmed is lost',
    { timeout: 60_000 },
    async () => {
      const seen = new Set<number>();
      const bus = rig.bus({ consumerGroup: 'g', publishTimeoutMs: 40_000 });
      bus.subscribe(Placed, ({ n }) => void seen.add(n));
      await bus.startConsumingInBackground();
      await bus.publish(Placed({ aggregateId: 'a', n: 0 }));
      let published = 1;
      let isClosed = false;
      const closing = server
        .rabbitmqctl('close_all_connections', 'somebody wants it so')
        .finally(() => (isClosed = true));
      // So that some are under way, whenever it closes them.
      while (!isClosed)
        await bus.publish([1, 2, 3].map((n) => Placed({ aggregateId: `a${n}`, n: published++ })));
      await closing;
      await bus.waitFor('consuming');
      await bus.publish(Placed({ aggregateId: 'a', n: published++ }));
      await eventually(
        () => seen.size,
        (size) => size === published,
      );
      expect(bus.getStats().reconnections).toBeGreaterThan(0);
      expect(await bus.healthCheck()).toMatchObject({ status: 'healthy' });
    },
  );

  it('may be started after the bus: it connects by itself, then consumes', { timeout: 60_000 }, async () => {
    const seen: number[] = [];
    const problems: string[] = [];
    await server.kill();
    const bus = rig.bus({
      consumerGroup: 'g',
      connectTimeoutMs: 60_000,
      inspect: (seen) => {
        if (seen.type === '@xstate.event' && 'error' in seen.event)
          problems.push(String(seen.event['error']));
      },
    });
    bus.subscribe(Placed, ({ n }) => void seen.push(n));
    const consuming = bus.startConsumingInBackground();
    await eventually(
      () => problems.filter((problem) => problem.includes('ECONNREFUSED')),
      ({ length }) => length > 1,
    );
    expect(bus.state).toBe('connecting');
    await server.start();
    await consuming;
    await bus.publish(Placed({ aggregateId: 'a', n: 1 }));
    await eventually(
      () => seen,
      ({ length }) => length === 1,
    );
    expect(bus.getStats().reconnections).toBe(0);
  });
});
