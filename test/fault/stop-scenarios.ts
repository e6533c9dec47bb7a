import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  BusStoppedError,
  type BrokerEventBus,
  type DrainReport,
  type HandlerContext,
} from '../../src/index.ts';
import { Counted, counted } from '../../src/testing/index.ts';
import { FaultRun } from './fault-run.ts';
import type { FaultPlace } from './places/place.ts';

/** What a stop may take beyond the time it is given. */
const GRACE_MS = 2_000;
const TIMEOUT_MS = 500;

const NOTHING: DrainReport = { settled: 0, released: 0, aborted: 0, unpublished: 0, timedOut: false };

/** A bus of every broker stops in time, whatever it is at, and leaves nothing behind: as tests. */
export function itStopsAtAnyMoment(start: (destination: string) => Promise<FaultPlace>): void {
  let run: FaultRun;
  beforeEach(async () => {
    run = await FaultRun.open(start);
  });
  afterEach(() => run.close());

  /** The report of a stop that is asked for twice at once, the second time with more patience. */
  async function stopped(bus: BrokerEventBus): Promise<DrainReport> {
    const since = performance.now();
    const reports = await Promise.all([
      bus.shutdown({ timeoutMs: TIMEOUT_MS }),
      bus.shutdown({ timeoutMs: 60_000 }),
    ]);
    expect(performance.now() - since, 'ms until it had stopped').toBeLessThan(TIMEOUT_MS + GRACE_MS);
    expect(bus.state).toBe('stopped');
    expect(reports[1]).toEqual(reports[0]);
    return reports[0];
  }

  it('stops while it connects to what never answers, and closes what it had opened', async () => {
    const open = new Set<Socket>();
    const mute = createServer((socket) => {
      open.add(socket.on('error', () => undefined).on('close', () => open.delete(socket)));
      // Or it would not be noticed that the other side ended.
      socket.resume();
    }).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    try {
      const { port } = mute.address() as AddressInfo;
      const bus = await run.bus({ consumerGroup: run.place.group }, { host: '127.0.0.1', port });
      const connecting = bus.connect().catch((error: unknown) => error);
      await run.until(() => open.size > 0, 'it to be at the server');
      expect(await stopped(bus)).toEqual(NOTHING);
      expect(await connecting).toBeInstanceOf(BusStoppedError);
      await expect.poll(() => open.size, { timeout: GRACE_MS }).toBe(0);
    } finally {
      for (const socket of open) socket.destroy();
      mute.close();
    }
  });

  it('stops while it does not know that nothing comes through, and while it backs off, and leaves its events to the next', async () => {
    const handle = (_: unknown, { signal }: HandlerContext) => pause(60_000, undefined, { signal });
    const first = await run.consumer('one', handle, { concurrency: 10 });
    const second = await run.consumer('two', handle, { concurrency: 10 });
    await run.publishAll(await run.bus(), counted(400));
    const isAtWork = (name: string) =>
      run.attempts.some(({ consumer, outcome }) => consumer === name && outcome === 'running');
    await run.until(() => isAtWork('one') && isAtWork('two'), 'both to be at work');
    await run.fault(async () => {
      run.proxy.set('blackhole');
      const unaware = await stopped(second);
      expect(unaware.aborted).toBeGreaterThan(0);
      expect(unaware).toMatchObject({ settled: 0, timedOut: true });
      run.proxy.set('rst');
      await first.waitFor('retrying');
      await stopped(first);
    });
    run.proxy.heal();
    await run.consumer('three');
    await run.settle('consumers stopped while cut off', { handsOver: true });
  });

  it('stops while it joins its group under load, and the others go on', async () => {
    await run.consumer('one', () => pause(5));
    const publisher = await run.bus();
    await run.publishAll(publisher, counted(100));
    await run.fault(async () => {
      for (const afterMs of [0, 20, 100, 300]) {
        const published = run.publishAll(publisher, counted(500, { keys: 100 }));
        const joining = await joins(`joins for ${afterMs} ms`);
        await pause(afterMs);
        await stopped(joining.bus);
        const outcome = await joining.outcome;
        if (outcome !== undefined) expect(outcome).toBeInstanceOf(BusStoppedError);
        await published;
      }
    });
    await run.settle('consumers stopped while they join', { handsOver: true });
  });

  /** One that has been told to consume; its outcome is an error of the bus where it is stopped before it does. */
  async function joins(consumer: string) {
    const bus = await run.bus({ consumerGroup: run.place.group, consumerName: consumer });
    const at = { consumer, destination: run.place.at.destination };
    bus.subscribe(
      Counted,
      run.recorder.handler(at, () => pause(5)),
      { name: 'recorder' },
    );
    const outcome = bus.startConsumingInBackground().then(
      () => undefined,
      (error: unknown) => error,
    );
    return { bus, outcome };
  }
}
