import { ConfigurationError } from '../../errors.ts';
import type { RabbitSettings } from './options.ts';

/** What depends on the server's version. */
export interface ServerFeatures {
  /** It is new enough for anything of ours. */
  readonly classicQueues: boolean;
  /** With dead letters at least once, and messages that expire, which the queues of retries are made of. */
  readonly quorumQueues: boolean;
}

/** First version that has it, as [major, minor]. */
const SINCE: Readonly<Record<keyof ServerFeatures, readonly [number, number]>> = {
  classicQueues: [3, 8],
  quorumQueues: [3, 10],
};

/** All of them where the server tells no version, as other products that speak AMQP 0-9-1 may. */
export function featuresOf(version: string): ServerFeatures {
  const [major = NaN, minor = NaN] = version.split('.').map(Number);
  const has = ([sinceMajor, sinceMinor]: readonly [number, number]): boolean =>
    Number.isNaN(major) ||
    Number.isNaN(minor) ||
    major > sinceMajor ||
    (major === sinceMajor && minor >= sinceMinor);
  return { classicQueues: has(SINCE.classicQueues), quorumQueues: has(SINCE.quorumQueues) };
}

/** @throws {ConfigurationError} when the server is too old for queues of that type as they are declared here. */
export function checkVersion(version: string, queueType: RabbitSettings['queueType']): void {
  const { classicQueues, quorumQueues } = featuresOf(version);
  if (!classicQueues)
    throw new ConfigurationError(
      `RabbitMQ ${version} is too old: ${SINCE.classicQueues.join('.')} is the oldest that works.`,
    );
  if (queueType === 'quorum' && !quorumQueues)
    throw new ConfigurationError(
      `RabbitMQ ${version} is too old for queueType "quorum": ${SINCE.quorumQueues.join('.')} is the oldest whose quorum ` +
        'queues keep every dead letter. Use queueType "classic".',
    );
}
