import type { DomainEvent } from '../contracts/event.ts';
import type { Codec } from '../events/codec.ts';
import type { Telemetry } from '../observability/otel/telemetry.ts';
import type { BusActor } from '../../machines/index.ts';
import type { EmbeddedPublisher } from './embedded-publisher.ts';
import type { PublishQueue } from './publish-queue.ts';

interface OutgoingSettings {
  readonly actor: BusActor;
  readonly codec: Codec;
  readonly telemetry: Telemetry | undefined;
  /** One of the two is there. */
  readonly embedded: EmbeddedPublisher | undefined;
  readonly queue: PublishQueue | undefined;
}

/** Sends events on their way, and their traces with them. */
export class Outgoing {
  readonly #settings: OutgoingSettings;

  constructor(settings: OutgoingSettings) {
    this.#settings = settings;
  }

  /**
   * Belongs to the trace of whoever calls, also where what it returns is called later.
   * @param isAccepted goes out while the bus drains, too.
   * @throws {EncodeError} when one can't be put on the wire.
   */
  prepare(events: readonly DomainEvent[], isAccepted: boolean): () => Promise<void> {
    const { actor, codec, telemetry, embedded, queue } = this.#settings;
    const followed = telemetry?.publishing(events);
    const send = (published: Promise<void> | undefined): Promise<void> => {
      const sent = published ?? Promise.resolve();
      return followed === undefined ? sent : followed.follow(sent);
    };
    if (embedded !== undefined) return () => send(embedded.publish(actor, events, isAccepted, followed));
    try {
      const messages = events.map((event, at) => codec.encode(event, followed?.headers(at)));
      return () => send(queue?.publish(actor, messages, isAccepted));
    } catch (error) {
      followed?.refused(error);
      throw error;
    }
  }
}
