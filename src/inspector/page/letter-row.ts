import type { DeadLetterPayload, DeadLetterRow, Hello } from '../protocol.ts';
import { button, make } from './elements.ts';
import type { Session } from './session.ts';

export interface LetterSettings {
  readonly session: Session;
  readonly hello: Hello;
  readonly replay: (id: string) => Promise<void>;
}

/** One dead letter in the list: its row, and below it the one that unfolds. Made once, so both keep what they show. */
export class LetterRow {
  readonly elements: readonly HTMLTableRowElement[];
  readonly #letter: DeadLetterRow;
  readonly #settings: LetterSettings;
  readonly #details: HTMLTableRowElement;
  readonly #toggle: HTMLElement;

  constructor(letter: DeadLetterRow, settings: LetterSettings) {
    this.#letter = letter;
    this.#settings = settings;
    this.#details = make('tr', { id: `letter-${letter.id}`, class: 'details', hidden: true });
    this.#toggle = button('Details', () => this.#unfold(this.#details.hidden !== false), {
      'aria-expanded': 'false',
      'aria-controls': this.#details.id,
      'aria-label': `Details of ${letter.eventType} ${letter.eventId}`,
    });
    this.elements = [this.#row(), this.#details];
  }

  get hasFocus(): boolean {
    return this.elements.some((element) => element.contains(document.activeElement));
  }

  focus(): void {
    this.#toggle.focus();
  }

  remove(): void {
    for (const element of this.elements) element.remove();
  }

  #row(): HTMLTableRowElement {
    const { id, eventType, eventId, aggregateId, lastFailedAt, reason, ...letter } = this.#letter;
    const actions = [this.#toggle];
    if (this.#settings.hello.allowActions)
      actions.push(
        button('Replay', () => this.#settings.replay(id), { 'aria-label': `Replay ${eventType} ${eventId}` }),
      );
    const handlers = letter.handlers.map(({ name, attempts }) => make('div', {}, `${name} × ${attempts}`));
    const { name, message } = letter.error;
    return make(
      'tr',
      {},
      make('td', { class: 'time' }, timeElement(lastFailedAt)),
      make('th', { scope: 'row' }, eventType || 'unknown', make('small', {}, aggregateId)),
      make('td', {}, reason),
      make('td', {}, ...(handlers.length > 0 ? handlers : ['none ran'])),
      make('td', { class: 'error' }, make('strong', {}, name), ` ${message}`),
      make('td', {}, make('div', { class: 'actions' }, ...actions)),
    );
  }

  #unfold(isOpen: boolean): void {
    this.#details.hidden = !isOpen;
    this.#toggle.setAttribute('aria-expanded', String(isOpen));
    this.#details.replaceChildren(...(isOpen ? [this.#all()] : []));
  }

  #all(): HTMLElement {
    const { id, eventId, firstFailedAt, replayCount, destination, position, handlers, error } = this.#letter;
    const facts: [string, string][] = [
      ['Event id', eventId],
      ['Dead letter id', id],
      ['First failed', firstFailedAt],
      ['Replayed before', replayCount === 0 ? 'never' : `${replayCount} times`],
      ['Read from', `${destination} ${position}`.trim()],
      ...handlers.map(({ name, attempts, error: said }): [string, string] => [
        name,
        `${attempts} attempt${attempts === 1 ? '' : 's'}: ${said}`,
      ]),
    ];
    const list = make(
      'dl',
      {},
      ...facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]),
    );
    const { stack } = error;
    return make(
      'td',
      { colspan: '6' },
      list,
      ...(stack === undefined ? [] : block('Stack', stack)),
      this.#payload(),
    );
  }

  #payload(): HTMLElement {
    if (this.#settings.hello.payloads === 'none')
      return make(
        'p',
        { class: 'quiet' },
        "Payloads are left out. Start the inspector with payloads: 'redacted' or 'full' to see them.",
      );
    const problem = make('p', { class: 'problem', hidden: true });
    const show = button('Show payload', async () => {
      try {
        const { body, headers } = await this.#settings.session.read<DeadLetterPayload>(
          `/api/dead-letters/${encodeURIComponent(this.#letter.id)}`,
        );
        const hadFocus = document.activeElement === show;
        const shown = [...block('Payload', json(body)), ...block('Headers', json(headers))];
        place.replaceChildren(...shown);
        if (hadFocus) shown[1]?.focus();
      } catch (error) {
        problem.textContent = (error as Error).message;
        problem.hidden = false;
      }
    });
    const place = make('div', {}, show, problem);
    return place;
  }
}

const json = (value: unknown): string => JSON.stringify(value, null, 2);

const block = (name: string, text: string): HTMLElement[] => [
  make('h4', {}, name),
  make('pre', { tabindex: '0', 'aria-label': name }, text),
];

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
