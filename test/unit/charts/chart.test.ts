import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { activeStates, chartOf } from '../../../src/charts/index.ts';
import { handlerMachine } from '../../../machines/index.ts';
import { stateless, vendingMachine } from '../../support/vending-machine.ts';

const chart = chartOf(vendingMachine);
const state = (id: string) => chart.states.find((one) => one.id === id);
const from = (source: string) => chart.transitions.filter((one) => one.source === source);
const on = (source: string, label: string) => from(source).filter((one) => one.label === label);

describe('the chart of a machine', () => {
  it('says what the machine is', () => {
    expect(chart).toMatchObject({ id: 'vending', description: 'Sells "coffee" <hot> & tea; {always}.' });
  });

  it('has every state by the id that XState gives it, parents before children', () => {
    const ids = chart.states.map(({ id }) => id);
    expect(ids[0]).toBe('vending');
    expect(ids).toContain('out');
    expect(ids).toContain('vending.cleaning.grounds.end-state 1');
    for (const { id, parent } of chart.states.slice(1))
      expect(ids.slice(0, ids.indexOf(id))).toContain(parent);
  });

  it('tells the kinds of states apart', () => {
    expect(state('vending')).toMatchObject({ type: 'compound', parent: undefined, initial: 'vending.idle' });
    expect(state('vending.idle')).toMatchObject({
      type: 'atomic',
      initial: undefined,
      tags: ['quiet', 'cheap'],
    });
    expect(state('vending.cleaning')).toMatchObject({ type: 'parallel', initial: undefined });
    expect(state('out')).toMatchObject({ type: 'final', key: 'served', parent: 'vending.selling' });
  });

  it('shows where a history state leads at first, and how much it remembers', () => {
    expect(state('vending.history')).toMatchObject({ history: 'shallow', initial: 'vending.idle' });
    expect(state('vending.selling.deep')).toMatchObject({
      history: 'deep',
      initial: 'vending.selling.brewing',
    });
  });

  it('names actions, inline ones too, and leaves out the timers that XState adds to them', () => {
    expect(state('vending.idle')!.entry).toEqual(['open', 'show(text: hello)']);
    expect(state('vending.idle')!.exit).toEqual(['assign', 'wave', '(inline)']);
    expect(on('vending.idle', 'peek')[2]!.actions).toEqual([
      'raise reset',
      'emit peeked',
      'send count to till',
    ]);
  });

  it('names what is invoked, inline logic by its function', () => {
    expect(state('vending.selling')!.invokes).toEqual(['till as cash', 'brew']);
  });

  it('spells composed guards out', () => {
    expect(on('vending.idle', 'coin:in;now')[0]!.guard).toBe(
      'isPaid and not (isEmpty or in {"selling":"brewing"})',
    );
  });

  it('tells guards apart that differ in their parameters, and shows an inline one', () => {
    expect(on('vending.idle', 'peek').map(({ guard }) => guard?.replaceAll(/[\s']/g, ''))).toEqual([
      'isAtLeast(count:3)',
      'event.type==="peek"',
      undefined,
    ]);
  });

  it.each([
    ['vending', '*', 'event'],
    ['vending', 'maintenance.*', 'event'],
    ['vending.idle', 'after 100 ms', 'after'],
    ['vending.idle', 'after patience', 'after'],
    ['vending.selling', 'done', 'done'],
    ['vending.selling', 'done cash', 'done'],
    ['vending.selling', 'error cash', 'error'],
    ['vending.selling', 'done brew', 'done'],
    ['vending.selling.brewing', 'always', 'always'],
    ['vending.cleaning', 'done', 'done'],
  ])('reads what %s waits for: %s', (source, label, trigger) => {
    expect(on(source, label)[0]).toMatchObject({ trigger });
  });

  it('tells where a transition leads: to one state, to several, or nowhere', () => {
    expect(on('vending.idle', 'both')[0]!.targets).toEqual([
      'vending.cleaning.water.hot',
      'vending.cleaning.grounds.full',
    ]);
    expect(on('vending.selling.brewing', 'always').map(({ targets }) => targets)).toEqual([['out'], []]);
    expect(on('vending', 'forbidden')[0]).toMatchObject({ targets: [], actions: [] });
  });

  it('tells which transitions leave and enter their source', () => {
    expect(on('vending', 'reset')[0]!.isReentering).toBe(true);
    expect(on('vending', 'maintenance.*')[0]!.isReentering).toBe(false);
  });

  it('gives every transition an id of its own', () => {
    const ids = chart.transitions.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('can be read of a machine without states', () => {
    expect(chartOf(stateless)).toMatchObject({
      states: [{ type: 'atomic', parent: undefined }],
      transitions: [{ label: 'ping', targets: [] }],
    });
  });
});

describe('the active states', () => {
  it('are the root, and every parent with its child', () => {
    expect(activeStates(chart, 'idle')).toEqual(['vending', 'vending.idle']);
    expect(activeStates(chart, { selling: 'served' })).toEqual(['vending', 'vending.selling', 'out']);
  });

  it('are several where regions are parallel', () => {
    expect(activeStates(chart, { cleaning: { water: 'hot', grounds: 'full' } })).toEqual([
      'vending',
      'vending.cleaning',
      'vending.cleaning.water',
      'vending.cleaning.water.hot',
      'vending.cleaning.grounds',
      'vending.cleaning.grounds.full',
    ]);
  });

  it('are the root alone for a machine without states', () => {
    const actor = createActor(stateless);
    expect(activeStates(chartOf(stateless), actor.getSnapshot().value)).toEqual([stateless.root.id]);
  });

  it('leave out what the chart has not', () => {
    expect(activeStates(chartOf(handlerMachine), { elsewhere: 'nowhere' })).toEqual(['handler']);
  });
});
