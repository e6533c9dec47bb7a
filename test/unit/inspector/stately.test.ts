import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import getPort from 'get-port';
import { defineEvent, EventRegistry, InMemoryEventBus } from 'buschart';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { showInStately } from '../../../examples/stately-inspector.ts';

const registry = new EventRegistry();
const Pinged = defineEvent({ type: 'Pinged', aggregateType: 'Ball', registry, schema: z.object({}) });

/** What the server sends to a page of its own, as it goes over the wire: text in frames that nothing masks. */
async function follow(port: number): Promise<{ readonly text: string }> {
  const asked = request({
    port,
    host: 'localhost',
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
    },
  }).end();
  const [, socket, head] = (await once(asked, 'upgrade')) as [IncomingMessage, Socket, Buffer];
  onTestFinished(() => void socket.destroy());
  const seen = { text: head.toString('latin1') };
  socket.on('data', (chunk) => (seen.text += chunk.toString('latin1')));
  return seen;
}

it("shows a bus in Stately's inspector as the README does, until it is ended", async () => {
  await using bus = new InMemoryEventBus({ registry });
  const port = await getPort();
  const end = showInStately(bus, { port, autoOpen: false, url: 'about:blank' });
  onTestFinished(end);
  bus.subscribe(Pinged, () => undefined, { name: 'pinged' });
  await expect.poll(() => fetch(`http://localhost:${port}`).then(({ ok }) => ok)).toBe(true);
  const page = await follow(port);
  await bus.publish(Pinged({ aggregateId: 'ball' }));
  for (const name of ['bus', 'subscription', 'handler'])
    await expect.poll(() => page.text, { timeout: 5000 }).toMatch(new RegExp(`"name":"${name}[^"]*"`));
  await expect.poll(() => page.text).toContain('"type":"deliver"');
  end();
  await expect.poll(() => fetch(`http://localhost:${port}`).catch(() => 'closed')).toBe('closed');
});
