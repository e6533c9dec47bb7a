import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { conformanceRegistry, counted, Counted, type CountedEvent } from 'buschart/testing';
import { TransportEventBus } from 'buschart/transport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileTransport } from '../../examples/file-transport/transport.ts';
import { runExample } from '../support/example.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

describe('the transport of files', () => {
  let folder: string;
  const running = new Set<ChildProcess>();
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'buschart-files-'));
  });
  afterEach(async () => {
    for (const child of running) child.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });

  const makeBus = (consumerGroup: string, connectTimeoutMs = 5_000) =>
    new TransportEventBus(new FileTransport(folder), {
      registry: conformanceRegistry,
      logger: silent,
      consumerGroup,
      connectTimeoutMs,
    });

  /** Everything that the group is handed from now on, until it has nothing left. */
  async function handledBy(group: string): Promise<readonly CountedEvent[]> {
    await using bus = makeBus(group);
    const events: CountedEvent[] = [];
    bus.subscribe(Counted, (event) => void events.push(event));
    await bus.startConsumingInBackground();
    await expect
      .poll(() => bus.getInfo(), { timeout: 10_000, interval: 10 })
      .toMatchObject({ lag: 0, pendingMessages: 0 });
    return events;
  }

  function startProgram() {
    const program = ['--import', 'tsx', 'test/examples/file-publisher-program.ts', folder];
    const child = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] });
    running.add(child);
    const told = { published: [] as string[], handled: [] as string[] };
    createInterface(child.stdout).on('line', (line) => {
      const [what, id] = line.split(' ') as ['published' | 'handled', string];
      told[what].push(id);
    });
    return { child, told };
  }

  async function kill(child: ChildProcess): Promise<void> {
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
    running.delete(child);
  }

  it('has lost nothing that it confirmed when its process is killed, twice', async () => {
    const published: string[] = [];
    const handled: string[] = [];
    for (const count of [200, 150]) {
      const { child, told } = startProgram();
      await expect.poll(() => told.published.length, { timeout: 20_000 }).toBeGreaterThan(count);
      await kill(child);
      published.push(...told.published);
      handled.push(...told.handled);
    }
    const rest = (await handledBy('workers')).map(({ eventId }) => eventId);
    const seen = new Set([...handled, ...rest]);
    expect(published.filter((id) => !seen.has(id))).toEqual([]);
    const later = (await handledBy('later')).map(({ eventId }) => eventId);
    expect(new Set(later).size).toBe(later.length);
    expect(published.filter((id) => !later.includes(id))).toEqual([]);
  }, 60_000);

  it('cuts off the half line that a killed process left, and goes on behind the whole ones', async () => {
    const publish = async (count: number) => {
      await using bus = makeBus('workers');
      await bus.publish(counted(count, { keys: 1 }));
    };
    await publish(3);
    await appendFile(join(folder, 'log.jsonl'), '{"id":"half');
    await publish(2);
    const numbers = (await handledBy('workers')).map(({ n }) => n);
    expect(numbers.toSorted((one, other) => one - other)).toEqual([0, 0, 1, 1, 2]);
    expect(await handledBy('workers')).toEqual([]);
  });

  it('is one process’s at a time, and the next one’s when that is killed', async () => {
    const { child, told } = startProgram();
    await expect.poll(() => told.published.length, { timeout: 20_000 }).toBeGreaterThan(0);
    const second = makeBus('workers', 100);
    await expect(second.connect()).rejects.toMatchObject({
      name: 'ConnectionError',
      cause: expect.objectContaining({ message: expect.stringContaining(`Process ${child.pid} holds`) }),
    });
    await kill(child);
    await second.connect();
    await second.shutdown();
  }, 60_000);

  it('carries the example: fail, retry, dead letter, replay', async () => {
    expect((await runExample('file-transport/main.ts', {})).split('\n')).toEqual([
      'to Anna: attempt 1',
      'to nobody: attempt 1',
      'to nobody: attempt 2',
      'to Emil: attempt 1',
      'set aside: attempts-exhausted after 2 attempts: the road is closed',
      'to nobody: attempt 1',
      '{',
      '  settled: 0,',
      '  released: 0,',
      '  aborted: 0,',
      '  unpublished: 0,',
      '  timedOut: false',
      '}',
      '',
    ]);
  }, 30_000);
});
