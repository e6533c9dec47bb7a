import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { ConnectionError } from '../../../src/index.ts';
import type { FaultProxy } from '../../../src/testing/proxy.ts';
import { rabbitTransport } from '../../../src/transports/rabbitmq/transport.ts';
import { urlBy } from '../../support/ways.ts';
import { Rig } from './rig.ts';

const rabbitmqUrl = inject('rabbitmqUrl');

describe.skipIf(rabbitmqUrl === undefined)('a list of dead letters whose connection falls silent', () => {
  let rig: Rig;
  let proxy: FaultProxy;
  beforeEach(async () => {
    rig = new Rig(rabbitmqUrl!);
    proxy = await rig.proxy();
  });
  afterEach(() => rig.close());

  it('is refused as soon as the silence is found out, and never told as if it were all', async () => {
    const count = 200;
    const dlq = `${rig.queue('g')}.dlq`;
    await rig.raw(async (channel) => {
      await channel.assertQueue(dlq, { durable: true });
      // Too much for the sockets on the way to hold all of it.
      const body = Buffer.alloc(50_000);
      for (let n = 0; n < count; n++) channel.sendToQueue(dlq, body, { messageId: `m${n}` });
      await channel.checkQueue(dlq);
    });
    const url = urlBy(rabbitmqUrl!, proxy);
    const transport = rabbitTransport({
      rabbitmqUrl: url,
      exchangeName: rig.exchange,
      heartbeatSeconds: 1,
    });
    const connection = await transport.connect(AbortSignal.timeout(10_000));
    let listed = 0;
    const refusal: unknown = await (async () => {
      for await (const page of connection.deadLetters.browse({ group: 'g' })) {
        proxy.set('half-open');
        listed += page.length;
      }
    })().catch((error: unknown) => error);
    expect(listed).toBeGreaterThan(0);
    expect(listed).toBeLessThan(count);
    expect(refusal).toBeInstanceOf(ConnectionError);
    expect(refusal).toMatchObject({ retryable: true });
    await connection.close();
  });
});
