import type { ActorDetails, ActorRow, BusFacts, Happening, Hello } from '../protocol.ts';
import { Chart } from './chart.ts';
import { button, byId, clockTime, make, setText, setTone } from './elements.ts';
import type { Session } from './session.ts';

/** Numbers in what an actor knows change without its state. */
const LOOK_MS = 1000;

/** Whatever is in such a state can't be paused any more. */
const ENDING = /^(?:draining|stopped)/;

export interface ActorSettings {
  readonly session: Session;
  readonly act: (name: string, id?: string) => Promise<void>;
}

/** The chosen actor: its chart, what it knows, and what happened to it last. */
export class ActorView {
  readonly #settings: ActorSettings;
  readonly #chart: Chart;
  readonly #happened = byId('happened').querySelector('tbody') as HTMLElement;
  #row: ActorRow | undefined = undefined;
  #hello: Hello | undefined = undefined;
  #facts: BusFacts | undefined = undefined;
  #isLooking = false;
  #looksAgain = false;
  #newest = 0;

  constructor(settings: ActorSettings) {
    this.#settings = settings;
    this.#chart = new Chart(byId('chart'), settings.session);
    setInterval(() => void this.#look(), LOOK_MS);
  }

  start(hello: Hello): void {
    this.#hello = hello;
    if (this.#row !== undefined) this.show(this.#row);
  }

  /** Whether its consumer can be paused, or is, stands there. */
  told(facts: BusFacts): void {
    this.#facts = facts;
    if (this.#row !== undefined) this.#showActions(this.#row, false);
  }

  show(row: ActorRow): void {
    const isOther = row.id !== this.#row?.id;
    this.#row = row;
    setText(byId('actor-title'), row.name === row.kind ? row.name : `${row.name} (${row.kind})`);
    setText(byId('actor-state'), row.state);
    setTone(byId('actor-state'), row.tone);
    void this.#chart.show(row.kind, row.active, row.name);
    if (isOther) {
      this.#newest = Infinity;
      replaceIfOther(this.#happened, []);
      replaceIfOther(byId('context'), []);
    }
    this.#showActions(row, isOther);
    void this.#look();
  }

  #showActions(row: ActorRow, isOther: boolean): void {
    const place = byId('actor-actions');
    const action = this.#hello?.allowActions === true ? this.#actionOn(row) : undefined;
    if (action === undefined) {
      place.replaceChildren();
      return;
    }
    const { name, id } = action;
    if (!isOther && place.dataset['name'] === name && place.childElementCount > 0) return;
    const hadFocus = place.contains(document.activeElement);
    place.dataset['name'] = name;
    const label = `${name === 'pause' ? 'Pause' : 'Resume'} ${row.kind}`;
    const press = button(label, () => this.#settings.act(name, id));
    place.replaceChildren(press);
    if (hadFocus) press.focus();
  }

  #actionOn({ kind, state, id }: ActorRow): { readonly name: string; readonly id?: string } | undefined {
    const facts = this.#facts;
    if (facts === undefined || ENDING.test(facts.state) || ENDING.test(state)) return undefined;
    if (kind === 'subscription') return { name: state === 'paused' ? 'resume' : 'pause', id };
    if (kind !== 'consumer') return undefined;
    // Pausing the bus is pausing its consumer. It stays so while the connection is away, whatever its state is then.
    return { name: facts.isPaused ? 'resume' : 'pause' };
  }

  async #look(): Promise<void> {
    if (this.#row === undefined || document.hidden) return;
    // One question at a time; what changed meanwhile is asked for afterwards.
    this.#looksAgain = this.#isLooking;
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { id } = this.#row;
    try {
      const details = await this.#settings.session.read<ActorDetails>(
        `/api/actors/${encodeURIComponent(id)}`,
      );
      if (this.#row.id === id) this.#showDetails(details);
    } catch {
      // It has gone meanwhile, or the server has: the stream tells.
    }
    this.#isLooking = false;
    if (this.#looksAgain) void this.#look();
  }

  #showDetails({ context, happened }: ActorDetails): void {
    const known = context.flatMap(([name, value]) => [
      make('dt', {}, spaced(name)),
      make('dd', {}, value || '–'),
    ]);
    replaceIfOther(
      byId('context'),
      known.length > 0 ? known : [make('dd', { class: 'quiet' }, 'Nothing beside its state.')],
    );
    const rows = happened.map(rowOf);
    replaceIfOther(this.#happened, rows.length > 0 ? rows : [emptyRow()]);
    const fresh = happened.filter(({ at }) => at > this.#newest).flatMap(({ taken }) => taken);
    if (fresh.length > 0) this.#chart.flash(fresh);
    this.#newest = happened[0]?.at ?? 0;
  }
}

/** Leaves alone what is the same: a selection, a scroll position, whoever reads along. */
function replaceIfOther(place: HTMLElement, children: readonly HTMLElement[]): void {
  const text = children.map(({ textContent }) => textContent).join('\n');
  if (place.dataset['text'] === text) return;
  place.dataset['text'] = text;
  place.replaceChildren(...children);
}

const rowOf = ({ at, message, to, detail }: Happening): HTMLElement =>
  make(
    'tr',
    {},
    make('td', { class: 'time' }, clockTime(at)),
    make('th', { scope: 'row' }, message),
    make('td', {}, to.length === 0 ? '' : `→ ${to.join(', ')}`),
    make('td', { class: 'said', title: detail }, detail),
  );

const emptyRow = (): HTMLElement =>
  make('tr', {}, make('td', { colspan: '4', class: 'quiet' }, 'Nothing since the inspector was started.'));

/** `subscribeAttempts` → `subscribe attempts` */
const spaced = (name: string): string =>
  name.replace(/([a-z])([A-Z])/g, (_, end: string, begin: string) => `${end} ${begin.toLowerCase()}`);
