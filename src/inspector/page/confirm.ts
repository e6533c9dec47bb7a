import { byId } from './elements.ts';

export interface Question {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
}

/** Asks before what can't be undone. Resolves with false on Cancel and Escape; the focus goes back to where it was. */
export function confirmed({ title, text, yes }: Question): Promise<boolean> {
  const dialog = byId('confirm') as HTMLDialogElement;
  byId('confirm-title').textContent = title;
  byId('confirm-text').textContent = text;
  byId('confirm-yes').textContent = yes;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true }),
  );
}
