import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../src/index.ts';
import { RabbitMQEventBus, type RabbitMQEventBusOptions } from '../../src/transports/rabbitmq/index.ts';
import { tierOf } from '../../src/transports/rabbitmq/names.ts';

describe('a retry that waits in RabbitMQ', () => {
  it.each([
    [0, 1000],
    [1000, 1000],
    [1001, 5000],
    [5000, 5000],
    [5001, 15_000],
    [15_001, 60_000],
    [60_001, 300_000],
    [300_000, 300_000],
  ])('waits for %i ms in the queue of %i ms', (delayMs, tierMs) => {
    expect(tierOf(delayMs)).toBe(tierMs);
  });

  it('waits for no longer than the longest one, which jitter may exceed', () => {
    expect(tierOf(330_000)).toBe(300_000);
  });

  it('may be asked to wait as long as the longest one, and elsewhere longer', () => {
    const broker = { ordering: 'none', retry: { waitIn: 'broker', maxDelayMs: 300_000 } } as const;
    expect(new RabbitMQEventBus(broker).state).toBe('idle');
    expect(new RabbitMQEventBus({ retry: { maxDelayMs: 600_000 } }).state).toBe('idle');
  });

  it('may be asked to by a subscription, too, and no more than that', () => {
    const subscribe = (options: RabbitMQEventBusOptions, maxDelayMs: number) => () =>
      new RabbitMQEventBus(options).subscribeToAllEvents(() => undefined, { retry: { maxDelayMs } });
    const broker = { ordering: 'none', retry: { waitIn: 'broker' } } as const;
    expect(subscribe(broker, 300_000)).not.toThrow();
    expect(subscribe({}, 600_000)).not.toThrow();
    expect(subscribe(broker, 300_001)).toThrow(ConfigurationError);
    expect(subscribe(broker, 300_001)).toThrow(/at most 300000 .* not 300001/);
  });
});
