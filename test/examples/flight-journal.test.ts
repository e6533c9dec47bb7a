import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Fact, FileJournal, JournalReader } from '../../examples/flights/journal.ts';

describe('a journal', () => {
  let path: string;
  let directory: string;
  let reader: JournalReader;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flight-journal-'));
    path = join(directory, 'journal');
    reader = await JournalReader.open(path);
  });
  afterEach(async () => {
    await reader.close();
    await rm(directory, { recursive: true });
  });

  async function read(): Promise<Fact[]> {
    const facts: Fact[] = [];
    await reader.read((fact) => facts.push(fact));
    return facts;
  }

  it('holds a fact as soon as appending it has settled', async () => {
    const journal = await FileJournal.open(path);
    await journal.append(['accepted', 'a']);
    expect(await read()).toEqual([['accepted', 'a']]);
    await Promise.all([journal.append(['accepted', 'b']), journal.append(['counted', 'c', 'ZÜR', 5])]);
    expect(await read()).toEqual([
      ['accepted', 'b'],
      ['counted', 'c', 'ZÜR', 5],
    ]);
    await journal.close();
  });

  it('keeps many facts appended at once, and those appended while others are being written', async () => {
    const journal = await FileJournal.open(path);
    const ids = Array.from({ length: 30_000 }, (_, index) => `event-${index}-${'x'.repeat(36)}`);
    const early = ids.slice(0, 20_000).map((id) => journal.append(['accepted', id]));
    await early[0];
    await Promise.all([...early, ...ids.slice(20_000).map((id) => journal.append(['accepted', id]))]);
    expect((await read()).map(([, id]) => id)).toEqual(ids);
    await journal.close();
  });

  it('does not tell of a line that its writer could not finish', async () => {
    await appendFile(path, '["accepted","whole"]\n["accepted","ha');
    expect(await read()).toEqual([['accepted', 'whole']]);
    expect(await read()).toEqual([]);
  });

  it('survives what a failed write left behind', async () => {
    await appendFile(path, '["accepted","ha');
    const journal = await FileJournal.open(path);
    await journal.append(['accepted', 'next']);
    await journal.close();
    expect(await read()).toEqual([['accepted', 'next']]);
  });
});
