import type { AnyActorRef } from 'xstate';
import type { Clock } from '../contracts/clock.ts';
import type { Message } from '../contracts/message.ts';
import type { Stats } from '../contracts/telemetry.ts';
import type { Connection } from '../contracts/transport.ts';
import { PublishError, PublishFailure } from '../errors.ts';
import { Fifo } from '../../machines/fifo.ts';
import { relay } from '../../machines/internals.ts';
import { Work } from '../../machines/work.ts';
import type { Publisher } from '../../machines/bus-input.ts';
import { publishError, unroutableError, type Unfinished } from './publish-outcome.ts';
import { RESEND_MS, Resending, type Resent } from './resending.ts';

export interface PublishQueueSettings {
  readonly publishTimeoutMs: number;
  /** What was sent is stored, and its answer waits for handlers, who have a time limit of their own. */
  readonly isStoredOnceSent: boolean;
  /** In events, not in calls. */
  readonly maxQueuedPublishes: number;
  readonly clock: Clock;
  readonly stats: Stats;
  /** Counts every event until it has settled. */
  readonly work: Work;
}

interface Request extends Unfinished, Resent {
  open: readonly Message[];
  readonly inDoubt: Set<string>;
  isInFlight: boolean;
  readonly deadline: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Of the last attempt. */
  cause: unknown;
}

/**
 * Everything published, in order, until the broker has confirmed it. What was in doubt when a connection was lost is
 * sent again with the same ids over the next one, until its time is up.
 */
export class PublishQueue implements Publisher {
  readonly #settings: PublishQueueSettings;
  /** Oldest first; all have the same time to live, so the first one's time is up first. */
  readonly #open = new Set<Request>();
  readonly #unsent = new Fifo<Request>();
  /** In flight when their connection was lost, and not answered since: what comes later would overtake them. */
  readonly #unanswered = new Set<Request>();
  readonly #own = new Work();
  #connection: Connection | undefined = undefined;
  #events = 0;
  #expiry: unknown = undefined;
  readonly #resending: Resending;

  constructor(settings: PublishQueueSettings) {
    this.#settings = settings;
    this.#resending = new Resending(settings.clock, () => this.#flush());
  }

  /** Resolves once all are confirmed. @throws {PublishError} */
  publish(bus: AnyActorRef, messages: readonly Message[], isAccepted: boolean): Promise<void> {
    const { maxQueuedPublishes, publishTimeoutMs } = this.#settings;
    if (this.#events + messages.length > maxQueuedPublishes)
      return Promise.reject(
        new PublishError(
          messages.length > maxQueuedPublishes
            ? `A list of ${messages.length} events is more than maxQueuedPublishes (${maxQueuedPublishes}) allows. Publish it in parts.`
            : `${this.#events} events wait for their confirmation, and maxQueuedPublishes is ${maxQueuedPublishes}. Publish slower, or await publish.`,
          { stored: [], unknown: [], unsent: messages.map(({ id }) => id) },
          { code: 'OVERLOADED' },
        ),
      );
    return new Promise((resolve, reject) => {
      const deadline = this.#elapsed + publishTimeoutMs;
      const request: Request = {
        messages,
        open: messages,
        inDoubt: new Set(),
        isInFlight: false,
        deadline,
        resendMs: RESEND_MS,
        resolve,
        reject,
        cause: undefined,
      };
      relay(undefined, bus, { type: 'publish', request, isAccepted });
    });
  }

  accept(accepted: object): void {
    const request = accepted as Request;
    this.#open.add(request);
    this.#events += request.messages.length;
    this.#settings.work.begin();
    this.#own.begin();
    if (this.#expiry === undefined) this.#watch(request);
    const mustWait = this.#unsent.length > 0 || this.#unanswered.size > 0;
    if (this.#connection === undefined || mustWait) this.#unsent.push(request);
    else this.#send(request, this.#connection);
  }

  refuse(refused: object, cause: unknown): void {
    const request = refused as Request;
    request.cause = cause;
    const why = cause instanceof Error ? cause.message : 'The bus takes nothing more.';
    request.reject(publishError(request, why, (cause as { retryable?: boolean } | undefined)?.retryable));
  }

  connectionOpened(connection: Connection): void {
    this.#connection = connection;
    this.#resending.cancel();
    this.#flush();
  }

  connectionLost(): void {
    this.#connection = undefined;
    for (const request of this.#open) if (request.isInFlight) this.#unanswered.add(request);
  }

  drained(): Promise<void> {
    return this.#own.idle();
  }

  abort(cause: unknown): number {
    const unconfirmed = [...this.#open].reduce((sum, { open }) => sum + open.length, 0);
    for (const request of [...this.#open]) {
      request.cause ??= cause;
      this.#settle(
        request,
        publishError(
          request,
          cause instanceof Error
            ? cause.message
            : 'The bus was shut down before the broker had confirmed it.',
        ),
      );
    }
    this.#unsent.drain();
    return unconfirmed;
  }

  #flush(): void {
    if (this.#resending.isAwaited) return;
    while (this.#connection !== undefined && this.#unanswered.size === 0) {
      const request = this.#unsent.shift();
      if (request === undefined) return;
      if (this.#open.has(request)) this.#send(request, this.#connection);
    }
  }

  #send(request: Request, connection: Connection): void {
    const sent = request.open;
    request.isInFlight = true;
    connection.publish(sent).then(
      () => {
        if (!this.#open.has(request)) return;
        this.#settings.stats.eventsPublished += sent.length;
        this.#settle(request);
        if (this.#connection !== connection) this.#flush();
      },
      (error: unknown) => this.#failed(request, sent, connection, error),
    );
  }

  #failed(request: Request, sent: readonly Message[], connection: Connection, error: unknown): void {
    if (!this.#open.has(request)) return;
    request.cause = error;
    request.isInFlight = false;
    this.#unanswered.delete(request);
    const failure = error instanceof PublishFailure ? error : undefined;
    const stored = new Set(failure?.stored);
    request.open = sent.filter((_, at) => !stored.has(at));
    this.#settings.stats.eventsPublished += stored.size;
    if (stored.size > 0) request.resendMs = RESEND_MS;
    for (const at of failure?.unknown ?? sent.keys()) request.inDoubt.add((sent[at] as Message).id);
    if (failure !== undefined && failure.unroutable.length > 0)
      this.#settle(request, unroutableError(request, sent, failure));
    else if (failure !== undefined && !failure.retryable)
      this.#settle(request, publishError(request, `The broker refuses it: ${failure.message}`));
    else {
      this.#putBack(request);
      if (this.#expiry === undefined) this.#watch(request);
      // The same connection stands, or nobody has told of its loss yet.
      if (this.#connection === connection) this.#resending.await(request, this.#elapsed);
    }
    if (this.#connection !== connection) this.#flush();
  }

  /** In front of what was published after it. */
  #putBack(request: Request): void {
    const waiting = new Set([...this.#unsent.drain(), request]);
    for (const open of this.#open) if (waiting.has(open)) this.#unsent.push(open);
  }

  #settle(request: Request, error?: PublishError): void {
    this.#open.delete(request);
    this.#unanswered.delete(request);
    this.#events -= request.messages.length;
    if (error === undefined) request.resolve();
    else request.reject(error);
    this.#own.end();
    this.#settings.work.end();
    if (this.#open.size > 0) return;
    this.#settings.clock.clearTimeout(this.#expiry);
    this.#expiry = undefined;
    this.#resending.cancel();
    // What expired while it waited to be sent again must not make later ones wait behind it.
    this.#unsent.drain();
  }

  /** One timer for all: it is set again when it fires, not when a publish settles. */
  #watch(oldest: Request): void {
    const { clock } = this.#settings;
    this.#expiry = clock.setTimeout(() => this.#expire(), Math.max(1, oldest.deadline - this.#elapsed));
  }

  get #elapsed(): number {
    const { clock } = this.#settings;
    return clock.elapsed?.() ?? clock.now();
  }

  #expire(): void {
    this.#expiry = undefined;
    this.#settleExpired();
    this.#flush();
  }

  #settleExpired(): void {
    const { publishTimeoutMs, isStoredOnceSent } = this.#settings;
    for (const request of this.#open) {
      if (isStoredOnceSent && request.isInFlight) continue;
      if (request.deadline > this.#elapsed) {
        this.#watch(request);
        return;
      }
      this.#settle(
        request,
        publishError(request, `The broker did not confirm it in ${publishTimeoutMs} ms.`),
      );
    }
  }
}
