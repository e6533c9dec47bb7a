import type { ActorKind } from '../protocol.ts';
import { byId } from './elements.ts';
import type { Session } from './session.ts';

/** How long a transition stays lit. */
const LIT_MS = 1500;

/** The statechart of one actor, drawn by the server, with the active states lit. */
export class Chart {
  readonly #place: HTMLElement;
  readonly #session: Session;
  /** Drawn once each; an actor's states change and its chart doesn't. */
  readonly #drawings = new Map<ActorKind, Promise<string>>();
  #kind: ActorKind | undefined = undefined;
  #active: readonly string[] = [];
  #fading: number | undefined = undefined;

  constructor(place: HTMLElement, session: Session) {
    this.#place = place;
    const whole = byId('whole');
    whole.addEventListener('click', () => {
      const isWhole = place.classList.toggle('whole');
      whole.setAttribute('aria-pressed', String(isWhole));
      this.#light();
    });
    this.#session = session;
  }

  async show(kind: ActorKind, active: readonly string[], called: string): Promise<void> {
    this.#active = active;
    if (kind !== this.#kind) {
      this.#kind = kind;
      await this.#draw(kind);
    }
    this.#light();
    this.#place.setAttribute('aria-label', `Statechart of ${called}, active: ${shortNames(active)}`);
  }

  /** Shows which way a state was come by. */
  flash(transitions: readonly string[]): void {
    clearTimeout(this.#fading);
    const wanted = new Set(transitions);
    for (const element of this.#place.querySelectorAll<SVGElement>('[data-transition]'))
      element.classList.toggle('taken', wanted.has(element.dataset['transition'] ?? ''));
    if (transitions.length > 0) this.#fading = setTimeout(() => this.flash([]), LIT_MS);
  }

  async #draw(kind: ActorKind): Promise<void> {
    let drawing = this.#drawings.get(kind);
    if (drawing === undefined) {
      drawing = this.#session.request(`/chart-${kind}.svg`).then((response) => response.text());
      this.#drawings.set(kind, drawing);
    }
    let text: string;
    try {
      text = await drawing;
    } catch (error) {
      // Asked for again when such an actor is chosen again.
      this.#drawings.delete(kind);
      if (this.#kind !== kind) return;
      this.#place.replaceChildren(`This chart can't be drawn: ${(error as Error).message}`);
      return;
    }
    // Another actor may have been chosen meanwhile.
    if (this.#kind !== kind) return;
    const svg = document.importNode(
      new DOMParser().parseFromString(text, 'image/svg+xml').documentElement,
      true,
    );
    // The region around it says what is to be said.
    svg.setAttribute('aria-hidden', 'true');
    this.#place.replaceChildren(svg);
  }

  #light(): void {
    const active = new Set(this.#active);
    for (const element of this.#place.querySelectorAll<SVGElement>('[data-state]'))
      element.classList.toggle('active', active.has(element.dataset['state'] ?? ''));
    this.#reveal(this.#active.at(-1));
  }

  /** A large chart is scrolled to where it's lit; the page itself stays where it is. */
  #reveal(state: string | undefined): void {
    const element = this.#place.querySelector(`[data-state="${CSS.escape(state ?? '')}"] > .box`);
    if (element === null) return;
    const place = this.#place.getBoundingClientRect();
    const box = element.getBoundingClientRect();
    const isInside =
      box.left >= place.left &&
      box.right <= place.right &&
      box.top >= place.top &&
      box.bottom <= place.bottom;
    if (isInside) return;
    const behavior = matchMedia('(prefers-reduced-motion: reduce)').matches ? 'instant' : 'smooth';
    const left = box.left + box.width / 2 - (place.left + place.width / 2);
    const top = box.top + box.height / 2 - (place.top + place.height / 2);
    this.#place.scrollBy({ left, top, behavior });
  }
}

const shortNames = (ids: readonly string[]): string =>
  ids
    .map((id) => id.split('.').slice(1).join(' '))
    .filter(Boolean)
    .join(', ');
