import type { DomainEvent } from '../contracts/event.ts';
import type { HandlerContext } from '../contracts/handler.ts';

/** One run of one handler. */
export interface RecordedAttempt {
  readonly id: string;
  readonly key: string;
  readonly type: string;
  readonly attempt: number;
  readonly deliveryCount: number | undefined;
  /** The consumer's name as the test gave it, unique in the test. */
  readonly consumer: string;
  readonly destination: string;
  readonly group: string;
  readonly subscription: string;
  /** Running number of all starts and ends of this recorder: what came before what. */
  readonly start: number;
  /** Undefined while it runs. */
  readonly end: number | undefined;
  readonly outcome: 'running' | 'succeeded' | 'failed';
}

type Open = { -readonly [Key in keyof RecordedAttempt]: RecordedAttempt[Key] };

/** Writes down what every handler of a test was given, and how it ended. */
export class Recorder {
  readonly #attempts: Open[] = [];
  #moment = 0;

  get attempts(): readonly RecordedAttempt[] {
    return this.#attempts;
  }

  /** Wraps a handler's body; without one it succeeds at once. */
  handler<Event extends DomainEvent>(
    at: { readonly consumer: string; readonly destination: string },
    body: (event: Event, context: HandlerContext) => unknown = () => undefined,
  ): (event: Event, context: HandlerContext) => Promise<void> {
    return async (event, context) => {
      const attempt: Open = {
        id: event.eventId,
        key: event.aggregateId,
        type: event.eventType,
        attempt: context.attempt,
        deliveryCount: context.deliveryCount,
        ...at,
        group: context.group,
        subscription: context.subscription,
        start: this.#moment++,
        end: undefined,
        outcome: 'running',
      };
      this.#attempts.push(attempt);
      try {
        await body(event, context);
        attempt.outcome = 'succeeded';
      } catch (error) {
        attempt.outcome = 'failed';
        throw error;
      } finally {
        attempt.end = this.#moment++;
      }
    };
  }

  /** Those that fit everything given, in the order of their starts. */
  where(wanted: Partial<RecordedAttempt>): readonly RecordedAttempt[] {
    const entries = Object.entries(wanted) as [keyof RecordedAttempt, unknown][];
    return this.#attempts.filter((attempt) => entries.every(([name, value]) => attempt[name] === value));
  }

  /** Ids with a successful attempt that fits. */
  handled(wanted: Partial<RecordedAttempt> = {}): ReadonlySet<string> {
    return new Set(this.where({ ...wanted, outcome: 'succeeded' }).map(({ id }) => id));
  }

  get running(): number {
    return this.where({ outcome: 'running' }).length;
  }
}
