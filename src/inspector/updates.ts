import type { BusFacts, Hello, Sample, Update } from './protocol.ts';
import type { Watch } from './watch.ts';

export interface Source {
  readonly watch: Watch;
  readonly samples: readonly Sample[];
  readonly hello: Hello;
  facts(): BusFacts;
}

/**
 * What one page has yet to be told. It is made up when the page can take it, from what holds then: however slow the page,
 * there is never more to tell than there are actors and samples.
 */
export class Updates {
  readonly #source: Source;
  readonly #changed = new Set<string>();
  readonly #gone = new Set<string>();
  /** Told of, and not told to be gone. */
  readonly #known = new Set<string>();
  #isFirst = true;
  #sampledAt = 0;
  #facts = '';
  #unlisted = 0;

  constructor(source: Source) {
    this.#source = source;
    for (const id of source.watch.ids) this.#changed.add(id);
  }

  changed(id: string): void {
    this.#changed.add(id);
  }

  gone(id: string): void {
    this.#changed.delete(id);
    // One that came and went while the page took nothing is no news to it, and there may be any number of those.
    if (this.#known.delete(id)) this.#gone.add(id);
  }

  /** Undefined when there is nothing new. */
  next(): Update | undefined {
    const { watch, samples, hello } = this.#source;
    const update: { -readonly [Name in keyof Update]: Update[Name] } = {};
    if (this.#isFirst) update.hello = hello;
    this.#isFirst = false;
    const facts = this.#source.facts();
    const text = JSON.stringify(facts);
    if (text !== this.#facts) update.bus = facts;
    this.#facts = text;
    if (this.#changed.size > 0) {
      update.actors = [...this.#changed].flatMap((id) => watch.row(id) ?? []);
      for (const { id } of update.actors) this.#known.add(id);
    }
    if (this.#gone.size > 0) update.gone = [...this.#gone];
    this.#changed.clear();
    this.#gone.clear();
    const fresh = samples.filter(({ at }) => at > this.#sampledAt);
    if (fresh.length > 0) update.samples = fresh;
    this.#sampledAt = samples.at(-1)?.at ?? 0;
    const { unlisted } = watch.troubled;
    if (unlisted !== this.#unlisted) update.unlisted = unlisted;
    this.#unlisted = unlisted;
    return Object.keys(update).length === 0 ? undefined : update;
  }
}
