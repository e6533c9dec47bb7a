import type { BrokerEventBus } from '../../src/index.ts';
import type { Worker } from '../support/worker.ts';

/** The consumers of a run, in this process and in others. */
export class Census {
  readonly #here: BrokerEventBus[] = [];
  readonly #elsewhere: { readonly worker: Worker; readonly consumers: number }[] = [];

  add(consumer: BrokerEventBus): void {
    this.#here.push(consumer);
  }

  addWorker(worker: Worker, consumers: number): void {
    this.#elsewhere.push({ worker, consumers });
  }

  get workers(): readonly Worker[] {
    return this.#elsewhere.map(({ worker }) => worker);
  }

  /** To be called before a fault; what it returns, after it: how many consumers there were meanwhile, at most. */
  begin(): () => number {
    const joinedBefore = this.#joined;
    const living = this.#living;
    return () => living + this.#joined - joinedBefore;
  }

  get #joined(): number {
    return this.#here.length + sum(this.#elsewhere.map(({ consumers }) => consumers));
  }

  get #living(): number {
    const here = this.#here.filter(({ state }) => state !== 'stopped' && state !== 'failed').length;
    const elsewhere = this.#elsewhere.filter(({ worker }) => !worker.hasEnded);
    return here + sum(elsewhere.map(({ consumers }) => consumers));
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
