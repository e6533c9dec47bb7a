import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ChannelModel } from 'amqplib';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { rabbitVersion, startRabbitServer, type RabbitServer } from '../../brokers/rabbitmq-server.ts';
import { itIsAPrivateServer } from './private-server.ts';

const program = inject('rabbitmqServer');
const queue = { durable: true, arguments: { 'x-queue-type': 'quorum' } };

describe.skipIf(program === undefined)('a private RabbitMQ server', () => {
  let server: RabbitServer;
  let folder: string;
  let ca: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'buschart-certificates-'));
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
      // Erlang refuses signatures by SHA-1.
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    });
    ca = cert;
    const files = {
      certificateFile: join(folder, 'cert.pem'),
      keyFile: join(folder, 'key.pem'),
      caFile: join(folder, 'cert.pem'),
    };
    await writeFile(files.certificateFile, cert);
    await writeFile(files.keyFile, key);
    server = await startRabbitServer(program!, {
      tls: files,
      users: { alice: 'open sesame' },
      vhosts: ['cave'],
    });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  it('has the users and virtual hosts that it was asked for', async () => {
    const { port } = server;
    expect(await rabbitVersion(`amqp://alice:open%20sesame@127.0.0.1:${port}/cave`)).toMatch(/^\d+\./);
    expect(await rabbitVersion(`amqp://alice:close@127.0.0.1:${port}/cave`)).toBeUndefined();
    expect(await rabbitVersion(`amqp://alice:open%20sesame@127.0.0.1:${port}/hut`)).toBeUndefined();
  });

  it('speaks TLS', async () => {
    const connection = await connect(`amqps://guest:guest@localhost:${server.tlsPort}`, { ca: [ca] });
    expect(connection.connection.serverProperties.product).toBe('RabbitMQ');
    await connection.close();
  });

  it('is commanded by rabbitmqctl, as by raising the alarm that blocks publishers', async () => {
    const connection = await connect(server.url);
    try {
      const channel = await connection.createConfirmChannel();
      await channel.assertQueue('alarm', { exclusive: true });
      const blocked = once(connection, 'blocked');
      await server.rabbitmqctl('set_vm_memory_high_watermark', '0.00000001');
      channel.sendToQueue('alarm', Buffer.from('too much'));
      await blocked;
      const unblocked = once(connection, 'unblocked');
      await server.rabbitmqctl('set_vm_memory_high_watermark', '0.4');
      await unblocked;
      await channel.waitForConfirms();
    } finally {
      await connection.close();
    }
    await expect(server.rabbitmqctl('no_such_command')).rejects.toThrow('no_such_command');
  });

  itIsAPrivateServer(() => server, {
    answers: async (url) => (await rabbitVersion(url)) !== undefined,
    write: (url, value) =>
      withConnection(url, async (connection) => {
        const channel = await connection.createConfirmChannel();
        await channel.assertQueue('kept', queue);
        await server.persistDeclarations();
        await channel.purgeQueue('kept');
        channel.sendToQueue('kept', Buffer.from(value), { persistent: true });
        await channel.waitForConfirms();
      }),
    read: (url) =>
      withConnection(url, async (connection) => {
        const channel = await connection.createChannel();
        const message = await channel.get('kept');
        // Unacknowledged, it goes back to the queue.
        return message === false ? 'nothing' : message.content.toString();
      }),
    starter: { module: 'rabbitmq-server.ts', call: `startRabbitServer(${JSON.stringify(program)})` },
    failing: {
      start: () => startRabbitServer(program!, { configuration: ['no_such_setting = 1'] }),
      words: 'no_such_setting',
    },
  });
});

async function withConnection<Result>(
  url: string,
  use: (connection: ChannelModel) => Promise<Result>,
): Promise<Result> {
  const connection = await connect(url);
  connection.on('error', () => undefined);
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}
