import { generate } from 'selfsigned';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { type KafkaServer, startKafkaServer } from '../../../brokers/kafka-server.ts';
import { ConnectionError } from '../../../src/index.ts';
import type { KafkaEventBusOptions } from '../../../src/transports/kafka/index.ts';
import { eventually, placed, Rig } from './rig.ts';

const program = inject('kafkaProgram');
const username = 'alice';
const password = 'open sesame';

describe.skipIf(program === undefined)('a Kafka that asks who is there', { timeout: 60_000 }, () => {
  let server: KafkaServer;
  let certificate: { cert: string; key: string };
  let rig: Rig;
  beforeAll(async () => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    });
    certificate = { cert, key };
    const tls = { certificate: cert, key };
    const users = { [username]: password };
    server = await startKafkaServer(program!, {
      listeners: [
        {
          name: 'LOGIN',
          protocol: 'SASL_PLAINTEXT',
          mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
          users,
        },
        { name: 'TOKEN', protocol: 'SASL_PLAINTEXT', mechanisms: ['OAUTHBEARER'] },
        { name: 'TLS', protocol: 'SSL', tls },
        { name: 'MUTUAL', protocol: 'SSL', tls: { ...tls, clientCa: cert } },
        { name: 'BOTH', protocol: 'SASL_SSL', mechanisms: ['SCRAM-SHA-512'], users, tls },
      ],
    });
  }, 60_000);
  beforeEach(() => (rig = new Rig(server.url)));
  afterEach(() => rig.close());
  afterAll(() => server.stop());

  const at = (listener: string): string => server.listeners[listener]!;

  async function expectToWork(options: KafkaEventBusOptions): Promise<void> {
    const seen: number[] = [];
    const consumer = await rig.consumer(seen, options);
    await rig.bus(options).publish(placed(10));
    await eventually(
      () => seen.length,
      (count) => count === 10,
    );
    await consumer.shutdown();
  }

  async function refusalOf(options: KafkaEventBusOptions): Promise<ConnectionError> {
    const error: unknown = await rig
      .bus(options)
      .connect()
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    expect(error).toBeInstanceOf(ConnectionError);
    return error as ConnectionError;
  }

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('takes a user in by %s', (mechanism) =>
    expectToWork({ bootstrapServers: at('LOGIN'), sasl: { mechanism, username, password } }),
  );

  it.each(['plain', 'scram-sha-512'] as const)(
    'refuses a wrong password by %s for good, and does not show it',
    async (mechanism) => {
      const sasl = { mechanism, username, password: 'close sesame' };
      const refusal = await refusalOf({ bootstrapServers: at('LOGIN'), sasl });
      expect(refusal.retryable).toBe(false);
      expect(String(refusal) + refusal.stack).not.toContain('sesame');
    },
  );

  it('takes a bearer of a token in, asking for one at each connection', async () => {
    const oauthBearerProvider = vi.fn(() => Promise.resolve({ value: tokenOf(username, 60) }));
    await expectToWork({
      bootstrapServers: at('TOKEN'),
      sasl: { mechanism: 'oauthbearer', oauthBearerProvider },
    });
    expect(oauthBearerProvider.mock.calls.length).toBeGreaterThan(1);
  });

  it('refuses a token that has expired, for good, and does not show it', async () => {
    const token = tokenOf(username, -3600);
    const oauthBearerProvider = () => Promise.resolve({ value: token });
    const refusal = await refusalOf({
      bootstrapServers: at('TOKEN'),
      sasl: { mechanism: 'oauthbearer', oauthBearerProvider },
    });
    expect(refusal.retryable).toBe(false);
    expect(String(refusal) + refusal.stack).not.toContain(token);
  });

  it('speaks TLS, with a login and with a certificate of ours', async () => {
    const { cert, key } = certificate;
    await expectToWork({ bootstrapServers: at('TLS'), ssl: { ca: cert } });
    const sasl = { mechanism: 'scram-sha-512', username, password } as const;
    await expectToWork({ bootstrapServers: at('BOTH'), ssl: { ca: cert }, sasl });
    await expectToWork({ bootstrapServers: at('MUTUAL'), ssl: { ca: cert, cert, key } });
  });

  it('is refused for good when nobody known has signed its certificate', async () => {
    const refusal = await refusalOf({ bootstrapServers: at('TLS'), ssl: true });
    expect(refusal.retryable).toBe(false);
    expect(refusal.message).toMatch(/certificate/);
  });
});

/** A JSON Web Token that nobody signed. @param seconds from now on, that it holds. */
function tokenOf(subject: string, seconds: number): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: subject, iat: now - 7200, exp: now + seconds };
  const parts = [{ alg: 'none' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return `${parts.join('.')}.`;
}
