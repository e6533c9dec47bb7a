import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { filled, pages } from '../../scripts/readme.ts';

it.each(pages)(
  '%s shows the examples as they are (node --import tsx scripts/readme.ts fills them in)',
  (page) => {
    const text = readFileSync(page, 'utf8');
    expect(text).toBe(filled(page));
    // A place that the script doesn't find stays as it is: empty.
    expect(text).not.toMatch(/```ts\s*```/);
  },
);
