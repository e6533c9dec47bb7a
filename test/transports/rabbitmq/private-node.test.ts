import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { startRabbitServer, type RabbitServer } from '../../../brokers/rabbitmq-server.ts';
import { ConfigurationError, PublishError } from '../../../src/index.ts';
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
    const signer = await generate([{ name: 'commonName', value: 'buschart tests' }], {
      algorithm: 'sha256',
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, digitalSignature: true, critical: true },
      ],
    });
    authority = signer.cert;
    const signed = (name: string) =>
      generate([{ name: 'commonName', value: name }], {
        algorithm: 'sha256',
        ca: { key: signer.private, cert: signer.cert },
        extensions: [
          { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
        ],
      });
    const { cert, private: key } = await signed('localhost');
    const ours = await signed('client');
    client = { cert: ours.cert, key: ours.private };
    const certificateFile = join(folder, 'cert.pem');
    const keyFile = join(folder, 'key.pem');
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, authority);
    await writeFile(certificateFile, cert);
    await writeFile(keyFile, key);
    server = await startRabbitServer(program!, {
      tls: { certificateFile, keyFile, caFile, requiresCertificate: true },
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

  it('is published to and consumed from with a certificate of ours', async () => {
    const seen: number[] = [];
    const bus = rig.bus({
      rabbitmqUrl: secured(),
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
  });

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

  describe('with a user whose rights do not reach', () => {
    /** Exchanges of tests have no dot in their names, and queues have. */
    const EXCHANGES = '^[^.]*$';
    const alice = () =>
      rig.bus({ rabbitmqUrl: server.url.replace('guest:guest', 'alice:open%20sesame'), consumerGroup: 'g' });
    const allow = (configure: string, write: string, read: string) =>
      server.rabbitmqctl('set_permissions', 'alice', configure, write, read);
    afterEach(() => allow('.*', '.*', '.*'));

    it.each([
      ['declare its queue', [EXCHANGES, '.*', '.*']],
      ['bind its queue', ['.*', `${EXCHANGES}|amq.default`, '.*']],
      ['read its queue', ['.*', '.*', EXCHANGES]],
    ] as const)('to %s, ends consuming for good, and says which', async (_, [configure, write, read]) => {
      await allow(configure, write, read);
      const bus = alice();
      bus.subscribe(Placed, () => undefined);
      const refusal: unknown = await bus.startConsuming().catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(ConfigurationError);
      expect(String(refusal)).toMatch(/queue '.*' in vhost '\/' refused for user 'alice'/);
    });

    it('to publish, rejects what it publishes at once, and says so', async () => {
      await allow('.*', '^$', '.*');
      const refusal: unknown = await alice()
        .publish(Placed({ aggregateId: 'a', n: 1 }))
        .catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(PublishError);
      expect(String(refusal)).toMatch(/exchange '.*' in vhost '\/' refused for user 'alice'/);
    });
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
      const doubtful = Promise.allSettled(Array.from({ length: 200 }, (_, n) => publish(200 + n)));
      await server.kill();
      await server.start();
      await doubtful;
      await publish(400);
      expect(confirmed).toContain(400);
      await eventually(
        () => confirmed.filter((n) => !seen.has(n)),
        ({ length }) => length === 0,
        20_000,
      );
    },
  );
});
