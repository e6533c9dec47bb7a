import { expect, it } from 'vitest';

/** What the runner of seeded faults must not take for a test that notices one. */
it('fails whatever is seeded', () => expect(1).toBe(2));
