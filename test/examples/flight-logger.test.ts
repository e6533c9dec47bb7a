import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { logger } from '../../examples/flights/logger.ts';

describe('the logger of the flights example', () => {
  const printed: unknown[] = [];
  beforeEach(() => {
    printed.length = 0;
    vi.spyOn(console, 'error').mockImplementation((line) => printed.push(line));
  });
  afterEach(() => vi.restoreAllMocks());

  it('tells in one short line what was taken over from a killed worker', () => {
    const detail = 'taken over on events:stream';
    logger.warn({ kind: 'claimed', count: 128, detail }, detail);
    expect(printed).toEqual(['buschart: took over 128 event(s) of another worker']);
  });

  it('says nothing of a single event, and all of anything else', () => {
    logger.warn({ eventId: 'a' }, 'An attempt failed.');
    logger.warn({ kind: 'trimmed', count: 2 }, 'Entries are lost.');
    expect(printed).toEqual(["buschart: Entries are lost. { kind: 'trimmed', count: 2 }"]);
  });
});
