import type { Channel } from 'amqplib';
import type { Headers } from '../../contracts/message.ts';
import type { Interest, Source } from '../../contracts/transport.ts';
import type { RabbitDelivery } from './delivery.ts';
import type { Binding } from './topology.ts';

/** What a source takes from its connection. */
export interface SourceHost {
  readonly where: string;
  readonly prefetchCount: number;
  readonly exchange: string;
  readonly countsDeliveries: boolean;
  /** The queue of the group, declared if need be. @throws {ConfigurationError} when it is there otherwise. */
  declareGroup(group: string): Promise<string>;
  /** @throws {ConfigurationError} when it is there and of another kind. */
  declareExchange(): Promise<void>;
  openChannel(closed: (cause: Error) => void): Promise<Channel>;
  bindingsOf(interest: Interest): Binding[];
  storeDeadLetter(group: string, delivery: RabbitDelivery, headers: Headers): Promise<void>;
  storeRetry(group: string, delivery: RabbitDelivery, delayMs: number, headers: Headers): Promise<void>;
  /** What is published over the connection meanwhile waits for `bound`. */
  holdPublishes(bound: Promise<void>): void;
  left(source: Source): void;
}
