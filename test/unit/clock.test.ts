import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createActor, createMachine } from 'xstate';
import { VirtualClock, virtualEpochMs } from '../../src/testing/clock.ts';

describe('a virtual clock', () => {
  it('stands still until it is advanced', async () => {
    const clock = new VirtualClock();
    await nextTurn();
    expect(clock.now()).toBe(virtualEpochMs);
    await clock.advance(250);
    expect(clock.now()).toBe(virtualEpochMs + 250);
  });

  it('fires timers in order of due time, and in order of setting at one instant', async () => {
    const clock = new VirtualClock(0);
    const fired: string[] = [];
    clock.setTimeout(() => fired.push('late'), 30);
    clock.setTimeout(() => fired.push('early'), 10);
    clock.setTimeout(() => fired.push('second at 20'), 20);
    clock.setTimeout(() => fired.push('third at 20'), 20);
    await clock.advance(29);
    expect(fired).toEqual(['early', 'second at 20', 'third at 20']);
    expect(clock.pending).toBe(1);
    expect(clock.nextDueAt).toBe(30);
  });

  it('shows each timer its own due time', async () => {
    const clock = new VirtualClock(0);
    const seen: number[] = [];
    for (const delayMs of [5, 1, 3]) clock.setTimeout(() => seen.push(clock.now()), delayMs);
    await clock.advance(10);
    expect(seen).toEqual([1, 3, 5]);
  });

  it('lets what one timer set off run before the next fires', async () => {
    const clock = new VirtualClock(0);
    const order: string[] = [];
    const work = async () => {
      await nextTurn();
      await Promise.resolve();
      order.push('work of the first');
    };
    clock.setTimeout(() => void work(), 1);
    clock.setTimeout(() => order.push('second'), 2);
    await clock.advance(2);
    expect(order).toEqual(['work of the first', 'second']);
  });

  it('fires timers that are set on the way within the span', async () => {
    const clock = new VirtualClock(0);
    const at: number[] = [];
    const chain = () => {
      at.push(clock.now());
      void Promise.resolve().then(() => clock.setTimeout(chain, 10));
    };
    clock.setTimeout(chain, 10);
    await clock.advance(35);
    expect(at).toEqual([10, 20, 30]);
    expect(clock.pending).toBe(1);
  });

  it('does not fire what was cleared', async () => {
    const clock = new VirtualClock(0);
    const handle = clock.setTimeout(() => expect.unreachable(), 1);
    clock.clearTimeout(handle);
    clock.clearTimeout(undefined);
    await clock.advance(10);
    expect(clock.pending).toBe(0);
  });

  it('never fires within setTimeout, also with a delay of 0, below 0 or NaN', async () => {
    const clock = new VirtualClock(0);
    let count = 0;
    for (const delayMs of [0, -5, Number.NaN]) clock.setTimeout(() => (count += 1), delayMs);
    expect(count).toBe(0);
    await clock.advance(0);
    expect(count).toBe(3);
  });

  it('hands on what a timer threw', async () => {
    const clock = new VirtualClock(0);
    clock.setTimeout(() => {
      throw new Error('broken timer');
    }, 1);
    await expect(clock.advance(1)).rejects.toThrow('broken timer');
  });

  it('cannot go back', async () => {
    await expect(new VirtualClock().advance(-1)).rejects.toThrow(RangeError);
  });

  it('runs until a condition holds, and no further', async () => {
    const clock = new VirtualClock(0);
    let ticks = 0;
    const tick = () => {
      ticks += 1;
      clock.setTimeout(tick, 100);
    };
    clock.setTimeout(tick, 100);
    await clock.runUntil(() => ticks === 3);
    expect(clock.now()).toBe(300);
    await expect(clock.runUntil(() => ticks === 100, { limitMs: 500 })).rejects.toThrow('500 ms');
    expect(ticks).toBe(8);
  });

  it('says so when nothing is left that could make the condition hold', async () => {
    await expect(new VirtualClock().runUntil(() => false)).rejects.toThrow('no timer is pending');
  });

  it('drives the delayed transitions of XState', async () => {
    const clock = new VirtualClock();
    const machine = createMachine({
      initial: 'waiting',
      states: { waiting: { after: { 60_000: 'done' } }, done: { type: 'final' } },
    });
    const actor = createActor(machine, { clock }).start();
    await clock.advance(59_999);
    expect(actor.getSnapshot().value).toBe('waiting');
    await clock.advance(1);
    expect(actor.getSnapshot().value).toBe('done');
    expect(clock.pending).toBe(0);
  });
});
