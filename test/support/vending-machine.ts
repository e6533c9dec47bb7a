import {
  and,
  assign,
  createMachine,
  emit,
  fromPromise,
  log,
  not,
  or,
  raise,
  sendTo,
  setup,
  stateIn,
} from 'xstate';

const inlineBrewer = fromPromise(async function brew() {
  await Promise.resolve();
});

/** Of everything that a machine of XState can have, at least one; it is drawn and never run. */
export const vendingMachine = setup({
  actors: { till: fromPromise(() => Promise.resolve(1)) },
  guards: {
    isPaid: () => true,
    isWarm: () => true,
    isEmpty: () => false,
    isAtLeast: ({ event }, { count }: { count: number }) => event.type.length >= count,
  },
  actions: {
    open: () => undefined,
    show: ({ event }, { text }: { text: string }) => `${event.type}: ${text}`,
  },
  delays: { patience: 1000 },
}).createMachine({
  id: 'vending',
  description: 'Sells "coffee" <hot> & tea; {always}.',
  initial: 'idle',
  on: {
    '*': { actions: 'open' },
    'maintenance.*': '.closed',
    reset: { target: '#vending', reenter: true },
    forbidden: {},
  },
  states: {
    idle: {
      description: 'Waits for a customer.',
      tags: ['quiet', 'cheap'],
      entry: ['open', { type: 'show', params: { text: 'hello' } }],
      exit: [assign({}), function wave() {}, () => undefined],
      on: {
        'coin:in;now': {
          guard: and(['isPaid', not(or(['isEmpty', stateIn({ selling: 'brewing' })]))]),
          target: 'selling',
        },
        peek: [
          { guard: { type: 'isAtLeast', params: { count: 3 } }, actions: log('many') },
          { guard: ({ event }) => event.type === 'peek', actions: 'open' },
          {
            actions: [raise({ type: 'reset' }), emit({ type: 'peeked' }), sendTo('till', { type: 'count' })],
          },
        ],
        both: { target: ['cleaning.water.hot', 'cleaning.grounds.full'] },
        again: 'history',
        deeper: 'selling.deep',
      },
      after: { 100: { target: 'closed', guard: 'isEmpty' }, patience: { actions: 'open' } },
    },
    selling: {
      initial: 'brewing',
      invoke: [
        {
          src: 'till',
          id: 'cash',
          onDone: { target: '.brewing', reenter: true },
          onError: '#vending.closed',
        },
        { src: inlineBrewer, onDone: { guard: 'isWarm', target: 'idle' } },
      ],
      onDone: 'idle',
      states: {
        brewing: { always: [{ guard: 'isEmpty', target: '#out' }, { guard: 'isWarm' }] },
        served: { id: 'out', type: 'final' },
        deep: { type: 'history', history: 'deep' },
      },
    },
    history: { type: 'history', target: 'idle' },
    cleaning: {
      type: 'parallel',
      onDone: 'idle',
      states: {
        water: { initial: 'cold', states: { cold: { on: { heat: 'hot' } }, hot: {} } },
        grounds: { initial: 'full', states: { full: {}, 'end-state 1': { type: 'final' } } },
      },
    },
    closed: { type: 'final' },
  },
});

/** With neither states nor an id of its own. */
export const stateless = createMachine({ on: { ping: { actions: () => undefined } } });
