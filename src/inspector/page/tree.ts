import type { ActorKind, ActorRow } from '../protocol.ts';
import { make, setText, setTone } from './elements.ts';

/** Of siblings, what an operator looks for first. */
const ORDER: readonly ActorKind[] = [
  'connection',
  'consumer',
  'subscription',
  'handler',
  'deliveries',
  'delivery',
];

interface Item {
  row: ActorRow;
  /** The list item that holds it and those below it. */
  readonly place: HTMLLIElement;
  /** What has the focus and is read out. */
  readonly element: HTMLElement;
  readonly name: HTMLElement;
  readonly state: HTMLElement;
  group: HTMLUListElement | undefined;
}

/** The live actors. One item has the focus; arrows move it, as in every tree. */
export class Tree {
  readonly #root: HTMLElement;
  readonly #choose: (id: string) => void;
  readonly #items = new Map<string, Item>();
  #chosen: string | undefined = undefined;

  constructor(root: HTMLElement, choose: (id: string) => void) {
    this.#root = root;
    this.#choose = choose;
    root.addEventListener('click', (event) => this.#clicked(event));
    root.addEventListener('keydown', (event) => this.#pressed(event));
  }

  get chosen(): ActorRow | undefined {
    return this.#chosen === undefined ? undefined : this.#items.get(this.#chosen)?.row;
  }

  get rows(): readonly ActorRow[] {
    return [...this.#items.values()].map(({ row }) => row);
  }

  update(rows: readonly ActorRow[], gone: readonly string[]): void {
    // Parents first: sessions are numbered in the order in which actors were made.
    const sorted = rows.toSorted((one, other) => numberOf(one) - numberOf(other));
    for (const row of sorted) this.#show(row);
    for (const id of gone) this.#remove(id);
    if (this.chosen === undefined) this.#fallBack();
    // After a new connection its element is a new one.
    else if (this.#root.querySelector('[aria-selected=true]') === null) this.choose(this.chosen.id);
  }

  clear(): void {
    this.#items.clear();
    this.#root.replaceChildren();
  }

  choose(id: string): void {
    const item = this.#items.get(id);
    if (item === undefined) return;
    const before = this.#chosen === undefined ? undefined : this.#items.get(this.#chosen);
    before?.element.setAttribute('aria-selected', 'false');
    before?.element.setAttribute('tabindex', '-1');
    item.element.setAttribute('aria-selected', 'true');
    item.element.setAttribute('tabindex', '0');
    this.#chosen = id;
    this.#choose(id);
  }

  #show(row: ActorRow): void {
    const item = this.#items.get(row.id) ?? this.#add(row);
    item.row = row;
    setText(item.name, row.name);
    setText(item.state, row.state);
    setTone(item.state, row.tone);
  }

  #add(row: ActorRow): Item {
    const name = make('span', { class: 'name' });
    const state = make('span', { class: 'state' });
    const element = make(
      'div',
      { role: 'treeitem', class: 'row', 'aria-selected': 'false', tabindex: '-1', 'data-id': row.id },
      make('span', { class: 'twisty', 'aria-hidden': 'true' }),
      name,
      ' ',
      state,
    );
    const place = make('li', { role: 'none', 'data-kind': row.kind }, element);
    const item: Item = { row, place, element, name, state, group: undefined };
    this.#items.set(row.id, item);
    const siblings = this.#groupOf(row.parent);
    const next = [...siblings.children].find(
      (other) => ORDER.indexOf((other as HTMLElement).dataset['kind'] as ActorKind) > ORDER.indexOf(row.kind),
    );
    siblings.insertBefore(place, next ?? null);
    return item;
  }

  #groupOf(parent: string | undefined): HTMLElement {
    const item = parent === undefined ? undefined : this.#items.get(parent);
    if (item === undefined) return this.#root;
    if (item.group === undefined) {
      item.group = make('ul', { role: 'group', id: `below-${item.row.id}` });
      item.place.append(item.group);
      item.element.setAttribute('aria-owns', item.group.id);
      // In a bad hour there are hundreds of them.
      item.element.setAttribute('aria-expanded', String(item.row.kind !== 'deliveries'));
    }
    return item.group;
  }

  #remove(id: string): void {
    const item = this.#items.get(id);
    if (item === undefined) return;
    const hadFocus = item.place.contains(document.activeElement);
    const parent = item.row.parent === undefined ? undefined : this.#items.get(item.row.parent);
    item.place.remove();
    this.#items.delete(id);
    if (parent?.group?.childElementCount === 0) {
      parent.group.remove();
      parent.group = undefined;
      parent.element.removeAttribute('aria-expanded');
      parent.element.removeAttribute('aria-owns');
    }
    if (this.#chosen !== id) return;
    if (parent === undefined) this.#chosen = undefined;
    else this.choose(parent.row.id);
    if (hadFocus) parent?.element.focus();
  }

  #fallBack(): void {
    const first = this.rows.find(({ parent }) => parent === undefined || !this.#items.has(parent));
    if (first !== undefined) this.choose(first.id);
  }

  #clicked(event: Event): void {
    const element = (event.target as Element).closest<HTMLElement>('[role=treeitem]');
    if (element === null) return;
    if ((event.target as Element).classList.contains('twisty')) toggle(element);
    this.choose(element.dataset['id'] ?? '');
    element.focus();
  }

  #pressed(event: KeyboardEvent): void {
    const visible = [...this.#root.querySelectorAll<HTMLElement>('[role=treeitem]')].filter(
      (element) => element.offsetParent !== null,
    );
    const at = visible.findIndex((element) => element === document.activeElement);
    const current = visible[at];
    if (current === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const target = this.#targetOf(event.key, visible, at);
    if (target === undefined) return;
    event.preventDefault();
    if (target === null) return;
    this.choose(target.dataset['id'] ?? '');
    target.focus();
  }

  /** Null for a key that was taken and moves nothing. */
  #targetOf(key: string, visible: readonly HTMLElement[], at: number): HTMLElement | null | undefined {
    const current = visible[at] as HTMLElement;
    const expanded = current.getAttribute('aria-expanded');
    const expand = (isExpanded: boolean): null => {
      current.setAttribute('aria-expanded', String(isExpanded));
      return null;
    };
    switch (key) {
      case 'ArrowDown':
        return visible[at + 1] ?? null;
      case 'ArrowUp':
        return visible[at - 1] ?? null;
      case 'Home':
        return visible[0] ?? null;
      case 'End':
        return visible.at(-1) ?? null;
      case 'ArrowRight':
        if (expanded === 'false') return expand(true);
        return expanded === 'true' ? (visible[at + 1] ?? null) : null;
      case 'ArrowLeft':
        if (expanded === 'true') return expand(false);
        return parentOf(current);
      case 'Enter':
      case ' ':
        return current;
      default:
        return undefined;
    }
  }
}

function parentOf(element: HTMLElement): HTMLElement | null {
  const group = element.closest('[role=group]');
  return group?.parentElement?.querySelector<HTMLElement>(':scope > [role=treeitem]') ?? null;
}

function toggle(element: HTMLElement): void {
  const expanded = element.getAttribute('aria-expanded');
  if (expanded !== null) element.setAttribute('aria-expanded', String(expanded === 'false'));
}

const numberOf = ({ id }: ActorRow): number => Number(id.split(':').at(-1));
