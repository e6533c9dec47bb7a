import type { DomainEvent } from '../contracts/event.ts';
import { ConfigurationError } from '../errors.ts';
import type { AnyEventDefinition, EventOf } from '../events/event-definition.ts';
import type { StreamId } from './event-store.ts';
import { requireNext } from './stream-rules.ts';

/** What an event is raised with: its own fields, and of the envelope what isn't the aggregate's to say. */
export type RaisedFields<Definition extends AnyEventDefinition> = OmitFromEach<
  Parameters<Definition>[0],
  'aggregateId' | 'aggregateVersion'
>;
/** Omit alone leaves of a union what its members have in common. */
type OmitFromEach<Fields, Name extends PropertyKey> = Fields extends unknown ? Omit<Fields, Name> : never;

/**
 * Something whose state follows from its events. Extend it, or let `defineAggregate` do it. Commands are methods that
 * check the state and {@link raise} events; nothing is stored or published before a repository saves it.
 */
export abstract class AggregateRoot<State> implements StreamId {
  /** Letters, digits, `_`, `.` and `-`; that of its events. */
  abstract readonly aggregateType: string;
  readonly aggregateId: string;
  #state: { readonly value: State } | undefined = undefined;
  #version = 0;
  #uncommitted: readonly DomainEvent[] = [];

  /** @throws {ConfigurationError} when the id is empty. */
  constructor(aggregateId: string) {
    if (typeof aggregateId !== 'string' || aggregateId === '')
      throw new ConfigurationError('The id of an aggregate must be a non-empty string.');
    this.aggregateId = aggregateId;
  }

  /** The state before the first event; a value of its own at each call. */
  protected abstract initialState(): State;

  /** The state that follows. Decides nothing and refuses nothing: the event has happened. */
  protected abstract evolve(state: State, event: DomainEvent): State;

  get state(): State {
    this.#state ??= { value: this.initialState() };
    return this.#state.value;
  }

  /** How many events it has had, those that aren't stored included. */
  get version(): number {
    return this.#version;
  }

  /** Raised and not stored yet, oldest first. */
  get uncommittedEvents(): readonly DomainEvent[] {
    return this.#uncommitted;
  }

  /**
   * Builds the event with this aggregate's id and next version, and applies it.
   * @throws {EncodeError} when a field is wrong.
   * @throws {EventStreamError} when the definition is of another aggregate type. The aggregate is unchanged after either.
   */
  raise<Definition extends AnyEventDefinition>(
    definition: Definition,
    fields: RaisedFields<Definition>,
  ): EventOf<Definition> {
    const event = definition({
      ...fields,
      aggregateId: this.aggregateId,
      aggregateVersion: this.#version + 1,
    } as never) as EventOf<Definition>;
    this.#apply(event);
    this.#uncommitted = [...this.#uncommitted, event];
    return event;
  }

  /**
   * Applies what is stored already: for a repository, or a test that gives the aggregate a past.
   * @throws {EventStreamError} when the event isn't of this aggregate, or its version isn't the next.
   */
  replay(event: DomainEvent): void {
    if (this.#uncommitted.length > 0)
      throw new ConfigurationError('What is stored comes before what was raised: replay it first.');
    this.#apply(event);
  }

  /** For a repository: these are stored. What was raised meanwhile stays uncommitted. */
  markCommitted(events: readonly DomainEvent[]): void {
    const stored = new Set(events);
    this.#uncommitted = this.#uncommitted.filter((event) => !stored.has(event));
  }

  #apply(event: DomainEvent): void {
    requireNext(this, this.#version, event);
    this.#state = { value: this.evolve(this.state, event) };
    this.#version = event.aggregateVersion;
  }
}
