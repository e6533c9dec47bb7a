import { execFile } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import { createServer, connect, Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ConfigurationError } from '../../../src/errors.ts';
import { startInspector } from '../../../src/inspector/index.ts';
import type { ActorDetails, DeadLetterPage, Update } from '../../../src/inspector/protocol.ts';
import { inspectorRig } from '../../support/inspector-rig.ts';
import { gate, memoryBus, ping, Pinged } from '../../support/memory-bus.ts';

const SECRET = 'hunter2';
const hasIPv6 = networkInterfaces()['lo']?.some(({ address }) => address === '::1') === true;

/** What a page knows after these updates. */
function known(updates: readonly Update[]) {
  const actors = new Map<string, NonNullable<Update['actors']>[number]>();
  let bus: Update['bus'];
  for (const update of updates) {
    for (const row of update.actors ?? []) actors.set(row.id, row);
    for (const id of update.gone ?? []) actors.delete(id);
    bus = update.bus ?? bus;
  }
  return { actors: [...actors.values()], bus };
}

const failing = () => {
  const rig = memoryBus({ retry: { maxRetries: 0 } });
  rig.bus.subscribe(
    Pinged,
    () => {
      throw Object.assign(new Error(`no answer from redis://me:${SECRET}@host`), { body: SECRET });
    },
    { name: 'fails' },
  );
  return rig;
};

describe('the stream', () => {
  it('tells first of everything, then of what changes', async () => {
    const { bus } = memoryBus();
    const subscription = bus.subscribe(Pinged, () => undefined, { name: 'pinged' });
    const { follow } = await inspectorRig(bus, { payloads: 'redacted' });
    const { updates } = await follow();
    await expect.poll(() => updates.length).toBeGreaterThan(0);
    expect(updates[0]).toMatchObject({
      hello: { allowActions: false, payloads: 'redacted' },
      bus: { state: 'consuming', tone: 'good', destination: 'memory' },
    });
    expect(known(updates).actors.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'bus consuming',
      'consumer consuming',
      'deliveries idle',
      'pinged consuming',
      'handler consuming',
    ]);
    subscription.pause();
    const paused = () => known(updates).actors.filter(({ state }) => state === 'paused');
    await expect.poll(() => paused().map(({ kind }) => kind)).toEqual(['subscription', 'handler']);
    expect(paused()[0]).toMatchObject({ tone: 'busy', active: ['subscription', 'subscription.paused'] });
    subscription.unsubscribe();
    await expect.poll(() => known(updates).actors).toHaveLength(3);
  });

  it('joins what happens within a tenth of a second', async () => {
    const { bus } = memoryBus();
    const subscription = bus.subscribe(Pinged, () => undefined);
    const { follow } = await inspectorRig(bus);
    const { updates } = await follow();
    await expect.poll(() => updates.length).toBeGreaterThan(0);
    const start = performance.now();
    const before = updates.length;
    while (performance.now() - start < 1000) {
      subscription.pause();
      subscription.resume();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(updates.length - before).toBeLessThanOrEqual(13);
    expect(updates.slice(before).every(({ actors = [] }) => actors.length <= 2)).toBe(true);
  });

  it('tells two pages the same', async () => {
    const { bus } = memoryBus();
    const { follow } = await inspectorRig(bus);
    const [one, other] = [await follow(), await follow()];
    bus.subscribe(Pinged, () => undefined, { name: 'late' });
    for (const { updates } of [one, other])
      await expect.poll(() => known(updates).actors.map(({ name }) => name)).toContain('late');
    one.stop();
    bus.subscribe(Pinged, () => undefined, { name: 'later' });
    await expect.poll(() => known(other.updates).actors.map(({ name }) => name)).toContain('later');
  });

  it('says that the bus is paused, and that it has stopped', async () => {
    const { bus } = memoryBus();
    const { follow } = await inspectorRig(bus);
    const { updates } = await follow();
    bus.pause();
    await expect.poll(() => known(updates).bus).toMatchObject({ isPaused: true, tone: 'good', reasons: [] });
    await bus.shutdown();
    await expect.poll(() => known(updates).bus).toMatchObject({ state: 'stopped', tone: 'over' });
    expect(known(updates).actors.map(({ kind, tone }) => `${kind} ${tone}`)).toEqual(['bus over']);
  });

  it('tells figures once a second, of the broker too, and why it knows nothing of that', async () => {
    const { bus } = memoryBus();
    const { follow } = await inspectorRig(bus);
    bus.subscribe(Pinged, () => undefined);
    let isLost = false;
    const { getInfo } = bus;
    bus.getInfo = async () => {
      if (isLost) throw new Error(`lost redis://:${SECRET}@host`);
      return getInfo.call(bus);
    };
    const { updates } = await follow();
    await bus.publish([ping(), ping()]);
    const samples = () => updates.flatMap((update) => update.samples ?? []);
    await expect.poll(() => samples().some(({ published }) => published > 0), { timeout: 5000 }).toBe(true);
    await expect.poll(() => samples().at(-1), { timeout: 5000 }).toMatchObject({ lag: 0, deadLetters: 0 });
    isLost = true;
    await expect
      .poll(() => samples().at(-1), { timeout: 8000 })
      .toMatchObject({ lag: null, deadLetters: null });
    expect(known(updates).bus?.problem).toBe('lost redis://***@host');
  }, 20_000);
});

describe('an actor', () => {
  it('is shown with what it knows and what happened to it, without payloads', async () => {
    const { bus } = memoryBus();
    const subscription = bus.subscribe(Pinged, () => undefined, { name: 'pinged' });
    const { get } = await inspectorRig(bus);
    subscription.pause();
    const { text } = await get(`/api/actors/${subscription.actor.sessionId}`);
    const details = JSON.parse(text) as ActorDetails;
    expect(details).toMatchObject({ name: 'pinged', state: 'paused' });
    expect(details.context).toContainEqual(['eventTypes', 'Pinged']);
    expect(details.happened[0]).toMatchObject({
      message: 'pause',
      to: ['paused'],
      taken: ['subscription.consuming/pause/0'],
    });
  });

  it('that has gone is not found', async () => {
    const { get } = await inspectorRig(memoryBus().bus);
    expect((await get('/api/actors/x:999999')).status).toBe(404);
  });

  it.each(['bus', 'connection', 'consumer', 'subscription', 'handler', 'deliveries', 'delivery'])(
    'has a chart that names its states: %s',
    async (kind) => {
      const { get } = await inspectorRig(memoryBus().bus);
      const { status, text, headers } = await get(`/chart-${kind}.svg`);
      expect(status).toBe(200);
      expect(headers['content-type']).toBe('image/svg+xml');
      expect(text).toContain(`data-state="${kind}`);
    },
  );
});

describe('dead letters', () => {
  it('are shown as many as asked for, 50 at first, with error and attempts, and no password', async () => {
    const { bus } = failing();
    const { get } = await inspectorRig(bus);
    await bus.publish(Array.from({ length: 60 }, (_, n) => ping(n)));
    const { text } = await get('/api/dead-letters');
    const page = JSON.parse(text) as DeadLetterPage;
    expect(page).toMatchObject({ total: 60, hasMore: true });
    expect(page.letters).toHaveLength(50);
    expect(page.letters[0]).toMatchObject({
      eventType: 'Pinged',
      reason: 'attempts-exhausted',
      attempts: 1,
      error: { name: 'Error', message: 'no answer from redis://***@host' },
      handlers: [{ name: 'fails', attempts: 1 }],
    });
    expect(page.letters[0]?.error.stack).toContain('at ');
    expect(text).not.toContain(SECRET);
    const rest = JSON.parse((await get('/api/dead-letters?limit=100')).text) as DeadLetterPage;
    expect(rest.letters).toHaveLength(60);
    expect(rest.letters.slice(0, 50)).toEqual(page.letters);
    expect(rest.hasMore).toBe(false);
  });

  it.each([
    { payloads: 'none', shown: undefined },
    { payloads: 'redacted', shown: { n: 'number', event_type: 'string' } },
    { payloads: 'full', shown: { n: 7, event_type: 'Pinged' } },
  ] as const)('show their payload as far as asked for: $payloads', async ({ payloads, shown }) => {
    const { bus } = failing();
    const { get } = await inspectorRig(bus, { payloads });
    await bus.publish(ping(7));
    const [letter] = await bus.getDlqMessages();
    const { status, text } = await get(`/api/dead-letters/${letter?.id}`);
    expect(status).toBe(shown === undefined ? 404 : 200);
    if (shown !== undefined) expect(JSON.parse(text)).toMatchObject({ body: shown });
  });

  it('are replayed one by one, all, and purged', async () => {
    const { bus } = failing();
    const { post } = await inspectorRig(bus, { allowActions: true });
    await bus.publish([ping(1), ping(2), ping(3)]);
    const [letter] = await bus.getDlqMessages();
    expect(JSON.parse((await post(`/api/actions/replay?id=${letter?.id}`)).text)).toEqual({
      message: 'Replayed one dead letter.',
    });
    await bus.idle();
    expect(JSON.parse((await post('/api/actions/replay-all')).text)).toEqual({
      message: 'Replayed 3 dead letters.',
    });
    await bus.idle();
    expect(bus.getStats().handlerErrors).toBe(7);
    expect(JSON.parse((await post('/api/actions/purge')).text)).toEqual({
      message: 'Purged 3 dead letters.',
    });
    expect(await bus.deadLetters.count()).toBe(0);
  });

  it('that the broker does not give are a problem to be told of, not a crash', async () => {
    const { bus } = memoryBus();
    const { get } = await inspectorRig(bus);
    bus.deadLetters.list = () => Promise.reject(new Error('The connection is lost.'));
    const { status, text } = await get('/api/dead-letters');
    expect(status).toBe(502);
    expect(JSON.parse(text)).toEqual({ error: 'The connection is lost.' });
  });
});

it('pauses and resumes the bus and a subscription', async () => {
  const { bus } = memoryBus();
  const { actor } = bus.subscribe(Pinged, () => undefined, { name: 'pinged' });
  const { post } = await inspectorRig(bus, { allowActions: true });
  expect((await post('/api/actions/pause')).text).toContain('Paused the bus');
  expect(bus.actor.getSnapshot().context.isPaused).toBe(true);
  await post('/api/actions/resume');
  expect(bus.actor.getSnapshot().context.isPaused).toBe(false);
  await post(`/api/actions/pause?id=${actor.sessionId}`);
  expect(actor.getSnapshot().value).toBe('paused');
  await post(`/api/actions/resume?id=${actor.sessionId}`);
  expect(actor.getSnapshot().value).toBe('consuming');
});

it('says so when there is nothing to pause or resume', async () => {
  const { bus } = memoryBus();
  const ended = gate();
  const subscription = bus.subscribe(Pinged, () => ended.promise, { name: 'pinged' });
  const other = bus.subscribe(Pinged, () => undefined, { name: 'other' });
  const { post } = await inspectorRig(bus, { allowActions: true });
  const said = async (action: string): Promise<string> =>
    (JSON.parse((await post(`/api/actions/${action}`)).text) as { message: string }).message;
  expect(await said('resume')).toBe('The bus is not paused: there is nothing to resume.');
  void bus.publish(ping());
  await new Promise((resolve) => setImmediate(resolve));
  subscription.unsubscribe();
  const { sessionId } = subscription.actor;
  expect(await said(`pause?id=${sessionId}`)).toBe(
    'The subscription pinged is draining: there is nothing to pause.',
  );
  const stopped = bus.shutdown();
  expect(await said('pause')).toBe('The bus is draining: there is nothing to pause.');
  expect(await said(`pause?id=${other.actor.sessionId}`)).toBe(
    'The bus is draining: there is nothing to pause.',
  );
  expect(other.actor.getSnapshot().value).toBe('consuming');
  ended.open();
  await stopped;
});

it('listens on this machine alone, unless told', async () => {
  const { inspector } = await inspectorRig(memoryBus().bus);
  expect(new URL(inspector.url).hostname).toBe('127.0.0.1');
  const port = Number(new URL(inspector.url).port);
  const elsewhere = connect(port, '127.0.0.2');
  await expect(once(elsewhere, 'connect')).rejects.toThrow(/ECONNREFUSED/);
});

describe.each([
  { host: '127.0.0.2', shown: '127.0.0.2' },
  { host: 'localhost', shown: 'localhost' },
  ...(hasIPv6 ? [{ host: '::1', shown: '[::1]' }] : []),
])('with host $host', ({ host, shown }) => {
  it('listens there and nowhere else, and its URL says so', async () => {
    const { inspector, token } = await inspectorRig(memoryBus().bus, { host });
    const { port, origin, hostname } = new URL(inspector.url);
    expect(hostname).toBe(shown);
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(new URL('/api/dead-letters', origin), { headers })).status).toBe(200);
    const elsewhere = connect(Number(port), '127.0.0.3');
    await expect(once(elsewhere, 'connect')).rejects.toThrow(/ECONNREFUSED/);
  });
});

it('is opened under the name it was told to listen at, and under no other', async () => {
  const { lookup } = dns;
  const named = (name: string, ...rest: unknown[]): void =>
    (lookup as (...args: unknown[]) => void)(name === 'bus.internal' ? '127.0.0.1' : name, ...rest);
  vi.spyOn(dns, 'lookup').mockImplementation(named as typeof lookup);
  onTestFinished(() => void vi.restoreAllMocks());
  const { inspector, get, host } = await inspectorRig(memoryBus().bus, { host: 'bus.internal' });
  const { port } = new URL(inspector.url);
  expect(host).toBe(`bus.internal:${port}`);
  for (const name of [host, `Bus.Internal:${port}`, `[::1]:${port}`, `192.0.2.1:${port}`])
    expect((await get('/', { host: name })).status, name).toBe(200);
  for (const name of [`internal:${port}`, `bus.internal.evil.example:${port}`])
    expect((await get('/', { host: name })).status, name).toBe(403);
});

it('logs what goes wrong with its server afterwards, and serves on', async () => {
  const unref = vi.spyOn(Server.prototype, 'unref');
  const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  onTestFinished(() => void vi.restoreAllMocks());
  const { get } = await inspectorRig(memoryBus().bus);
  const server = (unref.mock.contexts as Server[]).find(({ listening }) => listening);
  const error = new Error('accept EMFILE');
  server?.emit('error', error);
  expect(logged.mock.calls).toEqual([[expect.stringContaining('inspector'), { err: error }]]);
  expect((await get('/')).status).toBe(200);
});

it('says which option is wrong, and that a port is taken, and leaves nothing then', async () => {
  const { bus } = memoryBus();
  await expect(startInspector(bus, { port: -1 })).rejects.toThrow(ConfigurationError);
  await expect(startInspector(bus, { hots: 'x' } as object)).rejects.toThrow(/hots/);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  await expect(startInspector(bus, { port: (other.address() as { port: number }).port })).rejects.toThrow(
    /EADDRINUSE/,
  );
  other.close();
});

it('closes with its streams, as often as asked, and answers no more', async () => {
  const { bus } = memoryBus();
  const { inspector, follow, get } = await inspectorRig(bus);
  const { ended, updates } = await follow();
  await expect.poll(() => updates.length).toBeGreaterThan(0);
  await Promise.all([inspector.close(), inspector.close()]);
  await ended;
  await inspector[Symbol.asyncDispose]();
  await expect(get('/')).rejects.toThrow(/ECONNREFUSED/);
  const before = updates.length;
  bus.subscribe(Pinged, () => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  expect(updates).toHaveLength(before);
});

it('keeps no process alive, even with a page open, and leaves nothing of itself once closed', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'test/support/inspected-process.ts'],
    { timeout: 25_000 },
  );
  expect(stdout).toBe('closed: nothing left\nopen: left to itself\n');
}, 30_000);
