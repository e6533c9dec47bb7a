import { describe, expect, it } from 'vitest';
import { ConfigurationError, ConnectionError } from '../../src/index.ts';
import { kafkaError } from '../../src/transports/kafka/kafkajs/errors.ts';

/** As kafkajs hands on what a broker has said, wrapped in its own word for having given up. */
const told = (type: string): Error =>
  Object.assign(new Error('gave up'), { cause: Object.assign(new Error('they said no'), { type }) });

describe('what a broker of Kafka refuses', () => {
  it.each([
    'GROUP_AUTHORIZATION_FAILED',
    'TOPIC_AUTHORIZATION_FAILED',
    'CLUSTER_AUTHORIZATION_FAILED',
    'INVALID_GROUP_ID',
  ])('is for whoever configures it: %s', (type) => {
    expect(kafkaError('Could not ask', 'here', told(type))).toBeInstanceOf(ConfigurationError);
  });

  it.each([
    ['SASL_AUTHENTICATION_FAILED', false],
    ['MESSAGE_TOO_LARGE', false],
    ['NOT_LEADER_FOR_PARTITION', true],
    ['UNKNOWN_TOPIC_OR_PARTITION', true],
  ])('is an error of the connection otherwise: %s', (type, retryable) => {
    const error = kafkaError('Could not ask', 'here', told(type));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ retryable });
  });
});
