import { describe, expect, it } from 'vitest';
import { memoryBus } from '../../support/memory-bus.ts';
import { inspectorRig } from '../../support/inspector-rig.ts';

const READING = [
  '/api/actors/x:0',
  '/api/charts/bus',
  '/api/dead-letters',
  '/api/dead-letters/x',
  '/api/stream',
];
const ACTIONS = ['pause', 'resume', 'replay?id=x', 'replay-all', 'purge'].map(
  (name) => `/api/actions/${name}`,
);

describe('the inspector shows nothing to', () => {
  it.each(READING)('whoever has no token: %s', async (path) => {
    const { ask, host } = await inspectorRig(memoryBus().bus);
    const { status, text } = await ask(path, 'GET', { host });
    expect(status).toBe(401);
    expect(JSON.parse(text)).toEqual({ error: expect.stringContaining('token') });
  });

  it.each(['', 'Bearer', 'Bearer wrong', 'Basic TOKEN', 'Bearer TOKENx', 'Bearer TOKE'])(
    'whoever has another token: "%s"',
    async (given) => {
      const { ask, host, token } = await inspectorRig(memoryBus().bus);
      const authorization = given.replace('TOKEN', token).replace('TOKE', token.slice(0, -1));
      expect((await ask('/api/dead-letters', 'GET', { host, authorization })).status).toBe(401);
    },
  );

  it('a page whose name was made to point here, its own files neither', async () => {
    const { get } = await inspectorRig(memoryBus().bus);
    for (const path of ['/', '/main.js', '/api/dead-letters'])
      for (const host of [
        'evil.example',
        'evil.example:80',
        '127.0.0.1.evil.example',
        'localhost.evil.example',
      ])
        expect((await get(path, { host })).status, `${path} as ${host}`).toBe(403);
  });

  it('a page of another origin, even with the token', async () => {
    const { get } = await inspectorRig(memoryBus().bus);
    for (const origin of ['https://evil.example', 'http://127.0.0.1:1', 'null'])
      expect((await get('/api/dead-letters', { origin })).status, origin).toBe(403);
    expect((await get('/api/dead-letters', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect(
      (await get('/main.js', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' })).status,
    ).toBe(403);
  });
});

describe('the inspector shows', () => {
  it('what there is to whoever has the token, under the names of this machine', async () => {
    const { get, host } = await inspectorRig(memoryBus().bus);
    const [, port] = host.split(':');
    for (const name of [host, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`])
      expect((await get('/api/dead-letters', { host: name })).status, name).toBe(200);
  });

  it('itself under further names it was told of', async () => {
    const { get } = await inspectorRig(memoryBus().bus, { allowedHosts: ['bus.internal'] });
    expect((await get('/', { host: 'bus.internal' })).status).toBe(200);
    expect((await get('/', { host: 'other.internal' })).status).toBe(403);
  });

  it('its page to whoever follows a link to it, without any word of the bus, and lets no other page frame it', async () => {
    const { ask, host, token } = await inspectorRig(memoryBus().bus);
    const { status, text, headers } = await ask('/', 'GET', {
      host,
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
    });
    expect(status).toBe(200);
    expect(text).not.toContain(token);
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  it('no file but its own', async () => {
    const { get } = await inspectorRig(memoryBus().bus);
    for (const path of [
      '/../package.json',
      '/..%2f..%2fpackage.json',
      '/page.css/../../x',
      '/api',
      '/api/none',
      '/nothing.js',
    ])
      expect((await get(path)).status, path).toBe(404);
  });

  it('a token of its own each time, of 192 random bits, or the one it was given', async () => {
    const first = await inspectorRig(memoryBus().bus);
    const second = await inspectorRig(memoryBus().bus);
    expect(first.token).not.toBe(second.token);
    expect(Buffer.from(first.token, 'base64url')).toHaveLength(24);
    const given = await inspectorRig(memoryBus().bus, { token: 'abcdefghijklmnopqrstuv' });
    expect((await given.get('/api/dead-letters')).status).toBe(200);
    await expect(inspectorRig(memoryBus().bus, { token: 'short' })).rejects.toThrow(/token/);
  });
});

describe('an action', () => {
  it.each(ACTIONS)('is refused unless it was allowed: %s', async (path) => {
    const { bus } = memoryBus();
    const { post } = await inspectorRig(bus);
    const { status, text } = await post(path);
    expect(status).toBe(403);
    expect(text).toContain('allowActions');
    expect(bus.actor.getSnapshot().context.isPaused).toBe(false);
  });

  it.each(ACTIONS)('is refused without the token, without an Origin, and from another: %s', async (path) => {
    const { bus } = memoryBus();
    const { ask, host, origin, token } = await inspectorRig(bus, { allowActions: true });
    const authorization = `Bearer ${token}`;
    expect((await ask(path, 'POST', { host, origin })).status).toBe(401);
    expect((await ask(path, 'POST', { host, authorization })).status).toBe(403);
    for (const other of ['https://evil.example', 'null', 'http://localhost'])
      expect((await ask(path, 'POST', { host, authorization, origin: other })).status).toBe(403);
    expect(
      (await ask(path, 'POST', { host: 'evil.example', authorization, origin: 'http://evil.example' }))
        .status,
    ).toBe(403);
    expect(bus.actor.getSnapshot().context.isPaused).toBe(false);
  });

  it('is nothing that a link could do', async () => {
    const { bus } = memoryBus();
    const { get, origin } = await inspectorRig(bus, { allowActions: true });
    expect((await get('/api/actions/pause', { origin })).status).toBe(404);
    expect(bus.actor.getSnapshot().context.isPaused).toBe(false);
  });

  it('that there is not, or that has nothing to be done to, is not found', async () => {
    const { post } = await inspectorRig(memoryBus().bus, { allowActions: true });
    for (const path of ['explode', 'replay', 'replay?id=none', 'pause?id=none', 'constructor'])
      expect((await post(`/api/actions/${path}`)).status, path).toBe(404);
  });
});
