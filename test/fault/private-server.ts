import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import type { PrivateServer } from '../../brokers/private-server.ts';
import { descendants, isRunning } from '../support/processes.ts';

export interface PrivateServerCase {
  /** Whether one takes clients at that address; within two seconds, also from a frozen one. */
  answers(url: string): Promise<boolean>;
  /** Stores something; resolves once the server has confirmed it. */
  write(url: string, value: string): Promise<void>;
  /** What was stored last. */
  read(url: string): Promise<string>;
  /** The module and the call that start one, for a process of its own. */
  readonly starter: { readonly module: string; readonly call: string };
  /** A start that must fail, and what it must say. */
  readonly failing: { start(): Promise<PrivateServer>; readonly words: string };
}

/** What every private server must do, as tests that follow each other; the last ones stop the server. */
export function itIsAPrivateServer(server: () => PrivateServer, broker: PrivateServerCase): void {
  it('keeps what it has confirmed through a kill, and is back at the same place', async () => {
    const { url, port, pid, folder } = server();
    await broker.write(url, 'before');
    await server().kill();
    expect(isRunning(pid!)).toBe(false);
    expect(server().pid).toBeUndefined();
    expect(await broker.answers(url)).toBe(false);

    await server().start();
    expect(server()).toMatchObject({ url, port, folder });
    expect(server().pid).not.toBe(pid);
    expect(await broker.read(url)).toBe('before');
    await broker.write(url, 'after');
  });

  it('is the process of its pid, whoever kills that', async () => {
    const { url, pid } = server();
    process.kill(pid!, 'SIGKILL');
    await expect.poll(() => server().pid, { timeout: 10_000 }).toBeUndefined();
    expect(await broker.answers(url)).toBe(false);
    await server().start();
    expect(await broker.read(url)).toBe('after');
  });

  it('freezes, and goes on', async () => {
    const { url, pid } = server();
    server().freeze();
    expect(await broker.answers(url)).toBe(false);
    expect(isRunning(pid!)).toBe(true);
    server().thaw();
    await expect.poll(() => broker.answers(url), { timeout: 10_000 }).toBe(true);
    expect(server().pid).toBe(pid);
    expect(await broker.read(url)).toBe('after');
  });

  it('leaves neither process nor folder once stopped, frozen or not, and may be stopped twice', async () => {
    const { url, pid, folder } = server();
    const processes = [pid!, ...descendants(pid!)];
    server().freeze();
    await Promise.all([server().stop(), server().stop()]);
    await expect.poll(() => processes.filter(isRunning), { timeout: 10_000 }).toEqual([]);
    expect(existsSync(folder)).toBe(false);
    expect(await broker.answers(url)).toBe(false);
  });

  it('ends with the process that started it, though that was killed', async () => {
    const { module, call } = broker.starter;
    const script = `
      import * as brokers from ${JSON.stringify(new URL(`../../brokers/${module}`, import.meta.url).href)};
      const server = await brokers.${call};
      console.log(JSON.stringify([server.pid, server.folder]));`;
    const starter = execa(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      reject: false,
    });
    try {
      const [line] = (await once(createInterface(starter.stdout), 'line')) as [string];
      const [pid, folder] = JSON.parse(line) as [number, string];
      const processes = [pid, ...descendants(pid)];
      expect(isRunning(pid)).toBe(true);
      starter.kill('SIGKILL');
      await expect.poll(() => processes.filter(isRunning), { timeout: 10_000 }).toEqual([]);
      await expect.poll(() => existsSync(folder), { timeout: 10_000 }).toBe(false);
    } finally {
      starter.kill('SIGKILL');
    }
  });

  it('says why it did not start', async () => {
    await expect(broker.failing.start()).rejects.toThrow(broker.failing.words);
  });
}
