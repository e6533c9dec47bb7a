import type { Message } from '../../contracts/message.ts';
import type { TransportNotice } from '../../contracts/transport-notice.ts';
import { PublishFailure } from '../../errors.ts';
import { routingKeyOf } from './names.ts';
import type { RabbitSettings } from './options.ts';
import type { ConfirmedPublisher, SendFailure } from './publisher.ts';
import { bytesOf, toProperties } from './rabbit-message.ts';

type RoutedFailure = SendFailure & { readonly route: string };

/** Publishes lists of events to the exchange, and says of each that failed what became of it. */
export class EventPublisher {
  readonly #publisher: ConfirmedPublisher;
  readonly #settings: RabbitSettings;
  readonly #notice: ((notice: TransportNotice) => void) | undefined;
  readonly #warned: Set<string>;

  /** @param warned routing keys that were warned of; it outlives the connection. */
  constructor(
    publisher: ConfirmedPublisher,
    settings: RabbitSettings,
    warned: Set<string>,
    notice: ((notice: TransportNotice) => void) | undefined,
  ) {
    this.#publisher = publisher;
    this.#settings = settings;
    this.#warned = warned;
    this.#notice = notice;
  }

  /** @throws {PublishFailure} */
  publish(messages: readonly Message[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const failures = new Map<number, RoutedFailure>();
      let left = messages.length;
      const settled = (at: number, route: string, failure: SendFailure | undefined): void => {
        if (failure !== undefined && !this.#isTolerated(failure, route))
          failures.set(at, { ...failure, route });
        if (--left > 0) return;
        if (failures.size === 0) resolve();
        else reject(publishFailure(messages.length, failures));
      };
      this.#publisher.send(
        messages.map((message, at) => {
          const route = routingKeyOf(message.attributes.aggregateType ?? '', message.type);
          return {
            exchange: this.#settings.exchangeName,
            routingKey: route,
            content: bytesOf(message.body),
            properties: toProperties(message),
            settle: (failure?: SendFailure) => settled(at, route, failure),
          };
        }),
      );
    });
  }

  #isTolerated({ kind }: SendFailure, route: string): boolean {
    const { onUnroutable, exchangeName } = this.#settings;
    if (kind !== 'unroutable' || onUnroutable !== 'warn') return false;
    const isRepeated = this.#warned.has(route);
    this.#warned.add(route);
    const detail = `No queue is bound to "${route}" on the exchange "${exchangeName}": nobody gets such events.`;
    this.#notice?.({ kind: 'unroutable', count: 1, detail, isRepeated });
    return true;
  }
}

function publishFailure(count: number, failures: ReadonlyMap<number, RoutedFailure>): PublishFailure {
  const stored: number[] = [];
  const unknown: number[] = [];
  const unsent: number[] = [];
  const unroutable: { at: number; route: string }[] = [];
  for (let at = 0; at < count; at++) {
    const failure = failures.get(at);
    if (failure === undefined) stored.push(at);
    else if (failure.kind === 'unknown') unknown.push(at);
    else unsent.push(at);
    if (failure?.kind === 'unroutable') unroutable.push({ at, route: failure.route });
  }
  const [first] = failures.values();
  return new PublishFailure(
    `RabbitMQ did not confirm ${failures.size} of ${count} events: ${first?.error.message ?? ''}`,
    { stored, unknown, unsent, unroutable },
    {
      retryable:
        unroutable.length === 0 && (first?.error as { retryable?: boolean } | undefined)?.retryable !== false,
      cause: first?.error,
    },
  );
}
