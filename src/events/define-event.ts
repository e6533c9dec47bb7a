import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { DomainEvent } from '../contracts/event.ts';
import { ConfigurationError, EncodeError, EventBusError } from '../errors.ts';
import { assembleEvent, payloadOf, refuseClashes } from './assembled-event.ts';
import { draftEnvelope, isAggregateType, isCount, isText } from './envelope.ts';
import type { EnvelopeFields, EnvelopeName } from './envelope.ts';
import type { EventDefinition, Upcast } from './event-definition.ts';
import { copyProperties } from './frozen-copy.ts';
import { payloadParser, visibleFields } from './payload-schema.ts';
import type { PayloadParser } from './payload-schema.ts';
import { placeIn } from './place.ts';
import { defaultRegistry } from './registry.ts';
import type { EventRegistry } from './registry.ts';
import { requireRoundTrip } from './round-trip.ts';

/** What makes an event type. */
export interface EventOptions<Type extends string, Schema extends StandardSchemaV1<unknown, object>> {
  /** Unique within its registry; part of the wire format and of routing keys, so it can't change later. */
  readonly type: Type;
  /** Letters, digits, `_`, `.` and `-`. */
  readonly aggregateType: string;
  /**
   * zod, or any Standard Schema; synchronous, with an object as output. It must accept its own output after JSON,
   * because that is what it gets when an event is decoded: `z.coerce.date()`, not `z.date()`.
   */
  readonly schema: Schema;
  /** 1 or more (1). */
  readonly version?: number | undefined;
  readonly upcast?: Upcast | undefined;
  /** `defaultRegistry` unless given. */
  readonly registry?: EventRegistry | undefined;
}

type KeyOf<T> = T extends unknown ? keyof T : never;
type ClashOf<Schema extends StandardSchemaV1> = Extract<
  KeyOf<StandardSchemaV1.InferInput<Schema>> | KeyOf<StandardSchemaV1.InferOutput<Schema>>,
  EnvelopeName
>;
/** Nothing, or what makes the compiler name the payload field that has an envelope name. */
export type NoClash<Schema extends StandardSchemaV1> =
  StandardSchemaV1.InferOutput<Schema> extends readonly unknown[]
    ? { readonly schema: 'A payload must be an object' }
    : [ClashOf<Schema>] extends [never]
      ? unknown
      : { readonly schema: `The payload field ${ClashOf<Schema>} has the name of an envelope field` };

/**
 * Defines an event type and registers it. Call what it returns to build events; handlers of it get the payload with
 * the schema's output type. The first event built is also put through JSON and the schema once more, and refused
 * when it would reach a handler changed.
 * @throws {ConfigurationError} when an option is wrong, or the schema shows a field with an envelope name.
 * @throws {DuplicateEventTypeError} when the registry has another definition of that type.
 */
export function defineEvent<const Type extends string, Schema extends StandardSchemaV1<unknown, object>>(
  options: EventOptions<Type, Schema> & NoClash<Schema>,
): EventDefinition<Type, StandardSchemaV1.InferOutput<Schema>, StandardSchemaV1.InferInput<Schema>> {
  type Definition = EventDefinition<
    Type,
    StandardSchemaV1.InferOutput<Schema>,
    StandardSchemaV1.InferInput<Schema>
  >;
  const {
    type,
    aggregateType,
    schema,
    version = 1,
    upcast,
    registry = defaultRegistry,
  } = options as EventOptions<Type, Schema>;
  requireValid({ type, aggregateType, schema, version });
  refuseClashes(type, visibleFields(schema));

  const parse = payloadParser(type, schema);
  let isRoundTripped = false;

  const build = (fields: EnvelopeFields): DomainEvent => {
    requireSame({ eventType: type, aggregateType, eventVersion: version }, fields);
    const output = validated(type, payloadOf(fields), parse);
    const event = assembleEvent(draftEnvelope({ type, version, aggregateType }, fields), output);
    if (!isRoundTripped) {
      requireRoundTrip(event, parse);
      isRoundTripped = true;
    }
    return event;
  };
  Object.defineProperty(build, 'name', { value: type });

  const definition = Object.assign(build, {
    type,
    aggregateType,
    version,
    schema,
    upcast,
    is: (event: DomainEvent): boolean => event.eventType === type,
  }) as unknown as Definition;
  return registry.register(Object.freeze(definition));
}

function requireValid(options: {
  readonly type: unknown;
  readonly aggregateType: unknown;
  readonly schema: unknown;
  readonly version: unknown;
}): void {
  const { type, aggregateType, schema, version } = options;
  if (!isText(type)) {
    throw new ConfigurationError(`defineEvent: type must be a non-empty string, not ${String(type)}.`);
  }
  if (typeof aggregateType !== 'string' || !isAggregateType(aggregateType)) {
    throw new ConfigurationError(
      `defineEvent("${type}"): aggregateType must be letters, digits, "_", "." and "-", not ${JSON.stringify(aggregateType)}.`,
    );
  }
  if (!isCount(version)) {
    throw new ConfigurationError(
      `defineEvent("${type}"): version must be an integer of 1 or more, not ${String(version)}.`,
    );
  }
  // Some libraries' schemas are functions.
  if (
    schema === null ||
    !['object', 'function'].includes(typeof schema) ||
    !('~standard' in Object(schema))
  ) {
    throw new ConfigurationError(
      `defineEvent("${type}"): schema must be a zod schema or any Standard Schema.`,
    );
  }
}

/** An event may be spread into its own definition, but not into another one. */
function requireSame(
  fixed: { readonly eventType: string; readonly aggregateType: string; readonly eventVersion: number },
  fields: EnvelopeFields,
): void {
  if (typeof fields !== 'object' || fields === null) {
    throw new EncodeError(`${fixed.eventType} can't be built: its fields must be an object.`, '');
  }
  for (const name of ['eventType', 'aggregateType', 'eventVersion'] as const) {
    const given: unknown = (fields as Partial<DomainEvent>)[name];
    if (given !== undefined && given !== fixed[name]) {
      throw new EncodeError(
        `${fixed.eventType} can't be built: ${name} is ${JSON.stringify(fixed[name])} by definition, not ${JSON.stringify(given)}.`,
        name,
      );
    }
  }
}

function validated(type: string, payload: object, parse: PayloadParser): object {
  try {
    return parse(payload, ({ text, path, issues }) => {
      return new EncodeError(`${type} can't be built: ${text}.`, path, issues);
    });
  } catch (error) {
    if (error instanceof EventBusError) throw error;
    // A recursive schema overflows the stack on a cycle: the walk names its path.
    if (error instanceof RangeError) copyProperties(payload, {}, placeIn(type, payload));
    throw new EncodeError(`${type} can't be built: its schema threw ${String(error)}.`, '', error);
  }
}
