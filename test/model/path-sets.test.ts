import { describe, expect, it } from 'vitest';
import type { ModelEvent } from '../../src/testing/index.ts';
import { defaultPathSets } from '../../src/testing/model/path-sets.ts';
import { BusPaths, stateOfModel } from '../../src/testing/model/paths.ts';
import type { Promises } from '../../src/testing/model/messages.ts';

const KINDS = ['flaky', 'ok', 'poison'];
const promises: Promises = {
  maxAttempts: 2,
  isOrdered: true,
  keepsWhenAway: false,
  ordersReturned: false,
};

describe.each<[string, Promises]>([
  ['Redis', { ...promises, keepsWhenAway: true }],
  ['RabbitMQ', promises],
  ['Kafka', { ...promises, ordersReturned: true }],
])('what is walked on %s', (_, promised) => {
  const [set, ...others] = defaultPathSets(false, true);
  const paths = new BusPaths(promised, set!).covering();
  const steps = paths.flatMap(({ steps: taken }) => taken.slice(1));
  const publishes = steps.flatMap(({ event, state }) =>
    event.type === 'publish' ? [{ kind: event.kind, state: stateOfModel(state) }] : [],
  );

  it('is one set of paths, few enough to take seconds', () => {
    expect(others).toEqual([]);
    expect(paths.length).toBeGreaterThan(40);
    expect(paths.length).toBeLessThan(promised.keepsWhenAway ? 110 : 60);
  });

  it('publishes events that succeed, fail once and always, in every state that takes any', () => {
    const states = new Set(publishes.map(({ state }) => state));
    expect([...states].toSorted()).toEqual(
      [
        'absent',
        'away.absent',
        'away.connected',
        'away.consuming',
        'away.paused',
        'connected',
        'consuming',
        'draining',
        'paused',
        'stopping',
        // Elsewhere nothing is left to drain.
        ...(promised.keepsWhenAway ? ['away.draining', 'away.stopping'] : []),
      ].toSorted(),
    );
    for (const state of states) {
      const kinds = new Set(publishes.filter((one) => one.state === state).map(({ kind }) => kind));
      expect([...kinds].toSorted(), state).toEqual(KINDS);
    }
  });

  it('loses the connection and the consumer during each drain, and begins each while the connection is away', () => {
    const edges = paths.flatMap(({ steps: taken }) =>
      taken.slice(1).map(({ event, state }, at) => {
        const from = stateOfModel(taken[at]!.state);
        return `${from} ${event.type} ${stateOfModel(state)}`;
      }),
    );
    const { keepsWhenAway } = promised;
    const afterLoss = keepsWhenAway
      ? ['stopping connection.lost away.stopping', 'draining connection.lost away.draining']
      : ['stopping connection.lost away.connected', 'draining connection.lost away.absent'];
    const returns = [
      'away.stopping connection.returns stopping',
      'away.stopping connection.returns connected',
      'away.draining connection.returns draining',
      'away.draining connection.returns absent',
      'away.stopping timeout.expires away.connected',
      'away.draining timeout.expires away.absent',
      'away.consuming stopConsuming away.stopping',
      'away.consuming shutdown away.draining',
      'away.paused shutdown away.draining',
      'away.stopping shutdown away.draining',
    ];
    expect(edges).toEqual(
      expect.arrayContaining([
        ...afterLoss,
        'stopping consumer.crashes absent',
        'draining consumer.crashes absent',
        'away.consuming stopConsuming away.connected',
        'away.consuming shutdown away.absent',
        'away.paused shutdown away.absent',
        'away.connected shutdown away.absent',
        ...(keepsWhenAway ? returns : []),
      ]),
    );
  });

  it('takes every kind of step', () => {
    const taken = new Set(steps.map(({ event }) => event.type));
    const all: readonly ModelEvent['type'][] = [
      'backoff.elapses',
      'connection.lost',
      'connection.returns',
      'consumer.crashes',
      'handler.ends',
      'pause',
      'publish',
      'replay',
      'resume',
      'shutdown',
      'start',
      'stopConsuming',
      'timeout.expires',
    ];
    expect([...taken].toSorted()).toEqual(all);
  });
});
