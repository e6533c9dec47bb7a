import type { DomainEvent } from '../contracts/event.ts';
import { ConfigurationError, EventTypeNotFoundError } from '../errors.ts';
import type { AnyEventDefinition, EventOf } from '../events/event-definition.ts';
import { AggregateRoot } from './aggregate-root.ts';

type Named<Definition extends AnyEventDefinition, Type> = Extract<Definition, { readonly type: Type }>;

/** For each event type, the state that follows. */
export type Apply<State, Definition extends AnyEventDefinition> = {
  readonly [Type in Definition['type']]: (
    state: State,
    event: string extends Type ? DomainEvent : EventOf<Named<Definition, Type>>,
  ) => State;
};

type Command<State> = (aggregate: AggregateRoot<State>, ...args: never[]) => unknown;
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- an index signature would take any name for a command
type NoCommands = Record<never, never>;
type Rest<Fn> = Fn extends (aggregate: never, ...args: infer Args) => infer Result
  ? (...args: Args) => Result
  : never;

/** An aggregate made by `defineAggregate`: its commands are its methods. */
export type DefinedAggregate<State, Commands> = AggregateRoot<State> & {
  readonly [Name in keyof Commands]: Rest<Commands[Name]>;
};

/** What an aggregate is made of. */
export interface AggregateOptions<State, Definition extends AnyEventDefinition, Commands> {
  /** Letters, digits, `_`, `.` and `-`; the `aggregateType` of its events. */
  readonly type: string;
  /** Its event types: each must be applied, and `apply` gets it typed. Without them any event is a plain DomainEvent. */
  readonly events?: readonly Definition[];
  /** Copied by `structuredClone` for each aggregate. */
  readonly initialState: State;
  /** Where one returns literals, say its return type: TypeScript takes them for strings otherwise. */
  readonly apply: Apply<NoInfer<State>, Definition>;
  /** Become methods, without their first argument, which is the aggregate. */
  readonly commands?: Commands & Readonly<Record<string, Command<NoInfer<State>>>>;
}

/**
 * Defines an aggregate type. What it returns is a class, as `AggregateRepository` takes it; `new Order(id)` works, too.
 * An event that isn't in `apply` makes `raise` and loading throw `EventTypeNotFoundError`.
 * @throws {ConfigurationError} when an option is wrong, such as an event of another aggregate type.
 */
export function defineAggregate<
  State,
  Definition extends AnyEventDefinition = AnyEventDefinition,
  Commands extends Readonly<Record<string, Command<State>>> = NoCommands,
>(
  options: AggregateOptions<State, Definition, Commands>,
): new (aggregateId: string) => DefinedAggregate<State, Commands> {
  const { type, events = [], initialState } = options;
  const apply = new Map(Object.entries<(state: State, event: never) => State>(options.apply));
  for (const { type: eventType, aggregateType } of events) {
    if (aggregateType !== type)
      throw new ConfigurationError(
        `defineAggregate("${type}"): ${eventType} is an event of "${aggregateType}".`,
      );
    if (!apply.has(eventType))
      throw new ConfigurationError(`defineAggregate("${type}"): nothing applies ${eventType}.`);
  }

  class Defined extends AggregateRoot<State> {
    readonly aggregateType = type;

    protected initialState(): State {
      return structuredClone(initialState);
    }

    protected evolve(state: State, event: DomainEvent): State {
      const next = apply.get(event.eventType);
      if (next === undefined) throw new EventTypeNotFoundError(event.eventType, [...apply.keys()]);
      return next(state, event as never);
    }
  }
  Object.defineProperty(Defined, 'name', { value: type });
  for (const [name, command] of Object.entries<Command<State>>(options.commands ?? {})) {
    if (name in Defined.prototype || name === 'aggregateId' || name === 'aggregateType')
      throw new ConfigurationError(`defineAggregate("${type}"): no command can be called "${name}".`);
    Object.defineProperty(Defined.prototype, name, {
      value(this: Defined, ...args: never[]) {
        return command(this, ...args);
      },
    });
  }
  return Defined as unknown as new (aggregateId: string) => DefinedAggregate<State, Commands>;
}
