/** The envelope of every event. Deeply read-only, and frozen at run time. */
export interface DomainEvent {
  /** Non-empty; a UUID unless given. */
  readonly eventId: string;
  readonly eventType: string;
  /** Version of the payload's schema, 1 or more. */
  readonly eventVersion: number;
  readonly occurredAt: Date;
  /** Ordering key. A UUID is needed only beside a Python neighbour. */
  readonly aggregateId: string;
  readonly aggregateType: string;
  /** 1 or more (1). */
  readonly aggregateVersion: number;
  readonly tenantId?: string;
  readonly actorId?: string;
  /** Shared by everything that one cause set off. */
  readonly correlationId: string;
  /** `eventId` of the event that led to this one. */
  readonly causationId?: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}
