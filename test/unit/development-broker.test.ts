import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DevelopmentBroker, type DevelopmentBrokerOptions } from '../../brokers/development.ts';
import { freePort } from '../../brokers/ports.ts';
import { isRunning } from '../support/processes.ts';

describe('a broker for development', () => {
  let folder: string;
  let port: number;
  const signal = new AbortController().signal;
  const started: DevelopmentBroker[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'buschart-development-'));
    port = await freePort();
  });
  afterEach(async () => {
    for (const broker of started.splice(0)) await broker.down();
    await rm(folder, { recursive: true });
  });

  /** Its server is a shell script that is ready once it has written a file; beside it runs a companion. */
  function fake(
    script = `trap 'exit 0' TERM; touch ready; while :; do sleep 0.05; done`,
    options: Partial<DevelopmentBrokerOptions> = {},
  ): DevelopmentBroker {
    const program = (name: string, text: string) => ({
      name,
      command: { file: 'sh', args: ['-c', `cd ${folder} && ${text}`] },
      isReady: () => Promise.resolve(name === 'companion' || existsSync(join(folder, 'ready'))),
      startTimeoutMs: 2_000,
    });
    const broker = new DevelopmentBroker({
      url: `fake://127.0.0.1:${port}`,
      folder,
      programs: [
        { name: 'companion', ports: [] },
        { name: 'server', ports: [port] },
      ],
      answers: () => Promise.resolve(existsSync(join(folder, 'ready'))),
      plan: () =>
        Promise.resolve({
          url: '',
          folder,
          prepare: () => writeFile(join(folder, 'prepared'), ''),
          programs: [program('companion', 'exec sleep 60'), program('server', script)],
        }),
      endTimeoutMs: 5_000,
      ...options,
    });
    started.push(broker);
    return broker;
  }
  const recorded = async (name: string) =>
    Number((await readFile(join(folder, `${name}.process`), 'utf8')).split('\n')[0]);

  it('is started once, is found by others, and ends with what runs beside it', async () => {
    const broker = fake();
    expect(await broker.standing()).toBe('down');
    expect(await broker.up(signal)).toBe(true);
    expect(existsSync(join(folder, 'prepared'))).toBe(true);
    const pids = [await recorded('companion'), await recorded('server')];
    expect(pids.filter(isRunning)).toEqual(pids);

    const other = fake();
    expect([await other.standing(), other.pid]).toEqual(['up', pids[1]]);
    expect(await other.up(signal)).toBe(false);
    expect(await other.down()).toBe(true);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(await broker.standing()).toBe('down');
    expect(await broker.down()).toBe(false);
  });

  it('is started once by many at a time', async () => {
    const outcomes = await Promise.all([1, 2, 3].map(() => fake().up(signal)));
    expect(outcomes.filter(Boolean)).toEqual([true]);
  });

  it('is started anew where only its companion was left', async () => {
    await fake().up(signal);
    const companion = await recorded('companion');
    process.kill(await recorded('server'), 'SIGKILL');
    await rm(join(folder, 'ready'));
    await expect.poll(() => fake().standing()).toBe('down');
    expect(await fake().up(signal)).toBe(true);
    expect(await recorded('companion')).toBe(companion);
  });

  it('is silent while it runs and does not answer, and ends though it is frozen', async () => {
    const broker = fake();
    await broker.up(signal);
    await rm(join(folder, 'ready'));
    expect(await broker.standing()).toBe('silent');
    await expect(broker.up(signal)).rejects.toThrow(`It runs as process ${broker.pid} and does not answer`);
    const pid = broker.pid!;
    process.kill(pid, 'SIGSTOP');
    await broker.down();
    expect(isRunning(pid)).toBe(false);
  });

  it('is killed when it does not end by itself', async () => {
    const broker = fake(`trap '' TERM; touch ready; while :; do sleep 0.05; done`, { endTimeoutMs: 200 });
    await broker.up(signal);
    const pid = broker.pid!;
    expect(await broker.down()).toBe(true);
    expect(isRunning(pid)).toBe(false);
  });

  it('is not mistaken for a process that has its id by now', async () => {
    const broker = fake();
    await broker.up(signal);
    const pid = broker.pid!;
    const file = join(folder, 'server.process');
    try {
      await writeFile(file, `${pid}\nanother start\n`);
      expect(await broker.standing()).toBe('down');
      await broker.down();
      expect(isRunning(pid)).toBe(true);
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });

  it('says which port is taken, and starts nothing', async () => {
    const squatter = createServer().listen(port, '127.0.0.1');
    await once(squatter, 'listening');
    await expect(fake().up(signal)).rejects.toThrow(`Port ${port} is taken by another program`);
    squatter.close();
    expect(existsSync(join(folder, 'companion.process'))).toBe(false);
  });

  it('says what is missing', async () => {
    const broker = fake('', { plan: () => Promise.reject(new Error('No broker. Install it')) });
    await expect(broker.up(signal)).rejects.toThrow('No broker. Install it');
  });

  it('leaves nothing when it does not start, and gives its last words, not those of the run before', async () => {
    await writeFile(join(folder, 'server.log'), 'well and good\n');
    const broker = fake('echo no room >&2; exit 1');
    const up = broker.up(signal);
    await expect(up).rejects.toThrow('did not start: no room');
    await expect(up).rejects.not.toThrow('well and good');
    expect(existsSync(join(folder, 'companion.process'))).toBe(false);
    expect(await broker.standing()).toBe('down');
  });

  it('leaves nothing when it is interrupted while it starts', async () => {
    const interrupt = new AbortController();
    const broker = fake('exec sleep 60');
    const up = broker.up(interrupt.signal);
    await expect.poll(() => existsSync(join(folder, 'server.process'))).toBe(true);
    const pids = [await recorded('companion'), await recorded('server')];
    interrupt.abort();
    await expect(up).rejects.toThrow();
    expect(pids.filter(isRunning)).toEqual([]);
  });
});
