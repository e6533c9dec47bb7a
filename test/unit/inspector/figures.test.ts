import { describe, expect, it } from 'vitest';
import { Figures } from '../../../src/inspector/figures.ts';
import type { BrokerEventBus } from '../../../src/bus/api.ts';
import { gate, memoryBus, ping, Pinged, settle } from '../../support/memory-bus.ts';
import { scriptedBus } from '../../support/scripted-broker.ts';

/** Rates are per second of real time, which passes as it likes: what they come to, in the order of their names. */
const RATES = ['published', 'consumed', 'failed', 'retried'] as const;

function figuresOf(bus: BrokerEventBus, troubled = 0) {
  const figures = new Figures(bus, () => troubled);
  /** A second later as far as the figures know, with no page open unless told. */
  const sample = (isWatched = false) => {
    figures.sample(isWatched);
    return figures.samples.at(-1)!;
  };
  return { figures, sample };
}

/** Of rates, which are to each other as what happened is. */
const shares = (sample: ReturnType<ReturnType<typeof figuresOf>['sample']>) =>
  RATES.map((name) => Math.round((4 * sample[name]) / sample.published));

describe('the figures of a bus', () => {
  it('tell how much was published, consumed, failed and tried again since the last sample', async () => {
    const { bus, clock } = memoryBus({ retry: { maxRetries: 2, baseDelayMs: 100, jitter: 0 } });
    bus.subscribe(Pinged, ({ n }) => {
      if (n === 0) throw new Error('no');
    });
    const { sample } = figuresOf(bus);
    // One of four fails at each of its three attempts.
    const publishing = bus.publish([0, 1, 2, 3].map((n) => ping(n, `ball-${n}`)));
    await clock.advance(1000);
    await publishing;
    expect(bus.getStats()).toMatchObject({
      eventsPublished: 4,
      eventsConsumed: 4,
      handlerErrors: 3,
      retries: 2,
    });
    expect(shares(sample())).toEqual([4, 4, 3, 2]);
    expect(RATES.map((name) => sample()[name])).toEqual([0, 0, 0, 0]);
  });

  it('count from 0 again once the statistics are reset', async () => {
    const { bus } = memoryBus();
    bus.subscribe(Pinged, () => undefined);
    await bus.publish([ping(1), ping(2), ping(3)]);
    const { sample } = figuresOf(bus);
    bus.resetStats();
    await bus.publish([ping(4), ping(5)]);
    const { published, consumed } = sample();
    expect(published).toBeGreaterThan(0);
    expect(consumed).toBe(published);
  });

  it('tell what is in flight and in trouble at the moment', async () => {
    const { bus, clock } = memoryBus();
    const running = gate();
    bus.subscribe(Pinged, () => running.promise);
    const { sample } = figuresOf(bus, 7);
    expect(sample()).toMatchObject({ inFlight: 0, troubled: 7 });
    const publishing = [1, 2, 3].map((n) => bus.publish(ping(n, `ball-${n}`)));
    await settle(clock);
    expect(sample().inFlight).toBe(3);
    running.open();
    await Promise.all(publishing);
    expect(sample().inFlight).toBe(0);
  });

  it('tell lag and dead letters as the broker says, while somebody looks and no longer', async () => {
    const { bus, broker } = await scriptedBus((made) => made.subscribe(Pinged, () => undefined));
    broker.lag = () => Promise.resolve(17);
    broker.info = { pendingMessages: 1, dlqMessages: 5 };
    const { figures, sample } = figuresOf(bus);
    expect(sample()).toMatchObject({ lag: null, deadLetters: null });
    sample(true);
    await expect.poll(() => figures.info).toBeDefined();
    expect(sample(true)).toMatchObject({ lag: 17, deadLetters: 5 });
    expect(figures.problem).toBeUndefined();
    sample(false);
    expect(sample(false)).toMatchObject({ lag: null, deadLetters: null });
  });

  it('are kept for ten minutes', () => {
    const { figures, sample } = figuresOf(memoryBus().bus);
    for (let n = 0; n < 700; n++) sample();
    expect(figures.samples).toHaveLength(600);
  });
});
