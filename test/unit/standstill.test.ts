import { expect, it } from 'vitest';
import type { Clock } from '../../src/contracts/clock.ts';
import { StandstillWatch } from '../../src/observability/standstill-watch.ts';
import { VirtualClock } from '../../src/testing/index.ts';

/** A clock whose timers may come late, as those of a process that stood still. */
function lateClock() {
  const timers = new VirtualClock(0);
  let lateMs = 0;
  const clock: Clock = {
    now: () => 0,
    elapsed: () => timers.now() + lateMs,
    setTimeout: (callback, delayMs) => timers.setTimeout(callback, delayMs),
    clearTimeout: (handle) => timers.clearTimeout(handle),
  };
  return { clock, timers, standStill: (ms: number) => (lateMs += ms) };
}

it('tells once for how long the process stood still, and of the next time too', async () => {
  const { clock, timers, standStill } = lateClock();
  const told: number[] = [];
  const watch = new StandstillWatch(clock, (ms) => told.push(ms));
  watch.start();
  watch.start();
  await timers.advance(10_000);
  expect(told).toEqual([]);
  standStill(10_000);
  await timers.advance(10_000);
  expect(told).toEqual([10_000]);
  standStill(1_999);
  await timers.advance(1_000);
  standStill(2_000);
  await timers.advance(1_000);
  expect(told).toEqual([10_000, 2_000]);
  watch.stop();
  expect(timers.pending).toBe(0);
});

it('watches nothing by a clock that moves by leaps', () => {
  const clock = new VirtualClock();
  new StandstillWatch(clock, () => undefined).start();
  expect(clock.pending).toBe(0);
});
