import { randomUUID } from 'node:crypto';
import type { DomainEvent } from '../contracts/event.ts';
import { EncodeError } from '../errors.ts';
import { frozenCopy } from './frozen-copy.ts';
import { placeIn } from './place.ts';
import type { Place } from './place.ts';
import { isWritableTime } from './wire-time.ts';

/** Envelope fields as they are spelled in TypeScript, and on the wire. The order is that of the wire. */
export const wireNames = {
  eventId: 'event_id',
  eventType: 'event_type',
  eventVersion: 'event_version',
  occurredAt: 'occurred_at',
  aggregateId: 'aggregate_id',
  aggregateType: 'aggregate_type',
  aggregateVersion: 'aggregate_version',
  tenantId: 'tenant_id',
  actorId: 'actor_id',
  correlationId: 'correlation_id',
  causationId: 'causation_id',
  metadata: 'metadata',
} as const satisfies Record<keyof DomainEvent, string>;

/** Names that no payload field may have, in either spelling. */
export type EnvelopeName = keyof DomainEvent | (typeof wireNames)[keyof DomainEvent];

const fieldNames: ReadonlySet<string> = new Set(Object.keys(wireNames));
const wireFieldNames: ReadonlySet<string> = new Set(Object.values(wireNames));
const reservedNames: ReadonlySet<string> = new Set([...fieldNames, ...wireFieldNames]);

/** Whether it is the name of an envelope field in TypeScript's spelling. */
export const isEnvelopeField = (name: string): boolean => fieldNames.has(name);
/** Whether it is the name of an envelope field on the wire. */
export const isWireEnvelopeField = (name: string): boolean => wireFieldNames.has(name);

/** Whether no payload field may be called so. */
export const isReserved = (name: string): name is EnvelopeName => reservedNames.has(name);

/** What the builder of an event may give beside its payload; type and versions come from the definition. */
export interface EnvelopeFields {
  /** Ordering key, not empty; make it a UUID beside a Python neighbour. */
  readonly aggregateId: string;
  /** A new UUID (version 4). */
  readonly eventId?: string | undefined;
  /** Now. */
  readonly occurredAt?: Date | undefined;
  /** 1 or more (1). */
  readonly aggregateVersion?: number | undefined;
  readonly tenantId?: string | undefined;
  readonly actorId?: string | undefined;
  /** A new UUID (version 4). */
  readonly correlationId?: string | undefined;
  readonly causationId?: string | undefined;
  /** JSON values only: there is no schema that could turn a Date back ({}). */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** An event being put together; frozen before anyone else sees it. */
export type EventDraft = { -readonly [Field in keyof DomainEvent]: DomainEvent[Field] };

export const emptyMetadata: DomainEvent['metadata'] = Object.freeze({});

export const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 1;

/** The original's rule: it becomes part of routing keys. */
export const isAggregateType = (value: string): boolean => /^[A-Za-z0-9_.-]+$/.test(value);

/** @throws {EncodeError} when a field is wrong; `path` is its name. */
export function draftEnvelope(
  definition: { readonly type: string; readonly version: number; readonly aggregateType: string },
  fields: EnvelopeFields,
): EventDraft {
  const place = placeIn(definition.type, fields);
  const aggregateVersion = fields.aggregateVersion ?? 1;
  if (!isCount(aggregateVersion)) {
    throw refused(place, 'aggregateVersion', aggregateVersion, 'an integer of 1 or more');
  }
  const draft: EventDraft = {
    eventId: text(place, 'eventId', fields.eventId ?? randomUUID()),
    eventType: definition.type,
    eventVersion: definition.version,
    occurredAt: instant(place, fields.occurredAt),
    aggregateId: text(place, 'aggregateId', fields.aggregateId),
    aggregateType: definition.aggregateType,
    aggregateVersion,
    correlationId: text(place, 'correlationId', fields.correlationId ?? randomUUID()),
    metadata:
      fields.metadata === undefined ? emptyMetadata : frozenMetadata(definition.type, fields.metadata),
  };
  for (const name of ['tenantId', 'actorId', 'causationId'] as const) {
    if (fields[name] !== undefined) draft[name] = text(place, name, fields[name]);
  }
  return draft;
}

/** @throws {EncodeError} when it isn't a plain object of JSON values. */
export function frozenMetadata(eventType: string, metadata: object): DomainEvent['metadata'] {
  const place = placeIn(eventType, { metadata });
  const copy = frozenCopy(metadata, 'metadata', place, 'refuse');
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy)) {
    throw refused(place, 'metadata', metadata, 'a plain object');
  }
  return copy as DomainEvent['metadata'];
}

function text(place: Place, name: string, value: unknown): string {
  if (!isText(value)) throw refused(place, name, value, 'a non-empty string');
  return value;
}

function instant(place: Place, value: unknown): Date {
  if (value === undefined) return Object.freeze(new Date());
  if (!(value instanceof Date) || !isWritableTime(value.getTime())) {
    throw refused(place, 'occurredAt', value, 'a valid Date between the years 0 and 9999');
  }
  return Object.freeze(new Date(value));
}

function refused(place: Place, name: string, value: unknown, wanted: string): EncodeError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return new EncodeError(`${place.eventType} can't be built: ${name} must be ${wanted}, not ${shown}.`, name);
}
