/** How often each event was sent without an answer that could be trusted: so many copies more may be stored. */
export class Doubts {
  readonly #times = new Map<string, number>();

  add(id: string): void {
    this.#times.set(id, (this.#times.get(id) ?? 0) + 1);
  }

  /** Those that nobody knew of before a publish reported them. */
  addNew(ids: readonly string[]): void {
    for (const id of ids) if (!this.#times.has(id)) this.add(id);
  }

  get total(): number {
    return [...this.#times.values()].reduce((sum, times) => sum + times, 0);
  }

  /** Of the copies that a broker has beside the first of each event, those that no doubt explains. */
  unexplained(copies: readonly string[]): readonly string[] {
    const left = new Map(this.#times);
    return copies.filter((id) => {
      const times = left.get(id) ?? 0;
      left.set(id, times - 1);
      return times <= 0;
    });
  }
}
