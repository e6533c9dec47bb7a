import type { DeadLetterPage, DeadLetterRow, Hello } from '../protocol.ts';
import { confirmed } from './confirm.ts';
import { button, byId, make, setText } from './elements.ts';
import { LetterRow } from './letter-row.ts';
import type { Session } from './session.ts';

/** Rows at first, and further ones each time. */
const PAGE = 50;

export interface LettersSettings {
  readonly session: Session;
  /** Does what a button asks for, and says what came of it. */
  readonly act: (name: string, id?: string) => Promise<void>;
}

/** The dead letters of the bus' group, oldest first. What is listed stays as it is while others come and go. */
export class DeadLetters {
  readonly #settings: LettersSettings;
  readonly #place = byId('letters');
  readonly #note = make('p', { hidden: true });
  readonly #body = make('tbody');
  readonly #table = tableOf(this.#body);
  readonly #more = button('Show more', () => this.#showMore());
  readonly #rows = new Map<string, LetterRow>();
  /** Most that are listed. */
  #limit = PAGE;
  #total = 0;
  /** The number of the plots, which says when to look again. */
  #known: number | undefined = undefined;
  /** Answers come in any order: one that is older than what is shown is dropped. */
  #asked = 0;
  #answered = 0;
  #loading = 0;
  #hello: Hello | undefined = undefined;

  constructor(settings: LettersSettings) {
    this.#settings = settings;
    this.#table.hidden = true;
    this.#more.hidden = true;
    this.#place.append(this.#note, this.#table, this.#more);
  }

  start(hello: Hello): void {
    if (JSON.stringify(hello) !== JSON.stringify(this.#hello)) this.#begin(hello);
    void this.refresh();
  }

  /** What the broker said last of how many there are. */
  noted(count: number | null): void {
    // What is being loaded may be older than this number: it is told again in a second.
    if (count === null || count === this.#known || this.#loading > 0) return;
    this.#known = count;
    if (count !== this.#total) void this.refresh();
  }

  async refresh(): Promise<void> {
    const turn = ++this.#asked;
    this.#loading++;
    try {
      const path = `/api/dead-letters?limit=${this.#limit}`;
      const page = await this.#settings.session.read<DeadLetterPage>(path);
      if (this.#isNew(turn)) this.#show(page);
    } catch (error) {
      if (this.#isNew(turn)) this.#say(`Not known at the moment: ${(error as Error).message}`, 'problem');
    }
    this.#loading--;
  }

  /** Another process, or another life of it: what may be done and seen of its dead letters may be something else. */
  #begin(hello: Hello): void {
    this.#hello = hello;
    for (const row of this.#rows.values()) row.remove();
    this.#rows.clear();
    const actions = [button('Refresh', () => this.refresh())];
    if (hello.allowActions)
      actions.push(
        button('Replay all', () => this.#settings.act('replay-all').then(() => this.refresh())),
        button('Purge…', () => this.#purge(), { class: 'danger' }),
      );
    byId('letters-actions').replaceChildren(...actions);
  }

  #showMore(): Promise<void> {
    this.#limit += PAGE;
    return this.refresh();
  }

  #isNew(turn: number): boolean {
    if (turn < this.#answered) return false;
    this.#answered = turn;
    return true;
  }

  #say(text: string, kind: 'quiet' | 'problem'): void {
    this.#note.className = kind;
    setText(this.#note, text);
    this.#note.hidden = text === '';
    if (kind === 'problem') setText(byId('letters-count'), '?');
  }

  #show({ letters, total, hasMore }: DeadLetterPage): void {
    this.#total = total;
    const isEmpty = letters.length === 0;
    this.#say(isEmpty ? 'None. Every delivery so far was handled, or is on its way.' : '', 'quiet');
    setText(byId('letters-count'), String(total));
    const wasAt = this.#focusedAt;
    this.#table.hidden = isEmpty;
    this.#list(letters);
    this.#more.hidden = !hasMore;
    if (wasAt === -1 || this.#focusedAt !== -1) return;
    // What had the focus has gone: it moves to what stands there now.
    const rows = [...this.#rows.values()];
    const near = rows[Math.min(wasAt, rows.length - 1)];
    if (near === undefined) this.#place.focus();
    else near.focus();
  }

  /** Which of the list has the focus, the button behind it included; -1 for none. */
  get #focusedAt(): number {
    if (!this.#more.hidden && document.activeElement === this.#more) return this.#rows.size;
    return [...this.#rows.values()].findIndex(({ hasFocus }) => hasFocus);
  }

  /** Moves nothing that is there already: it would lose the focus. */
  #list(letters: readonly DeadLetterRow[]): void {
    const { session, act } = this.#settings;
    const hello = this.#hello as Hello;
    const replay = (id: string): Promise<void> => act('replay', id).then(() => this.refresh());
    const before = new Map(this.#rows);
    this.#rows.clear();
    for (const letter of letters) {
      const row = before.get(letter.id) ?? new LetterRow(letter, { session, hello, replay });
      this.#rows.set(letter.id, row);
      before.delete(letter.id);
    }
    for (const row of before.values()) row.remove();
    let next = this.#body.firstElementChild;
    for (const element of [...this.#rows.values()].flatMap(({ elements }) => elements))
      if (element === next) next = next.nextElementSibling;
      else this.#body.insertBefore(element, next);
  }

  async #purge(): Promise<void> {
    await this.refresh();
    const isMeant = await confirmed({
      title: 'Purge dead letters',
      text: `This removes all dead letters of this group for good, ${this.#total} at the moment. What they carried can't be replayed afterwards.`,
      yes: 'Purge all',
    });
    if (!isMeant) return;
    await this.#settings.act('purge');
    await this.refresh();
  }
}

function tableOf(body: HTMLElement): HTMLElement {
  const heads = ['Last failed', 'Event', 'Reason', 'Failed handlers', 'Error'].map((name) =>
    make('th', { scope: 'col' }, name),
  );
  const actions = make('th', { scope: 'col' }, make('span', { class: 'hidden' }, 'Actions'));
  return make('table', {}, make('thead', {}, make('tr', {}, ...heads, actions)), body);
}
