import { once } from 'node:events';
import { connect, createServer, Socket, type AddressInfo } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startProxy } from '../../../src/testing/index.ts';
import { activeResources, leftovers } from '../../../src/testing/leftovers.ts';

it('a proxy that is closed leaves no socket, even of a side whose end is on its way', async () => {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.resume().write('hello');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const before = activeResources();
  const proxy = await startProxy({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  const client = connect({ host: proxy.host, port: proxy.port, allowHalfOpen: true });
  client.on('error', () => undefined);
  await once(client, 'data');
  // Closed in the very moment in which it passes the end of its client on.
  const end = Socket.prototype.end;
  const passedOn = new Promise<void>((resolve) => {
    vi.spyOn(Socket.prototype, 'end').mockImplementation(function (this: Socket) {
      Reflect.apply(end, this, []);
      if (this !== client) resolve(proxy.close());
      return this;
    });
  });
  client.end();
  await passedOn;
  vi.restoreAllMocks();
  client.destroy();
  for (const socket of sockets) socket.destroy();
  expect(await leftovers(before)).toEqual([]);
});
