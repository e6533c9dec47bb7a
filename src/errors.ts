/** Root of every error that Buschart throws: one class per reaction of the caller, not per broker. */
export class EventBusError extends Error {
  override readonly name: string = 'EventBusError';
  /** Stable, for programs; upper snake case. */
  readonly code: string;
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean;
  constructor(
    message: string,
    options: { readonly code: string; readonly retryable?: boolean; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.retryable = options.retryable ?? false;
  }
}

/** An option is wrong, or asks for what the broker can't do. The message names field, value and what is allowed. */
export class ConfigurationError extends EventBusError {
  override readonly name = 'ConfigurationError';
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'CONFIGURATION', cause });
  }
}

/** What was asked for needs a package that isn't installed: a transport its driver, a picture of a chart its layout. */
export class DriverMissingError extends EventBusError {
  override readonly name = 'DriverMissingError';
  /** @param install what to install where that is more than the one package. */
  constructor(driver: string, cause?: unknown, install = driver) {
    super(`The package "${driver}" is not installed. Run: npm install ${install}`, {
      code: 'DRIVER_MISSING',
      cause,
    });
  }
}

/** The bus drains or has stopped; nothing was sent. */
export class BusStoppedError extends EventBusError {
  override readonly name = 'BusStoppedError';
  constructor(state: string) {
    super(`The bus is ${state} and takes nothing more. Create a new bus to go on.`, {
      code: 'BUS_STOPPED',
    });
  }
}

/** The broker couldn't be reached, or refused the credentials (then `retryable` is false). Never names a password. */
export class ConnectionError extends EventBusError {
  override readonly name = 'ConnectionError';
  constructor(message: string, options: { readonly retryable?: boolean; readonly cause?: unknown } = {}) {
    super(message, {
      code: 'CONNECTION',
      retryable: options.retryable ?? true,
      cause: options.cause,
    });
  }
}

/** What became of the events of a failed publish, by event id. */
export interface PublishOutcome {
  /** Confirmed by the broker. */
  readonly stored: readonly string[];
  /** Sent, but never confirmed: they may be stored, so publish them again with the same ids only. */
  readonly unknown: readonly string[];
  /** Certainly not stored. */
  readonly unsent: readonly string[];
}

/** Not every event was confirmed in time. */
export class PublishError extends EventBusError implements PublishOutcome {
  override readonly name: string = 'PublishError';
  readonly stored: readonly string[];
  readonly unknown: readonly string[];
  readonly unsent: readonly string[];
  constructor(
    message: string,
    outcome: PublishOutcome,
    options: { readonly code?: string; readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, {
      code: options.code ?? 'PUBLISH',
      retryable: options.retryable ?? true,
      cause: options.cause,
    });
    this.stored = outcome.stored;
    this.unknown = outcome.unknown;
    this.unsent = outcome.unsent;
  }
  /** All that isn't known to be stored. */
  get unconfirmed(): readonly string[] {
    return [...this.unknown, ...this.unsent];
  }
}

/** The broker would have thrown them away: nothing is bound to the route of these events. */
export class UnroutableError extends PublishError {
  override readonly name = 'UnroutableError';
  readonly events: readonly UnroutableEvent[];
  constructor(events: readonly UnroutableEvent[], outcome: PublishOutcome, cause?: unknown) {
    const named = events
      .slice(0, 3)
      .map(({ eventId, eventType, route }) => `${eventType} ${eventId} to "${route}"`)
      .join(', ');
    super(
      `${events.length} event(s) have no queue to go to: ${named}${events.length > 3 ? ' and others' : ''}. ` +
        'Start a consumer that subscribes to the type once, so that its queue is bound, or publish with onUnroutable: "warn".',
      outcome,
      { code: 'UNROUTABLE', retryable: false, cause },
    );
    this.events = events;
  }
}

export interface UnroutableEvent {
  readonly eventId: string;
  readonly eventType: string;
  /** In the broker's own words, such as a routing key. */
  readonly route: string;
}

/** An event can't be put on the wire; `path` says where, such as `lines[0].price`; the middle of a deep one is left out. */
export class EncodeError extends EventBusError {
  override readonly name = 'EncodeError';
  readonly path: string;
  constructor(message: string, path: string, cause?: unknown) {
    super(message, { code: 'ENCODE', cause });
    this.path = path;
  }
}

/** A message can't be turned into the event that it claims to be. */
export class DecodeError extends EventBusError {
  override readonly name = 'DecodeError';
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'DECODE', cause });
  }
}

/** A handler didn't return within its `timeoutMs`; the attempt counts as failed. */
export class HandlerTimeoutError extends EventBusError {
  override readonly name = 'HandlerTimeoutError';
  constructor(subscription: string, timeoutMs: number) {
    super(`The handler of "${subscription}" did not return within ${timeoutMs} ms.`, {
      code: 'HANDLER_TIMEOUT',
      retryable: true,
    });
  }
}

/** Thrown by a handler: another attempt can't help, so the message goes straight to the dead letters. */
export class NonRetryableError extends EventBusError {
  override readonly name = 'NonRetryableError';
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, { code: 'NON_RETRYABLE', cause: options.cause });
  }
}

/** Two definitions claim one event type in one registry. */
export class DuplicateEventTypeError extends EventBusError {
  override readonly name = 'DuplicateEventTypeError';
  constructor(type: string) {
    super(
      `The event type "${type}" is registered already. Give one of the two another type, or a registry of its own.`,
      { code: 'DUPLICATE_EVENT_TYPE' },
    );
  }
}

/** No definition of that event type; the message lists those known. */
export class EventTypeNotFoundError extends EventBusError {
  override readonly name = 'EventTypeNotFoundError';
  constructor(type: string, known: readonly string[]) {
    const list = known.length === 0 ? 'none is registered' : `known: ${known.join(', ')}`;
    super(`No event type "${type}" (${list}).`, { code: 'EVENT_TYPE_NOT_FOUND' });
  }
}

/** What a transport's `Connection.publish` throws; indexes are those of the list given to it. Users see PublishError. */
export class PublishFailure extends EventBusError {
  override readonly name = 'PublishFailure';
  readonly stored: readonly number[];
  /** Sent, but no answer came: they may be stored. */
  readonly unknown: readonly number[];
  readonly unsent: readonly number[];
  /** Those of `unsent` that the broker took from us and gave back, because nothing is bound to their route. */
  readonly unroutable: readonly { readonly at: number; readonly route: string }[];
  constructor(
    message: string,
    outcome: {
      readonly stored: readonly number[];
      readonly unknown: readonly number[];
      readonly unsent: readonly number[];
      readonly unroutable?: readonly { readonly at: number; readonly route: string }[];
    },
    options: { readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, { code: 'PUBLISH_FAILURE', retryable: options.retryable ?? true, cause: options.cause });
    this.stored = outcome.stored;
    this.unknown = outcome.unknown;
    this.unsent = outcome.unsent;
    this.unroutable = outcome.unroutable ?? [];
  }
}
