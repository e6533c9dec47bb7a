import type { DeadLetterStore, StoredDeadLetter } from '../../src/contracts/transport.ts';

/** All that a store has for a group, in one list. */
export async function browsed(
  store: Pick<DeadLetterStore, 'browse'>,
  group: string,
  after?: string,
): Promise<StoredDeadLetter[]> {
  const letters: StoredDeadLetter[] = [];
  for await (const page of store.browse({ group, after })) letters.push(...page);
  return letters;
}
