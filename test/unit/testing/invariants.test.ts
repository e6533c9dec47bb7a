import { describe, expect, it } from 'vitest';
import { breaches, type Allowance, type Ledger, type RecordedAttempt } from '../../../src/testing/index.ts';

const allowance: Allowance = { maxAttempts: 2, redeliveries: 0, isOrdered: true, givenUp: 0 };
const published = ['a1', 'a2', 'b1'].map((id) => ({ id, key: id.charAt(0) }));
const confirmed = new Set(published.map(({ id }) => id));

let moment = 0;
function attempt(id: string, overrides: Partial<RecordedAttempt> = {}): RecordedAttempt {
  return {
    id,
    key: id.charAt(0),
    type: 'T',
    attempt: 1,
    deliveryCount: 1,
    consumer: 'c',
    destination: 'd',
    group: 'g',
    subscription: 's',
    start: moment++,
    end: moment++,
    outcome: 'succeeded',
    ...overrides,
  };
}

function found(attempts: readonly RecordedAttempt[], ledger: Partial<Ledger> = {}, more = {}): string[] {
  const whole = { published, confirmed, attempts, deadLettered: new Set<string>(), ...ledger };
  return breaches(whole, { ...allowance, ...more });
}

const good = [
  attempt('a1'),
  attempt('b1', { outcome: 'failed' }),
  attempt('a2'),
  attempt('b1', { attempt: 2 }),
];

describe('the invariants of a ledger', () => {
  it('hold where everything went well, or ended as a dead letter', () => {
    expect(found(good)).toEqual([]);
    expect(found(good.slice(0, 3), { deadLettered: new Set(['b1']) })).toEqual([]);
    expect(found(good.slice(0, 3), {}, { givenUp: 1 })).toEqual([]);
  });

  it.each<[breach: RegExp, attempts: readonly RecordedAttempt[]]>([
    [/^I6: 1 confirmed events are lost/, good.slice(0, 3)],
    [/^I6: 1 events were handled that nobody published/, [...good, attempt('x1')]],
    [/^attempt 3 of at most 2/, [...good, attempt('b1', { attempt: 3 })]],
    [
      /^I3: a retry that nobody there had failed/,
      [...good, attempt('b1', { attempt: 2, consumer: 'other' })],
    ],
    [/^I4: a handler that had succeeded was run again/, [...good, attempt('a1', { attempt: 2 })]],
    [/^I2: 1 deliveries came again, where 0 may/, [...good, attempt('a1')]],
    [/^I5: started out of publish order/, [good[2], good[0], good[1], good[3]] as RecordedAttempt[]],
    [
      /^I5: two events of one key overlapped/,
      [attempt('a1', { start: 0, end: 9 }), attempt('a2', { start: 5, end: 6 }), attempt('b1')],
    ],
    [
      /^I5: two events of one key overlapped/,
      [attempt('a1', { end: undefined, outcome: 'succeeded' }), attempt('a2'), attempt('b1')],
    ],
  ])('tell of %s', (breach, attempts) => {
    expect(found(attempts).find((problem) => breach.test(problem))).toBeDefined();
  });

  it('allow events of one key to overlap in two consumers, and in two handlers of one event', () => {
    const overlapping = [
      attempt('a1', { start: 0, end: 9 }),
      attempt('a1', { start: 1, end: 8, subscription: 'other' }),
      attempt('a2', { start: 2, end: 3, consumer: 'other' }),
      attempt('b1'),
    ];
    expect(found(overlapping)).toEqual([]);
  });
});
