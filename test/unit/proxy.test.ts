import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startProxy, type FaultProxy } from '../../src/testing/proxy.ts';

describe('a fault proxy', () => {
  let echo: Server;
  let proxy: FaultProxy;
  let heard: string;
  const roundTrip = 'round trip past the proxy';
  const atServer = new Set<Socket>();
  const clients = new Set<Client>();

  beforeEach(async () => {
    heard = '';
    echo = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('close', () => atServer.delete(socket));
      socket.on('data', (chunk: Buffer) => {
        socket.write(chunk);
        if (chunk.toString() === roundTrip) return;
        atServer.add(socket);
        heard += chunk.toString();
      });
    }).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    proxy = await startProxy({ host: '127.0.0.1', port: (echo.address() as AddressInfo).port });
  });

  afterEach(async () => {
    for (const client of clients) client.socket.destroy();
    clients.clear();
    await proxy.close();
    for (const socket of atServer) socket.destroy();
    await new Promise((resolve) => echo.close(resolve));
  });

  interface Client {
    readonly socket: Socket;
    received: string;
    /** `no`, `end`, or the code of its error. */
    ended: string;
  }

  async function open(): Promise<Client> {
    const socket = connect({ host: proxy.host, port: proxy.port });
    const client: Client = { socket, received: '', ended: 'no' };
    clients.add(client);
    socket.on('data', (chunk: Buffer) => (client.received += chunk.toString()));
    socket.on('end', () => (client.ended = 'end'));
    socket.on('error', (error: NodeJS.ErrnoException) => (client.ended = error.code ?? error.message));
    // An RST may come before the connection is reported: that, too, is an end to look at.
    await once(socket, 'connect').catch(() => undefined);
    return client;
  }

  async function talking(): Promise<Client> {
    const client = await open();
    client.socket.write('hello ');
    await expect.poll(() => client.received).toBe('hello ');
    return client;
  }

  /** Long enough on the loopback for bytes to arrive if they were on their way: another connection's round trip. */
  async function roundTripElsewhere(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      const socket = connect({ host: '127.0.0.1', port: (echo.address() as AddressInfo).port });
      socket.write(roundTrip);
      await once(socket, 'data');
      socket.destroy();
    }
  }

  it('passes bytes both ways, a megabyte too', async () => {
    const client = await open();
    client.socket.write('x'.repeat(1_048_576));
    await expect.poll(() => client.received.length, { timeout: 5_000 }).toBe(1_048_576);
    expect(proxy.connections).toBe(1);
  });

  it('hands on the end of a connection, and keeps none that has closed', async () => {
    const client = await talking();
    client.socket.end();
    await expect.poll(() => client.ended).toBe('end');
    await expect.poll(() => proxy.connections).toBe(0);
    expect(atServer.size).toBe(0);
  });

  it('hands on that the broker has crashed', async () => {
    const client = await talking();
    for (const socket of atServer) socket.resetAndDestroy();
    await expect.poll(() => client.ended).toBe('ECONNRESET');
    expect(proxy.connections).toBe(0);
  });

  it('cuts open connections with RST, and new ones, until it is healed', async () => {
    const client = await talking();
    proxy.set('rst');
    await expect.poll(() => client.ended).toBe('ECONNRESET');
    await expect.poll(() => atServer.size).toBe(0);
    const refused = await open();
    await expect.poll(() => refused.ended).toBe('ECONNRESET');
    proxy.heal();
    await talking();
  });

  it('swallows both directions in a black hole, and tells nobody', async () => {
    const client = await talking();
    proxy.set('blackhole');
    client.socket.write('lost ');
    for (const socket of atServer) socket.write('lost too');
    await roundTripElsewhere();
    expect(heard).toBe('hello ');
    expect(client.received).toBe('hello ');
    expect(client.ended).toBe('no');
    const second = await open();
    second.socket.write('lost as well');
    await roundTripElsewhere();
    expect(second.received).toBe('');
    expect(second.ended).toBe('no');
  });

  it('does not tell the broker that a swallowed client is gone', async () => {
    const client = await talking();
    proxy.set('blackhole');
    client.socket.destroy();
    await roundTripElsewhere();
    expect(atServer.size).toBe(1);
    proxy.heal();
    await expect.poll(() => atServer.size).toBe(0);
  });

  it('lets the broker hear us without an answer when half-open', async () => {
    const client = await talking();
    proxy.set('half-open');
    client.socket.write('still there?');
    await expect.poll(() => heard).toBe('hello still there?');
    await roundTripElsewhere();
    expect(client.received).toBe('hello ');
    expect(client.ended).toBe('no');
  });

  it('heals connections that lost nothing, and resets those with holes', async () => {
    const [quiet, holed] = [await talking(), await talking()];
    proxy.set('half-open');
    holed.socket.write('?');
    await expect.poll(() => heard).toContain('?');
    await roundTripElsewhere();
    proxy.heal();
    await expect.poll(() => holed.ended).toBe('ECONNRESET');
    quiet.socket.write('again');
    await expect.poll(() => quiet.received).toBe('hello again');
  });

  it('frees its port and ends what is open when closed, twice too', async () => {
    const client = await talking();
    await Promise.all([proxy.close(), proxy.close()]);
    await expect.poll(() => client.ended).toBe('ECONNRESET');
    const late = connect({ host: proxy.host, port: proxy.port });
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
  });

  it('resets a client whose broker is not there', async () => {
    await new Promise((resolve) => echo.close(resolve));
    const client = await open();
    await expect.poll(() => client.ended).toBe('ECONNRESET');
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
  });
});
