/** The element of the page with that id. @throws {Error} when index.html has none. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no #${id}.`);
  return element;
}

type Child = Node | string;

/** Makes an element; attributes that are undefined or false are left out. Text is never taken for markup. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | boolean | undefined>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) element.setAttribute(key, value === true ? '' : value);
  element.append(...children);
  return element;
}

/** A button that can't be pressed again before what it does has ended. */
export function button(
  label: string,
  press: () => unknown,
  attributes: Readonly<Record<string, string>> = {},
): HTMLButtonElement {
  const element = make('button', { type: 'button', ...attributes }, label);
  element.addEventListener('click', () => {
    // Not `disabled`: that would take the focus away.
    if (element.getAttribute('aria-disabled') === 'true') return;
    element.setAttribute('aria-disabled', 'true');
    void Promise.resolve(press()).finally(() => element.removeAttribute('aria-disabled'));
  });
  return element;
}

/** Sets text only where it differs: whoever reads along isn't told the same again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setTone(element: HTMLElement, tone: string): void {
  if (element.dataset['tone'] !== tone) element.dataset['tone'] = tone;
}

const time = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
});
const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export const clockTime = (at: number): string => time.format(at);
export const numeral = (value: number): string => number.format(value);
