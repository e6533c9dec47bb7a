import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { covered } from './covered.ts';

it('docs/testing.md says how many states and transitions the machines have that are covered', () => {
  const page = readFileSync(new URL('../../docs/testing.md', import.meta.url), 'utf8');
  const said = /all (?<states>\d+) states and (?<transitions>\d+) transitions/.exec(page)?.groups;
  const { states, transitions } = covered().total;
  expect({ ...said }).toEqual({ states: String(states), transitions: String(transitions) });
});
