import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { DomainEvent } from '../contracts/event.ts';
import type { EnvelopeFields } from './envelope.ts';

/** T with every property, element and nested object read-only; Dates stay Dates. */
export type DeepReadonly<T> = unknown extends T
  ? T
  : T extends string | number | boolean | bigint | symbol | null | undefined | Date
    ? T
    : T extends readonly unknown[]
      ? number extends T['length']
        ? readonly DeepReadonly<T[number]>[]
        : { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
      : { readonly [Key in keyof T]: DeepReadonly<T[Key]> };

/**
 * Payload fields to stand beside the envelope. An index signature is widened to unknown, because it would speak of
 * the envelope's fields too; an empty object's (never) is left out.
 */
export type PayloadFields<T> = unknown extends T
  ? Readonly<Record<string, unknown>>
  : T extends unknown
    ? [T[keyof T]] extends [never]
      ? unknown
      : string extends keyof T
        ? Readonly<Record<string, unknown>> & {
            readonly [Key in keyof T as string extends Key ? never : Key]: DeepReadonly<T[Key]>;
          }
        : DeepReadonly<T>
    : never;

/** An event as handlers get it: envelope, literal type, and the payload as its schema puts it out. */
export type TypedEvent<Type extends string, Payload> = DomainEvent & {
  readonly eventType: Type;
} & PayloadFields<Payload>;

/** What a definition is called with: payload as the schema takes it, beside the envelope fields. */
export type EventInput<Input> = EnvelopeFields & PayloadFields<Input>;

/**
 * An event type: call it to build an event, hand it to `subscribe` to get them. Made by `defineEvent` only.
 */
export interface EventDefinition<Type extends string, Payload, Input = Payload> {
  /**
   * Builds an event: validated, checked to be encodable, deeply frozen. What was passed in is copied and left as it
   * was. A Date can't be frozen in JavaScript: its setters still work and must not be called.
   * @throws {EncodeError} when a field is wrong or has no JSON form; `path` names it.
   * @throws {ConfigurationError} when the schema is asynchronous.
   */
  (fields: EventInput<Input>): TypedEvent<Type, Payload>;
  readonly type: Type;
  readonly aggregateType: string;
  /** Version of the payload's schema, written as `eventVersion`. */
  readonly version: number;
  readonly schema: StandardSchemaV1<Input, Payload>;
  readonly upcast: Upcast | undefined;
  /** Compares the event type only. */
  is(event: DomainEvent): event is TypedEvent<Type, Payload>;
}

/**
 * Turns the payload of an older version, as it was on the wire, into one that today's schema takes. It may change
 * and return what it is given. Asked whenever an event of a lower version is decoded, whatever `validateOn` says.
 */
export type Upcast = (payload: Record<string, unknown>, fromVersion: number) => unknown;

/** Any event, whatever its payload; narrow it with `SomeEvent.is(event)`. */
export type AnyEvent = DomainEvent;

/** Any definition, for lists and registries. */
export interface AnyEventDefinition {
  (fields: never): DomainEvent;
  readonly type: string;
  readonly aggregateType: string;
  readonly version: number;
  readonly schema: StandardSchemaV1;
  readonly upcast: Upcast | undefined;
  is(event: DomainEvent): boolean;
}

/** The event that a definition builds: `EventOf<typeof OrderCreated>`. */
export type EventOf<Definition extends AnyEventDefinition> = ReturnType<Definition>;
