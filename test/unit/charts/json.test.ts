import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { chartOf, jsonOf } from '../../../src/charts/index.ts';
import { machines, printed } from '../../../src/cli/machines.ts';
import { vendingMachine } from '../../support/vending-machine.ts';

describe.each([...machines, ['vending', vendingMachine] as const])('%s as JSON', (_, machine) => {
  const config = JSON.parse(jsonOf(machine)) as Parameters<typeof createMachine>[0];

  it('makes a machine of the same chart again', () => {
    const again = chartOf(createMachine(config));
    const chart = chartOf(machine);
    expect(again.states).toEqual(chart.states);
    expect(again.transitions).toEqual(chart.transitions);
    expect(again.description).toBe(chart.description);
  });
});

describe('what is printed as JSON', () => {
  const names = [...machines.keys()];

  it('is one value: of several machines an object with each by its name', async () => {
    const all = JSON.parse(await printed(names, 'json')) as Record<string, unknown>;
    expect(Object.keys(all)).toEqual(names);
    for (const [name, machine] of machines) expect(all[name]).toEqual(JSON.parse(jsonOf(machine)));
  });

  it('of one machine is that alone, as the editor of Stately takes it', async () => {
    expect(JSON.parse(await printed(['bus'], 'json'))).toMatchObject({ id: 'bus', states: {} });
  });
});

it('names every action and guard as an object with its type', () => {
  expect(JSON.parse(jsonOf(vendingMachine))).toMatchObject({
    on: { '*': { actions: [{ type: 'open' }] }, forbidden: {} },
    states: {
      idle: {
        entry: [{ type: 'open' }, { type: 'show', params: { text: 'hello' } }],
        on: { peek: [{ guard: { type: 'isAtLeast', params: { count: 3 } } }, {}, {}] },
      },
      selling: { invoke: [{ src: 'till', id: 'cash' }, { src: 'brew' }] },
    },
  });
});
