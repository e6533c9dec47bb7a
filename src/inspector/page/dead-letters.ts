import type { DeadLetterPage, DeadLetterPayload, DeadLetterRow, Hello } from '../protocol.ts';
import { confirmed } from './confirm.ts';
import { button, byId, make, setText } from './elements.ts';
import type { Session } from './session.ts';

export interface LettersSettings {
  readonly session: Session;
  /** Does what a button asks for, and says what came of it. */
  readonly act: (name: string, id?: string) => Promise<void>;
}

/** The dead letters of the bus' group, oldest first. */
export class DeadLetters {
  readonly #settings: LettersSettings;
  readonly #place = byId('letters');
  readonly #body = make('tbody');
  readonly #more = button('Show more', () => this.#load(this.#rows.at(-1)?.cursor));
  /** What is unfolded, kept with the payload that it may show: the list is made anew whenever it changes. */
  readonly #opened = new Map<string, HTMLTableCellElement>();
  #rows: readonly DeadLetterRow[] = [];
  #total = 0;
  /** The number of the plots, which says when to look again. */
  #known: number | null | undefined = undefined;
  #hello: Hello | undefined = undefined;

  constructor(settings: LettersSettings) {
    this.#settings = settings;
  }

  start(hello: Hello): void {
    this.#hello = hello;
    const actions = [button('Refresh', () => this.refresh())];
    if (hello.allowActions)
      actions.push(
        button('Replay all', () => this.#settings.act('replay-all').then(() => this.refresh())),
        button('Purge…', () => this.#purge(), { class: 'danger' }),
      );
    byId('letters-actions').replaceChildren(...actions);
    void this.refresh();
  }

  /** What the broker said last of how many there are. */
  noted(count: number | null): void {
    if (count === null || count === this.#known) return;
    const isFirst = this.#known === undefined;
    this.#known = count;
    if (!isFirst && count !== this.#total) void this.refresh();
  }

  refresh(): Promise<void> {
    return this.#load(undefined);
  }

  async #load(after: string | undefined): Promise<void> {
    const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`;
    try {
      const page = await this.#settings.session.read<DeadLetterPage>(`/api/dead-letters${query}`);
      this.#total = page.total;
      this.#rows = after === undefined ? page.letters : [...this.#rows, ...page.letters];
      this.#show(page.hasMore);
    } catch (error) {
      this.#place.replaceChildren(make('p', { class: 'problem' }, `Not known: ${(error as Error).message}`));
      setText(byId('letters-count'), '?');
    }
  }

  #show(hasMore: boolean): void {
    setText(byId('letters-count'), String(this.#total));
    if (this.#rows.length === 0) {
      this.#place.replaceChildren(
        make('p', { class: 'quiet' }, 'None. Every delivery so far was handled, or is on its way.'),
      );
      return;
    }
    const focused = (document.activeElement as HTMLElement | null)?.dataset['key'];
    this.#body.replaceChildren(...this.#rows.flatMap((row) => this.#rowsOf(row)));
    const heads = ['Last failed', 'Event', 'Reason', 'Failed handlers', 'Error'].map((name) =>
      make('th', { scope: 'col' }, name),
    );
    const table = make(
      'table',
      {},
      make(
        'thead',
        {},
        make('tr', {}, ...heads, make('th', { scope: 'col' }, make('span', { class: 'hidden' }, 'Actions'))),
      ),
      this.#body,
    );
    this.#place.replaceChildren(table, ...(hasMore ? [this.#more] : []));
    if (focused !== undefined)
      this.#place.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  #rowsOf(row: DeadLetterRow): HTMLTableRowElement[] {
    const details = make('tr', {
      id: `letter-${row.id}`,
      class: 'details',
      hidden: !this.#opened.has(row.id),
    });
    const opened = this.#opened.get(row.id);
    if (opened !== undefined) details.append(opened);
    const toggle = button('Details', () => this.#toggle(row, toggle, details), {
      'aria-expanded': String(this.#opened.has(row.id)),
      'aria-controls': details.id,
      'aria-label': `Details of ${row.eventType} ${row.eventId}`,
      'data-key': `details ${row.id}`,
    });
    const actions = [toggle];
    if (this.#hello?.allowActions === true)
      actions.push(
        button('Replay', () => this.#settings.act('replay', row.id).then(() => this.refresh()), {
          'aria-label': `Replay ${row.eventType} ${row.eventId}`,
          'data-key': `replay ${row.id}`,
        }),
      );
    const handlers = row.handlers.map(({ name, attempts }) => make('div', {}, `${name} × ${attempts}`));
    const error = make('td', { class: 'error' }, make('strong', {}, row.error.name), ` ${row.error.message}`);
    return [
      make(
        'tr',
        {},
        make('td', { class: 'time' }, timeElement(row.lastFailedAt)),
        make('th', { scope: 'row' }, row.eventType || 'unknown', make('small', {}, row.aggregateId)),
        make('td', {}, row.reason),
        make('td', {}, ...(handlers.length > 0 ? handlers : ['none ran'])),
        error,
        make('td', {}, make('div', { class: 'actions' }, ...actions)),
      ),
      details,
    ];
  }

  #toggle(row: DeadLetterRow, toggle: HTMLElement, details: HTMLElement): void {
    const isOpen = details.hidden;
    details.hidden = !isOpen;
    toggle.setAttribute('aria-expanded', String(isOpen));
    if (!isOpen) this.#opened.delete(row.id);
    else {
      const opened = this.#detailsOf(row);
      this.#opened.set(row.id, opened);
      details.replaceChildren(opened);
    }
  }

  #detailsOf(row: DeadLetterRow): HTMLTableCellElement {
    const facts: [string, string][] = [
      ['Event id', row.eventId],
      ['Dead letter id', row.id],
      ['First failed', row.firstFailedAt],
      ['Replayed before', row.replayCount === 0 ? 'never' : `${row.replayCount} times`],
      ['Read from', `${row.destination} ${row.position}`.trim()],
      ...row.handlers.map(({ name, attempts, error }): [string, string] => [
        name,
        `${attempts} attempt${attempts === 1 ? '' : 's'}: ${error}`,
      ]),
    ];
    const list = make(
      'dl',
      {},
      ...facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]),
    );
    const { stack } = row.error;
    return make(
      'td',
      { colspan: '6' },
      list,
      ...(stack === undefined
        ? []
        : [make('h4', {}, 'Stack'), make('pre', { tabindex: '0', 'aria-label': 'Stack' }, stack)]),
      ...this.#payloadOf(row),
    );
  }

  #payloadOf({ id }: DeadLetterRow): Node[] {
    if (this.#hello?.payloads === 'none')
      return [
        make(
          'p',
          { class: 'quiet' },
          "Payloads are left out. Start the inspector with payloads: 'redacted' or 'full' to see them.",
        ),
      ];
    const place = make('div');
    const show = button('Show payload', async () => {
      try {
        const { body, headers } = await this.#settings.session.read<DeadLetterPayload>(
          `/api/dead-letters/${encodeURIComponent(id)}`,
        );
        const block = (name: string, value: unknown): HTMLElement[] => [
          make('h4', {}, name),
          make('pre', { tabindex: '0', 'aria-label': name }, JSON.stringify(value, null, 2)),
        ];
        place.replaceChildren(...block('Payload', body), ...block('Headers', headers));
      } catch (error) {
        place.replaceChildren(make('p', { class: 'problem' }, (error as Error).message));
      }
    });
    place.append(show);
    return [place];
  }

  async #purge(): Promise<void> {
    await this.refresh();
    const isMeant = await confirmed({
      title: 'Purge dead letters',
      text: `This removes all ${this.#total} dead letters of this group for good. What they carried can't be replayed afterwards.`,
      yes: `Purge ${this.#total}`,
    });
    if (!isMeant) return;
    await this.#settings.act('purge');
    await this.refresh();
  }
}

function timeElement(iso: string): HTMLElement {
  if (iso === '') return make('span', {}, 'unknown');
  const at = new Date(iso);
  const isToday = at.toDateString() === new Date().toDateString();
  return make(
    'time',
    { datetime: iso, title: iso },
    isToday ? at.toLocaleTimeString(undefined, { hour12: false }) : at.toLocaleString(),
  );
}
