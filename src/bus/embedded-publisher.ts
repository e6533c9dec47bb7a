import type { AnyActorRef } from 'xstate';
import type { DomainEvent } from '../contracts/event.ts';
import type { Headers } from '../contracts/message.ts';
import type { DispatchTelemetry, PublishTelemetry } from '../contracts/telemetry.ts';
import { PublishError } from '../errors.ts';
import type { Publisher } from '../../machines/bus-input.ts';
import { Dispatch } from '../../machines/dispatch.ts';
import type { EmbeddedFlow } from '../../machines/embedded-flow.ts';
import { relay } from '../../machines/internals.ts';
import type { Work } from '../../machines/work.ts';

const NO_HEADERS: Headers = Object.freeze({});
const RESOLVED = Promise.resolve();

/** Publishes straight to the handlers of this process: through the bus actor's mailbox, and no further. */
export class EmbeddedPublisher implements Publisher {
  readonly #flow: EmbeddedFlow;
  readonly #work: Work;
  #isAborted = false;
  #unbegun = 0;

  constructor(flow: EmbeddedFlow, work: Work) {
    this.#flow = flow;
    this.#work = work;
  }

  /** One event, in the foreground, that nobody traces. */
  publishOne(bus: AnyActorRef, event: DomainEvent): Promise<void> {
    const dispatch = this.#send(bus, event, NO_HEADERS, false, undefined);
    return dispatch.isOver ? RESOLVED : dispatch.done;
  }

  /**
   * Event i+1 begins when every handler of event i has ended. The mailbox takes nested publishes in turn, so that
   * handlers may publish to any depth without overflowing the stack.
   */
  publish(
    bus: AnyActorRef,
    events: readonly DomainEvent[],
    isAccepted: boolean,
    followed?: PublishTelemetry,
  ): Promise<void> {
    let at = 0;
    // What was accepted as a list is finished as a list, also while the bus drains.
    this.hold(events.length);
    const next = (): Promise<void> => {
      while (at < events.length) {
        if (this.#isAborted) return Promise.reject(cutOff(events, at));
        const telemetry = followed?.dispatch(at);
        const event = events[at++] as DomainEvent;
        const dispatch = this.#send(bus, event, NO_HEADERS, isAccepted || at > 1, telemetry);
        this.letGo(1);
        if (!dispatch.isOver) return dispatch.done.then(next);
      }
      return RESOLVED;
    };
    return next();
  }

  /** Hands a dead letter's event to its handlers again. */
  replay(bus: AnyActorRef, event: DomainEvent, headers: Headers, telemetry?: DispatchTelemetry): void {
    this.#send(bus, event, headers, false, telemetry);
  }

  /** So many events are accepted and still have to begin: a drain waits for them. */
  hold(count: number): void {
    this.#unbegun += count;
    this.#flow.begin(count);
  }

  letGo(count: number): void {
    this.#unbegun -= count;
    this.#flow.end(count);
  }

  accept(request: object, bus: AnyActorRef): void {
    this.#flow.start(request as Dispatch, bus);
  }

  refuse(request: object): void {
    (request as Dispatch).over('abandoned');
    this.#work.end();
  }

  connectionOpened(): void {}
  connectionLost(): void {}

  drained(): Promise<void> {
    return RESOLVED;
  }

  abort(): number {
    this.#isAborted = true;
    return this.#unbegun;
  }

  #send(
    bus: AnyActorRef,
    event: DomainEvent,
    headers: Headers,
    isAccepted: boolean,
    telemetry: DispatchTelemetry | undefined,
  ): Dispatch {
    const dispatch = new Dispatch(event, headers, undefined, this.#flow, telemetry);
    this.#work.begin();
    relay(undefined, bus, { type: 'publish', request: dispatch, isAccepted });
    return dispatch;
  }
}

function cutOff(events: readonly DomainEvent[], at: number): PublishError {
  const ids = events.map(({ eventId }) => eventId);
  return new PublishError(
    `The bus was shut down when ${at} of ${events.length} events had been handled.`,
    { stored: ids.slice(0, at), unknown: [], unsent: ids.slice(at) },
    { retryable: false },
  );
}
