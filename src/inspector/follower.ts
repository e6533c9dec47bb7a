import type { BrokerEventBus } from '../bus/api.ts';
import { health } from '../bus/health.ts';
import { consumerOf } from '../bus/states.ts';
import type { Payloads } from '../observability/inspection.ts';
import { shownText } from '../observability/shown-error.ts';
import { Figures, SAMPLE_MS } from './figures.ts';
import type { BusFacts, Hello } from './protocol.ts';
import { toneOf, type ShownState } from './state-words.ts';
import { Updates } from './updates.ts';
import { Watch } from './watch.ts';

/** What the page shows of messages between its updates: enough to see that they flow. */
const MESSAGES_PER_SECOND = 5;
/** The page is told 10 times a second at most. */
const TICK_MS = 100;

export interface Page {
  readonly updates: Updates;
  /** Told when there may be something for it. */
  readonly wake: () => void;
}

/** Follows one bus, and keeps its open pages up to date. None of its timers keeps the process alive. */
export class Follower {
  readonly bus: BrokerEventBus;
  readonly watch: Watch;
  /** Settles when the first page is opened. */
  readonly opened: Promise<void>;
  #tellOpened: () => void = () => undefined;
  readonly #figures: Figures;
  readonly #hello: Hello;
  readonly #pages = new Set<Page>();
  readonly #end: () => void;
  readonly #sampling: NodeJS.Timeout;
  #ticking: NodeJS.Timeout | undefined = undefined;

  constructor(bus: BrokerEventBus, hello: Hello, payloads: Payloads) {
    this.bus = bus;
    this.opened = new Promise((resolve) => (this.#tellOpened = resolve));
    this.#hello = hello;
    this.watch = new Watch({
      changed: (id) => this.#each(({ updates }) => updates.changed(id)),
      gone: (id) => this.#each(({ updates }) => updates.gone(id)),
    });
    this.#figures = new Figures(bus, () => this.watch.troubled.count);
    this.#end = bus.inspect(this.watch.observe, { payloads, eventsPerSecond: MESSAGES_PER_SECOND });
    this.#sampling = setInterval(() => this.#figures.sample(this.#pages.size > 0), SAMPLE_MS).unref();
  }

  /** Opens a page; returns a function that closes it. */
  open(wake: () => void): { readonly updates: Updates; readonly close: () => void } {
    const { watch } = this;
    const { samples } = this.#figures;
    const page = {
      updates: new Updates({ watch, samples, hello: this.#hello, facts: () => this.facts }),
      wake,
    };
    this.#pages.add(page);
    this.#tellOpened();
    this.#ticking ??= setInterval(() => this.#each(({ wake: tell }) => tell()), TICK_MS).unref();
    return { updates: page.updates, close: () => this.#close(page) };
  }

  get facts(): BusFacts {
    const snapshot = this.bus.actor.getSnapshot();
    const { state, status: condition, reasons } = health(snapshot, this.bus.getStats());
    // One that is paused says so, and is well.
    const isWell = condition === 'healthy';
    const { context, tags, status, value } = snapshot;
    const info = this.#figures.info;
    const consumer = consumerOf(snapshot);
    return {
      state,
      tone:
        !isWell && state === 'consuming'
          ? 'bad'
          : toneOf({ status, value, tags: [...tags] } satisfies ShownState),
      isPaused: context.isPaused,
      destination: context.transport?.destination ?? 'memory',
      group: consumer?.context.group?.name ?? '',
      reasons: isWell ? [] : reasons.map(shownText),
      problem: info === undefined ? this.#figures.problem : undefined,
    };
  }

  close(): void {
    this.#end();
    clearInterval(this.#sampling);
    clearInterval(this.#ticking);
    this.#pages.clear();
  }

  #close(page: Page): void {
    this.#pages.delete(page);
    if (this.#pages.size > 0) return;
    clearInterval(this.#ticking);
    this.#ticking = undefined;
  }

  #each(tell: (page: Page) => void): void {
    for (const page of this.#pages) tell(page);
  }
}
