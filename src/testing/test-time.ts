import { setTimeout as pause } from 'node:timers/promises';
import type { VirtualClock } from './clock.ts';

const PATIENCE_MS = 20_000;
const POLL_MS = 5;
/** In virtual time; small against every timeout, so that none is jumped over. */
const STEP_MS = 20;

/** The time that a test's buses live in: a virtual clock, moved on by whoever waits, or the real one. */
export class TestTime {
  readonly #clock: VirtualClock | undefined;
  readonly #mostSteps: number;
  readonly #patienceMs: number;

  /** How long {@link until} waits: in steps of virtual time (no limit), and in milliseconds of real time (20,000). */
  constructor(
    clock: VirtualClock | undefined,
    patience: { readonly steps?: number; readonly ms?: number } = {},
  ) {
    this.#clock = clock;
    this.#mostSteps = patience.steps ?? Infinity;
    this.#patienceMs = patience.ms ?? PATIENCE_MS;
  }

  /** Resolves when it holds: by moving virtual time on, or by asking again and again, within its patience. */
  async until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const givenUpAt = performance.now() + this.#patienceMs;
    for (let step = 0; !(await holds()); step++) {
      const isOver = this.#clock !== undefined && step >= this.#mostSteps;
      if (isOver || performance.now() > givenUpAt) throw new Error(`Waited in vain for ${what}.`);
      await this.pass(this.#clock === undefined ? POLL_MS : STEP_MS);
    }
  }

  /** Follows a promise while time goes on. */
  async settles<T>(promise: Promise<T>, what: string): Promise<T> {
    let isSettled = false;
    const done = () => (isSettled = true);
    promise.then(done, done);
    await this.until(() => isSettled, what);
    return promise;
  }

  /** Lets so much of the buses' time go by; for handlers that take their time use the context's signal with it. */
  async pass(ms: number): Promise<void> {
    const clock = this.#clock;
    await (clock === undefined ? pause(ms) : clock.advance(ms));
  }

  /** A handler's work that takes so long on the buses' clock, whoever drives it. */
  async work(ms: number, signal?: AbortSignal): Promise<void> {
    const clock = this.#clock;
    await new Promise<void>((resolve, reject) => {
      const timer = clock === undefined ? setTimeout(end, ms) : clock.setTimeout(end, ms);
      function end() {
        signal?.removeEventListener('abort', abort);
        resolve();
      }
      function abort() {
        if (clock === undefined) clearTimeout(timer as NodeJS.Timeout);
        else clock.clearTimeout(timer);
        reject(signal?.reason as Error);
      }
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}
