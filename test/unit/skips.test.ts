import { describe, expect, it } from 'vitest';
import { judgeSkips } from '../support/skips.ts';

const run = { isComplete: true, notTested: [], ran: () => true };
const id = 'test/unit/a.test.ts > a suite > a test';

describe('the allow-list of skipped tests', () => {
  it('fails a run with a skip that is not on it', () => {
    expect(judgeSkips([{ id }], {}, run).problems).toEqual([`Skipped, but not in test/skips.json: ${id}`]);
  });

  it('lets one pass that is on it, and tells its reason', () => {
    const report = judgeSkips([{ id }], { [id]: 'because' }, run);
    expect(report.problems).toEqual([]);
    expect(report.allowed).toEqual([{ id, reason: 'because' }]);
  });

  it('wants a reason', () => {
    expect(judgeSkips([{ id }], { [id]: ' ' }, run).problems).toHaveLength(1);
  });

  it('fails a run when an entry is no longer skipped, or its file is gone', () => {
    expect(judgeSkips([], { [id]: 'because' }, run).problems).toHaveLength(1);
    expect(judgeSkips([], { [id]: 'because' }, { ...run, ran: () => undefined }).problems).toHaveLength(1);
  });

  it('says nothing of entries whose file did not take part', () => {
    expect(judgeSkips([], { [id]: 'because' }, { ...run, ran: () => false }).problems).toEqual([]);
  });

  it('says nothing when tests were picked by name, which skips the rest', () => {
    expect(judgeSkips([{ id }], {}, { ...run, isComplete: false }).problems).toEqual([]);
  });

  it('counts the tests of a transport whose broker is not here instead of failing', () => {
    const skipped = [
      { id: 'test/fault/redis-kill.test.ts > x' },
      { id: 'test/conformance/redis.test.ts > y' },
    ];
    const report = judgeSkips(skipped, {}, { ...run, notTested: [{ broker: 'redis', why: 'none' }] });
    expect(report.problems).toEqual([]);
    expect(report.notTested.get('redis')).toBe(2);
  });

  it('still fails other skips then', () => {
    const report = judgeSkips([{ id }], {}, { ...run, notTested: [{ broker: 'redis', why: 'none' }] });
    expect(report.problems).toHaveLength(1);
  });
});
