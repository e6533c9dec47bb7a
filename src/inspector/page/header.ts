import type { BusFacts, Hello } from '../protocol.ts';
import { button, byId, setText, setTone } from './elements.ts';

/** The bus as a whole, and what the page has to say. */
export class Header {
  readonly #act: (name: string) => Promise<void>;
  #hello: Hello | undefined = undefined;
  #facts: BusFacts | undefined = undefined;

  constructor(act: (name: string) => Promise<void>) {
    this.#act = act;
  }

  start(hello: Hello): void {
    this.#hello = hello;
    this.#showActions();
  }

  show(facts: BusFacts): void {
    const before = this.#facts;
    this.#facts = facts;
    const state = byId('bus-state');
    setText(state, facts.isPaused && facts.state === 'consuming' ? 'paused' : facts.state);
    setTone(state, facts.isPaused && facts.state === 'consuming' ? 'busy' : facts.tone);
    const group = facts.group === '' ? '' : `, group ${facts.group}`;
    setText(byId('bus-place'), `${facts.destination}${group}`);
    document.title = `${facts.state} · ${facts.destination} · Buschart`;
    const problem = byId('problem');
    const problems = [...facts.reasons, ...(facts.problem === undefined ? [] : [facts.problem])];
    const isOver = facts.state === 'stopped';
    problem.hidden = problems.length === 0 && !isOver;
    setText(
      problem,
      isOver
        ? 'The bus has stopped. What is shown is its end.'
        : `${[...new Set(problems)].map(capital).join('. ')}.`,
    );
    if (before !== undefined && before.state !== facts.state) this.say(`The bus is ${facts.state}.`);
    if (before?.isPaused !== facts.isPaused || before.state !== facts.state) this.#showActions();
  }

  /** Says it to everybody, those who listen included. */
  say(text: string, isProblem = false): void {
    const notice = byId('notice');
    notice.textContent = text;
    notice.classList.toggle('bad', isProblem);
  }

  link(isOpen: boolean): void {
    const link = byId('link');
    if (link.hidden === isOpen) return;
    link.hidden = isOpen;
    setText(link, isOpen ? '' : 'No connection to the process; trying again.');
    document.body.classList.toggle('stale', !isOpen);
  }

  #showActions(): void {
    if (this.#hello === undefined || this.#facts === undefined) return;
    const place = byId('bus-actions');
    const { isPaused, state } = this.#facts;
    if (!this.#hello.allowActions) {
      place.replaceChildren('read-only');
      return;
    }
    if (state === 'stopped' || state === 'draining') {
      place.replaceChildren();
      return;
    }
    const hadFocus = place.contains(document.activeElement);
    const name = isPaused ? 'resume' : 'pause';
    const press = button(isPaused ? 'Resume bus' : 'Pause bus', () => this.#act(name));
    place.replaceChildren(press);
    if (hadFocus) press.focus();
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, '');
