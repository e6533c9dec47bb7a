import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runSeed } from '../../support/seed.ts';
import { laneRig } from '../../support/lane-rig.ts';

describe('lanes', () => {
  it('handle the deliveries of one key one after another, and other keys meanwhile', () => {
    const rig = laneRig({ concurrency: 4 });
    rig.hold('a1', 'a2', 'b1');
    expect(rig.running()).toEqual(['a1', 'b1']);
    rig.succeed('a1');
    expect(rig.running()).toEqual(['b1', 'a2']);
  });

  it('do not exist with ordering none', () => {
    const rig = laneRig({ concurrency: 4, ordering: 'none' });
    rig.hold('a1', 'a2');
    expect(rig.running()).toEqual(['a1', 'a2']);
  });

  it('put a delivery that came back before those that have not started', () => {
    const rig = laneRig({ concurrency: 4 });
    rig.hold('a1', 'a3');
    rig.hold({ name: 'a2', isReturned: true });
    rig.succeed('a1');
    expect(rig.running()).toEqual(['a2']);
    rig.succeed('a2');
    expect(rig.running()).toEqual(['a3']);
  });

  it('keep order and never exceed concurrency, whatever the interleaving', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('hold' as const), key: fc.constantFrom('a', 'b', 'c', 'd') }),
      fc.record({ kind: fc.constant('succeed' as const), at: fc.nat(50) }),
      fc.record({ kind: fc.constant('lose' as const), at: fc.nat(50) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 5 }), (steps, concurrency) => {
        const rig = laneRig({ concurrency });
        let held = 0;
        for (const one of steps) {
          if (one.kind === 'hold') rig.hold(`${one.key}${++held}`);
          else if (one.kind === 'succeed' && rig.running().length > 0)
            rig.succeed(rig.running()[one.at % rig.running().length] as string);
          else if (one.kind === 'lose' && rig.names().length > 0)
            rig.abandon(rig.names()[one.at % rig.names().length] as string);
          const keys = rig.running().map((name) => name[0]);
          expect(new Set(keys).size).toBe(keys.length);
          expect(keys.length).toBeLessThanOrEqual(concurrency);
        }
        while (rig.running().length > 0) rig.succeed(rig.running()[0] as string);
        for (const key of ['a', 'b', 'c', 'd']) {
          const numbers = rig.started
            .filter((name) => name.startsWith(key))
            .map((name) => Number(name.slice(1)));
          expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
        }
        expect(rig.flow.open).toBe(0);
        expect(rig.work.open).toBe(0);
        expect(rig.stats.inFlight).toBe(0);
        expect(rig.settledTwice).toEqual([]);
        expect(rig.settledAfterLoss).toEqual([]);
      }),
      { seed: runSeed(), numRuns: 300 },
    );
  });
});

describe('a suspect', () => {
  it('from its third delivery on runs alone, once what was done is acknowledged', async () => {
    const rig = laneRig({ concurrency: 4 });
    rig.hold('a1', { name: 'b1', deliveryCount: 3 }, 'c1');
    expect(rig.running()).toEqual(['a1']);
    rig.succeed('a1');
    expect(rig.running()).toEqual([]);
    await rig.clock.advance(20);
    expect(rig.running()).toEqual(['b1']);
    rig.succeed('b1');
    expect(rig.running()).toEqual(['c1']);
    rig.succeed('c1');
    expect(rig.clock.pending).toBe(0);
  });

  it.each(['drain', 'abandonAll'] as const)('that waits to begin leaves no timer behind: %s', (end) => {
    const rig = laneRig({ concurrency: 4 });
    rig.hold('a1', { name: 'b1', deliveryCount: 3 });
    rig.succeed('a1');
    expect(rig.clock.pending).toBe(1);
    rig.flow[end]();
    expect(rig.clock.pending).toBe(0);
  });

  it('is none at its second delivery', () => {
    const rig = laneRig({ concurrency: 4 });
    rig.hold('a1', { name: 'b1', deliveryCount: 2 }, 'c1');
    expect(rig.running()).toEqual(['a1', 'b1', 'c1']);
  });

  it.each([
    [20, 0],
    [21, 1],
  ])('beyond maxDeliveries is dead-lettered unhandled: delivery %d', (deliveryCount, letters) => {
    const rig = laneRig({ concurrency: 4, maxDeliveries: 20 });
    rig.hold({ name: 'a1', deliveryCount }, 'b1');
    expect(rig.troubled.map((dispatch) => dispatch.decided)).toHaveLength(letters);
    expect(rig.started.includes('a1')).toBe(letters === 0);
    if (letters > 0) {
      expect(rig.troubled[0]?.decided).toMatchObject({ reason: 'too-many-deliveries', failures: [] });
      expect(rig.running()).toEqual(['b1']);
    }
  });
});

describe('what ends its process', () => {
  /** Processes one after another, each with all that is left, until one ends by itself; how it went. */
  async function processes(killers: readonly string[], maxDeliveries: number) {
    let left = Array.from({ length: 40 }, (_, at) => ({ name: `${'abcd'[at % 4]}${at}`, deliveryCount: 1 }));
    const handled: string[] = [];
    const convicted: string[] = [];
    for (let deaths = 0; ; deaths++) {
      if (deaths > 100) throw new Error('It goes on for ever.');
      const rig = laneRig({ concurrency: 4, maxDeliveries });
      rig.hold(...left);
      const done: string[] = [];
      let hasDied = false;
      const set: string[] = [];
      const store = () => {
        for (const { delivery } of rig.troubled.slice(set.length)) {
          set.push(delivery?.message.id as string);
          rig.end(set.at(-1) as string, 'dead-lettered');
        }
        return rig.clock.advance(20);
      };
      for (await store(); rig.running().length > 0; await store()) {
        hasDied = rig.running().some((name) => killers.includes(name));
        const name = rig.running()[0] as string;
        if (hasDied) break;
        rig.succeed(name);
        done.push(name);
      }
      handled.push(...done);
      convicted.push(...set);
      left = left
        .filter(({ name }) => !done.includes(name) && !set.includes(name))
        .map(({ name, deliveryCount }) => ({ name, deliveryCount: deliveryCount + 1 }));
      if (!hasDied) return { handled, convicted, deaths, left };
    }
  }

  it.each([
    [['c14'], 4],
    [['a0'], 3],
    [['d39'], 20],
    [['c14', 'c18'], 4],
    [['a8', 'b21', 'd35'], 5],
  ])('is dead-lettered, and none that was pulled with it: %j', async (killers, maxDeliveries) => {
    const { handled, convicted, deaths, left } = await processes(killers, maxDeliveries);
    expect(convicted).toEqual(killers);
    expect(handled).toHaveLength(40 - killers.length);
    expect(new Set(handled).size).toBe(handled.length);
    expect(left).toEqual([]);
    expect(deaths).toBe(maxDeliveries + killers.length - 1);
  });

  it('was the first over the limit: the next ones are handled, each alone', async () => {
    const rig = laneRig({ concurrency: 4, maxDeliveries: 1 });
    rig.hold('a1', ...['b1', 'c1', 'd1'].map((name) => ({ name, deliveryCount: 2 })));
    rig.succeed('a1');
    await rig.clock.advance(20);
    expect(rig.troubled).toHaveLength(1);
    await rig.clock.advance(20);
    expect(rig.running()).toEqual(['c1']);
    rig.succeed('c1');
    await rig.clock.advance(20);
    expect(rig.running()).toEqual(['d1']);
    expect(rig.troubled).toHaveLength(1);
  });
});

describe('what cannot be handled', () => {
  it('is decided before a handler runs: a body that is no event', () => {
    const rig = laneRig({ concurrency: 4 });
    rig.hold({ name: 'a1', body: 'garbage' });
    expect(rig.troubled[0]?.decided).toMatchObject({ reason: 'decode-failed', error: expect.any(Error) });
    expect(rig.started).toEqual([]);
  });

  it('is acked and counted when nobody wants it, or dead-lettered as unwanted', () => {
    const acked = laneRig({ concurrency: 4 });
    acked.hold({ name: 'a1', type: 'Other' });
    expect(acked.stats.eventsIgnored).toBe(1);
    expect(acked.acked).toEqual(['a1']);
    const kept = laneRig({ concurrency: 4, onUnwanted: 'dead-letter' });
    kept.hold({ name: 'a1', type: 'Other' });
    expect(kept.acked).toEqual([]);
    expect(kept.troubled[0]?.decided).toMatchObject({ reason: 'unwanted' });
  });
});

describe('the window', () => {
  it('lets other lanes go on while it has room', () => {
    const rig = laneRig({ concurrency: 4, window: 4 });
    rig.hold('a1', 'a2', 'a3');
    rig.fail('a1');
    expect(rig.blocked).toEqual([]);
    rig.hold('b1');
    expect(rig.running()).toEqual(['b1']);
    rig.succeed('b1');
    expect(rig.blocked).toEqual([]);
    expect(rig.flow.blockingKeys).toEqual([]);
  });

  it('full of lanes that wait is told, with the keys; and told again when it moves', () => {
    const rig = laneRig({ concurrency: 4, window: 4 });
    rig.hold('a1', 'a2', 'b1', 'b2');
    rig.fail('a1');
    expect(rig.blocked).toEqual([]);
    rig.fail('b1');
    expect(rig.blocked).toEqual([true]);
    expect(rig.flow.blockingKeys.toSorted()).toEqual(['a', 'b']);
    rig.end('a1', 'dead-lettered');
    expect(rig.blocked).toEqual([true, false]);
    expect(rig.flow.blockingKeys).toEqual([]);
    expect(rig.running()).toEqual(['a2']);
  });
});

describe('a delivery that is lost', () => {
  it('before it started is never started', () => {
    const rig = laneRig({ concurrency: 1 });
    rig.hold('a1', 'a2', 'b1');
    rig.abandon('a2');
    rig.abandon('b1');
    rig.succeed('a1');
    expect(rig.started).toEqual(['a1']);
    expect(rig.flow).toMatchObject({ open: 0, counts: { acked: 1, abandoned: 2 } });
  });

  it('while it runs is not settled, and its lane is not overlapped before the handler returns', () => {
    const rig = laneRig({ concurrency: 4 });
    rig.hold('a1', 'a2');
    rig.abandon('a1');
    expect(rig.aborted).toEqual(['a1']);
    expect(rig.running()).toEqual(['a1']);
    rig.succeed('a1');
    expect(rig.running()).toEqual(['a2']);
    expect(rig.acked).toEqual([]);
    expect(rig.stats.abandoned).toBe(1);
  });

  it('while it fails is not dead-lettered', () => {
    const rig = laneRig({ concurrency: 4 });
    rig.hold('a1', 'a2');
    rig.abandon('a1');
    rig.fail('a1');
    expect(rig.troubled).toEqual([]);
    expect(rig.running()).toEqual(['a2']);
  });
});

describe('a drain', () => {
  it('gives back what has not started, where another could take it', async () => {
    const rig = laneRig({ concurrency: 1, canRelease: true });
    rig.hold('a1', 'a2', 'b1');
    rig.flow.drain();
    await Promise.resolve();
    await Promise.resolve();
    expect(rig.released.toSorted()).toEqual(['a2', 'b1']);
    rig.succeed('a1');
    expect(rig.started).toEqual(['a1']);
    expect(rig.flow.counts).toMatchObject({ acked: 1, released: 2 });
    expect(rig.idle).toBe(1);
  });

  it('leaves the lanes of what it gave back to the deliveries that come after it', async () => {
    const rig = laneRig({ concurrency: 1, canRelease: true });
    rig.hold('a1', 'b1', 'b2');
    rig.flow.drain();
    await Promise.resolve();
    rig.succeed('a1');
    // The same, delivered again once the bus consumes again.
    rig.hold('b3');
    expect(rig.running()).toEqual(['b3']);
  });

  it('runs it where nobody else could', () => {
    const rig = laneRig({ concurrency: 1, canRelease: false });
    rig.hold('a1', 'a2');
    rig.flow.drain();
    rig.succeed('a1');
    expect(rig.started).toEqual(['a1', 'a2']);
    expect(rig.released).toEqual([]);
  });
});
