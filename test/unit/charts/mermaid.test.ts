import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { chartOf, mermaidOf } from '../../../src/charts/index.ts';
import { parseMermaid } from '../../support/mermaid.ts';
import { stateless, vendingMachine } from '../../support/vending-machine.ts';

const text = mermaidOf(chartOf(vendingMachine));
const lines = text.split('\n').map((line) => line.trim());

describe('a chart in Mermaid', () => {
  it("is taken by Mermaid's own parser", async () => {
    await parseMermaid(text);
    await parseMermaid(mermaidOf(chartOf(stateless)));
    await expect(parseMermaid(`${text}  a -->`)).rejects.toThrow('Parse error');
  });

  it('nests states, sets regions apart, and marks where it begins and ends', () => {
    expect(text).toMatch(
      /state "cleaning" as vending_cleaning \{\s+state "water" as vending_cleaning_water \{/,
    );
    expect(text).toMatch(/\}\s+--\s+state "grounds"/);
    expect(lines).toContain('[*] --> vending_idle');
    expect(lines).toContain('vending_closed --> [*]');
  });

  it('labels a transition with its event and guard', () => {
    expect(lines).toContain('vending_idle --> vending_closed : after 100 ms [isEmpty]');
    expect(lines).toContain('vending_selling --> vending_idle : done<br>done brew [isWarm]');
  });

  it('draws one arrow to each target of a transition', () => {
    expect(lines).toContain('vending_idle --> vending_cleaning_water_hot : both');
    expect(lines).toContain('vending_idle --> vending_cleaning_grounds_full : with both');
  });

  it('writes into a state what it invokes and which transitions do not leave it', () => {
    expect(lines).toContain('vending_selling_brewing : always [isWarm]');
    expect(lines).toContain('vending_selling_anywhere : invoke till as cash');
  });

  it('starts a transition from a parent into itself at a box of its own, which Mermaid could not draw otherwise', () => {
    expect(lines).toContain('vending_selling_anywhere --> vending_selling_brewing : done cash');
  });

  it('keeps states apart whose ids differ in signs that Mermaid does not take', () => {
    const alike = createMachine({
      id: 'm',
      initial: 'a b',
      states: { 'a b': { on: { go: 'a-b' } }, 'a-b': {} },
    });
    const [, from, to] = /(\w+) --> (\w+) : go/.exec(mermaidOf(chartOf(alike))) ?? [];
    expect(from).toBeDefined();
    expect(from).not.toBe(to);
  });

  it('leaves actions to the tables', () => {
    expect(text).not.toMatch(/emit|raise|open/);
  });

  it('takes whatever events and states are called', async () => {
    const word = fc.oneof(
      fc.string({ minLength: 1, unit: 'grapheme' }),
      fc.constantFrom(
        'end',
        'state',
        'note',
        'class',
        'default',
        'direction TB',
        '[[fork]]',
        '<<choice>>',
        '%%',
        '-->',
        '::',
        '"',
      ),
    );
    const name = word.filter((one) => !/^[.#]|\.|^$|__proto__/.test(one) && one.trim() !== '');
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { minLength: 2, maxLength: 5 }), async (names) => {
        const states = Object.fromEntries(
          names.map((key, at) => [
            key,
            { id: `id ${at}`, on: { [key]: `#id ${(at + 1) % names.length}`, '*': {} } },
          ]),
        );
        await parseMermaid(mermaidOf(chartOf(createMachine({ id: names[0]!, initial: names[0]!, states }))));
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});
