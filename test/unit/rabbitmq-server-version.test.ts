import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../src/errors.ts';
import { checkVersion, featuresOf } from '../../src/transports/rabbitmq/server-version.ts';

describe('a RabbitMQ server', () => {
  it.each([
    ['3.7.28', false, false],
    ['3.8.0', true, false],
    ['3.9.29', true, false],
    ['3.10.0', true, true],
    ['3.10.8', true, true],
    ['3.13.7', true, true],
    ['4.0.1', true, true],
    ['4.3.0-rc.1', true, true],
    // Another product that speaks AMQP 0-9-1.
    ['', true, true],
    ['unknown', true, true],
  ])('of version %s has classic queues: %s, quorum queues: %s', (version, classicQueues, quorumQueues) => {
    expect(featuresOf(version)).toEqual({ classicQueues, quorumQueues });
  });

  it('that is too old is refused, and the refusal says what would work', () => {
    expect(() => checkVersion('3.7.28', 'classic')).toThrow(ConfigurationError);
    expect(() => checkVersion('3.7.28', 'classic')).toThrow('3.8 is the oldest');
    expect(() => checkVersion('3.9.29', 'quorum')).toThrow(/3\.10 is the oldest.*queueType "classic"/s);
    expect(() => checkVersion('3.9.29', 'classic')).not.toThrow();
    expect(() => checkVersion('3.10.8', 'quorum')).not.toThrow();
  });
});
