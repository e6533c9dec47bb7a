/** What becomes of an event: a flaky one fails at its first attempt, a poisonous one at each until it is replayed. */
export type Fate = 'ok' | 'flaky' | 'poison';

/** What an event says of itself, in its text, to whoever handles it. */
export interface Foretold {
  readonly fate: Fate;
  /** How long its handler takes. */
  readonly ms: number;
}

export const foretell = ({ fate, ms }: Foretold): string => `${fate} ${ms}`;

/** Undefined where the text says nothing of the kind. */
export function foretold(text: string | undefined): Foretold | undefined {
  const groups = /^(?<fate>ok|flaky|poison) (?<ms>\d+)$/.exec(text ?? '')?.groups;
  return groups === undefined ? undefined : { fate: groups['fate'] as Fate, ms: Number(groups['ms']) };
}

export function mustFail(
  { fate }: Foretold,
  { attempt, headers }: { readonly attempt: number; readonly headers: Readonly<Record<string, string>> },
): boolean {
  return (
    (fate === 'flaky' && attempt === 1) || (fate === 'poison' && headers['x-replay-count'] === undefined)
  );
}
