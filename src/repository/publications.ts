import type { DomainEvent } from '../contracts/event.ts';
import { PublishError } from '../errors.ts';
import { UnpublishedEventsError } from './errors.ts';
import type { StreamId } from './event-store.ts';

/** What a repository publishes with; any bus is one. */
export interface EventPublisher {
  publish(events: readonly DomainEvent[]): Promise<void>;
  /**
   * `durable`: its publish never waits for handlers, as on a broker. Then what a later save stored waits until it is known
   * what became of the earlier. Otherwise a handler may save the very aggregate whose event it handles, and waiting would
   * never end: what is stored is handed over at once, and the publisher keeps the order.
   */
  readonly capabilities?: { readonly durable: boolean };
}

/** What goes on with one stream, for as long as anything does. */
interface Line {
  readonly stream: StreamId;
  /** Stored and not being published, by version. */
  left: readonly DomainEvent[];
  /** Settles when what was asked to be stored so far is, or was refused; never rejects. */
  storing: Promise<unknown>;
  /** Settles when what is being published is through; never rejects. */
  sending: Promise<unknown>;
  /** Where to publish comes after what is being published: shared by all that wait for that. */
  next: Promise<void> | undefined;
  users: number;
}

type Fate = 'failed' | 'sending' | 'published';

/** Publishes what is stored: of one stream in the order of storing, and first what an earlier save left. */
export class Publications {
  readonly #publisher: EventPublisher | undefined;
  readonly #maxUnpublished: number;
  readonly #lines = new Map<string, Line>();
  /** Of events that an error has named. */
  readonly #fates = new WeakMap<DomainEvent, Fate>();

  /** @param maxUnpublished events kept of streams that nobody uses; beyond it their errors alone have them. */
  constructor(publisher: EventPublisher | undefined, maxUnpublished: number) {
    this.#publisher = publisher;
    this.#maxUnpublished = maxUnpublished;
  }

  /**
   * Has events stored when those before are, for the answers of a store may come in another order, and publishes them.
   * @param append resolves with what it has stored.
   * @throws {UnpublishedEventsError} when they, or what was left before them, could not be published.
   */
  store(stream: StreamId, append: () => Promise<readonly DomainEvent[]>): Promise<void> {
    return this.#with(stream, async (line) => {
      const stored = line.storing.then(async () => {
        const events = await append();
        line.left = [...line.left, ...events];
      });
      line.storing = stored.catch(() => undefined);
      await stored;
      await (this.#publisher?.capabilities?.durable === true ? this.#sendNext(line) : this.#send(line));
    });
  }

  /** Publishes what of it is still left; resolves when all of it is published, by whichever call. */
  republish(error: UnpublishedEventsError): Promise<void> {
    const [first] = error.events;
    if (first === undefined) return Promise.resolve();
    return this.#with(first, async (line) => {
      const missing = error.events.filter(
        (event) => (this.#fates.get(event) ?? 'failed') === 'failed' && !line.left.includes(event),
      );
      for (const event of missing) this.#fates.set(event, 'failed');
      line.left = inOrder([...line.left, ...missing]);
      await this.#sendNext(line);
    });
  }

  async #with(stream: StreamId, use: (line: Line) => Promise<void>): Promise<void> {
    const { aggregateType, aggregateId } = stream;
    // No aggregate type has a space.
    const key = `${aggregateType} ${aggregateId}`;
    const line = this.#lines.get(key) ?? {
      stream: { aggregateType, aggregateId },
      left: [],
      storing: Promise.resolve(),
      sending: Promise.resolve(),
      next: undefined,
      users: 0,
    };
    // Anew at the end, for what was used last is forgotten last.
    this.#lines.delete(key);
    this.#lines.set(key, line);
    line.users++;
    try {
      await use(line);
    } finally {
      line.users--;
      if (line.users === 0) {
        if (line.left.length === 0) this.#lines.delete(key);
        else this.#forgetOldest();
      }
    }
  }

  #sendNext(line: Line): Promise<void> {
    line.next ??= line.sending.then(() => {
      line.next = undefined;
      return this.#send(line);
    });
    return line.next;
  }

  #send(line: Line): Promise<void> {
    const events = line.left;
    if (events.length === 0 || this.#publisher === undefined) {
      line.left = [];
      return Promise.resolve();
    }
    line.left = [];
    this.#note(events, 'sending');
    const sent = this.#publish(this.#publisher, line, events);
    line.sending = Promise.allSettled([line.sending, sent]);
    return sent;
  }

  async #publish(publisher: EventPublisher, line: Line, events: readonly DomainEvent[]): Promise<void> {
    try {
      await publisher.publish(events);
      this.#note(events, 'published');
    } catch (cause) {
      // What the broker has confirmed must not come twice; what is in doubt comes again under its own id.
      const confirmed = new Set(cause instanceof PublishError ? cause.stored : []);
      this.#note(events, 'published');
      const rest = events.filter(({ eventId }) => !confirmed.has(eventId));
      if (rest.length === 0) return;
      for (const event of rest) this.#fates.set(event, 'failed');
      line.left = inOrder([...rest, ...line.left]);
      throw new UnpublishedEventsError(line.stream, rest, cause);
    }
  }

  #note(events: readonly DomainEvent[], fate: Fate): void {
    for (const event of events) if (this.#fates.has(event)) this.#fates.set(event, fate);
  }

  #forgetOldest(): void {
    let kept = 0;
    for (const { left } of this.#lines.values()) kept += left.length;
    for (const [key, { left, users }] of this.#lines) {
      if (kept <= this.#maxUnpublished) return;
      if (users > 0) continue;
      this.#lines.delete(key);
      kept -= left.length;
    }
  }
}

function inOrder(events: readonly DomainEvent[]): readonly DomainEvent[] {
  return events.toSorted((one, other) => one.aggregateVersion - other.aggregateVersion);
}
