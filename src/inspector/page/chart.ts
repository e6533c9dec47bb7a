import type { ActorKind } from '../protocol.ts';
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
    // Inline styles are not allowed here; its own comes as a file.
    svg.querySelector('style')?.remove();
    // The region around it says what is to be said.
    svg.setAttribute('aria-hidden', 'true');
    this.#place.replaceChildren(svg);
  }

  #light(): void {
    const active = new Set(this.#active);
    for (const element of this.#place.querySelectorAll<SVGElement>('[data-state]'))
      element.classList.toggle('active', active.has(element.dataset['state'] ?? ''));
  }
}

const shortNames = (ids: readonly string[]): string =>
  ids
    .map((id) => id.split('.').slice(1).join(' '))
    .filter(Boolean)
    .join(', ');
