import { context, ROOT_CONTEXT, SpanStatusCode, trace, type Context, type Span } from '@opentelemetry/api';
import type { DomainEvent } from '../../contracts/event.ts';
import type { AttemptDecision } from '../../contracts/settlement.ts';
import type { DispatchTelemetry } from '../../contracts/telemetry.ts';
import type { Failure, Thrown } from './measures.ts';
import { errorType, guarded } from './scope.ts';
import { startDispatchSpan, startHandleSpan, type Following, type Origin, type Subject } from './spans.ts';

interface Run {
  startedAt: number;
  isRunning: boolean;
  readonly span: Span | undefined;
  readonly context: Context;
}

/** One dispatch as spans and measures: a dispatch span, and in it one span for each handler, whatever its attempts. */
export class FollowedDispatch implements DispatchTelemetry {
  readonly #following: Following;
  readonly #origin: Origin;
  readonly #arrivedAt = performance.now();
  readonly #runs = new Map<string, Run>();
  #event: DomainEvent | undefined = undefined;
  #span: Span | undefined = undefined;
  #context: Context = ROOT_CONTEXT;
  #failure: Failure | undefined = undefined;

  constructor(following: Following, origin: Origin) {
    this.#following = following;
    this.#origin = origin;
  }

  started(event: DomainEvent, handlers: number): void {
    this.#guarded(() => {
      this.#event = event;
      const { delivery } = this.#origin;
      const waitedMs = delivery === undefined ? undefined : performance.now() - this.#arrivedAt;
      for (const measures of this.#following.measures)
        measures.started(this.#type, delivery?.partition, waitedMs);
      this.#open(handlers);
    });
  }

  run(subscription: string, attempt: number, call: () => unknown): unknown {
    const run = this.#guarded(() => this.#begin(subscription, attempt));
    return run?.span === undefined ? call() : this.#within(run.context, call);
  }

  attemptSucceeded(subscription: string): void {
    if (!this.#runs.has(subscription)) return;
    this.#guarded(() => {
      const span = this.#attemptOver(subscription, undefined);
      this.#runs.delete(subscription);
      span?.setAttribute('eventsource.handler.success', true);
      span?.end();
    });
  }

  attemptFailed(subscription: string, error: unknown): void {
    this.#guarded(() => this.#attemptOver(subscription, { error })?.recordException(exceptionOf(error)));
  }

  decided(subscription: string, attempt: number, error: unknown, decision: AttemptDecision): void {
    this.#guarded(() => {
      const span = this.#runs.get(subscription)?.span;
      if (decision.kind !== 'retry') {
        this.#runs.delete(subscription);
        endFailed(span, error);
        if (decision.kind === 'drop')
          for (const measures of this.#following.measures) measures.dropped(this.#type, error);
        return;
      }
      for (const measures of this.#following.measures) measures.retried(this.#type, subscription, error);
      span?.addEvent('retry', {
        'buschart.attempt': attempt + 1,
        'buschart.retry.delay_ms': decision.delayMs,
        'error.type': errorType(error),
      });
    });
  }

  failed(reason: string, error: unknown): void {
    this.#failure = { reason, error };
    this.#guarded(() => {
      this.#open(0);
      this.#span?.addEvent('dead-letter', { 'buschart.dead_letter.reason': reason });
      this.#span?.setAttribute('error.type', reason);
      this.#span?.setStatus({ code: SpanStatusCode.ERROR, message: reason });
    });
  }

  ended(outcome: string): void {
    this.#guarded(() => {
      const tookMs = performance.now() - this.#arrivedAt;
      for (const measures of this.#following.measures)
        measures.ended(this.#type, outcome, tookMs, this.#failure);
      for (const { span } of this.#runs.values()) span?.end();
      this.#runs.clear();
      this.#span?.setAttribute('buschart.outcome', outcome);
      this.#span?.end();
    });
  }

  get #type(): string {
    return this.#event?.eventType ?? this.#origin.delivery?.message.type ?? '';
  }

  #guarded<T>(call: () => T): T | undefined {
    return guarded(this.#following.scope, call);
  }

  #open(handlers: number): void {
    if (this.#following.tracer === undefined || this.#span !== undefined) return;
    const opened = startDispatchSpan(
      this.#following,
      this.#following.tracer,
      this.#origin,
      this.#subject,
      handlers,
    );
    this.#span = opened.span;
    this.#context = opened.context;
  }

  get #subject(): Subject {
    const { delivery } = this.#origin;
    const message = delivery?.message;
    return {
      type: this.#type,
      id: this.#event?.eventId ?? message?.id ?? '',
      aggregateType: this.#event?.aggregateType ?? message?.attributes.aggregateType ?? '',
      aggregateId: this.#event?.aggregateId ?? message?.key ?? '',
    };
  }

  /** The span of a handler begins with its first attempt in this process. */
  #begin(subscription: string, attempt: number): Run {
    const begun = this.#runs.get(subscription);
    if (begun !== undefined) {
      begun.startedAt = performance.now();
      begun.isRunning = true;
      return begun;
    }
    const { tracer } = this.#following;
    const span = tracer && startHandleSpan(tracer, this.#context, this.#subject, { subscription, attempt });
    const within = span === undefined ? this.#context : trace.setSpan(this.#context, span);
    const run: Run = { startedAt: performance.now(), isRunning: true, span, context: within };
    this.#runs.set(subscription, run);
    return run;
  }

  #attemptOver(subscription: string, failure: Thrown | undefined): Span | undefined {
    const run = this.#runs.get(subscription);
    if (run?.isRunning !== true) return run?.span;
    run.isRunning = false;
    const tookMs = performance.now() - run.startedAt;
    for (const measures of this.#following.measures)
      measures.attempted(this.#type, subscription, tookMs, failure);
    return run.span;
  }

  /** What the handler throws comes out as it is, and a context manager that throws keeps no handler from running. */
  #within(active: Context, call: () => unknown): unknown {
    let result: { readonly value: unknown } | { readonly thrown: unknown } | undefined;
    this.#guarded(() =>
      context.with(active, () => {
        try {
          result = { value: call() };
        } catch (thrown) {
          result = { thrown };
        }
      }),
    );
    if (result === undefined) return call();
    if ('thrown' in result) throw result.thrown;
    return result.value;
  }
}

function endFailed(span: Span | undefined, error: unknown): void {
  span?.setAttributes({ 'eventsource.handler.success': false, 'error.type': errorType(error) });
  span?.setStatus({ code: SpanStatusCode.ERROR });
  span?.end();
}

/** Anything can be thrown, an object whose getters throw included. */
const exceptionOf = (error: unknown): Error | string =>
  error instanceof Error ? error : typeof error === 'string' ? error : errorType(error);
