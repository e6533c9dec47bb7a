import { describe, expect, it } from 'vitest';
import { readRows } from '../../examples/flights/input.ts';
import { checkRecords } from '../../examples/flights/records.ts';

const complete = { date: '2001/01/01 00:47', delay: 66, distance: 1750, origin: 'DTW', destination: 'LAS' };

describe('flight records', () => {
  it('are numbered from 1, with times read as UTC', () => {
    expect(checkRecords([complete])).toEqual([
      { ...complete, row: 1, date: new Date('2001-01-01T00:47:00Z') },
    ]);
  });

  it('may hold dates and 64-bit integers, as parquet has them', () => {
    const row = { ...complete, date: new Date('2001-01-01T00:47:00Z'), delay: 66n, distance: 1750n };
    expect(checkRecords([row])).toEqual(checkRecords([complete]));
  });

  it.each([
    ['no origin', { ...complete, origin: undefined }, 'row 2: origin is missing'],
    ['an empty origin', { ...complete, origin: '' }, 'row 2: origin is missing'],
    ['no destination', { ...complete, destination: null }, 'row 2: destination is missing'],
    [
      'neither',
      { ...complete, origin: undefined, destination: undefined },
      'row 2: origin is missing, destination is missing',
    ],
    [
      'a delay that is no number',
      { ...complete, delay: 'late' },
      "row 2: delay must be a whole number, not 'late'",
    ],
    [
      'a time that is none',
      { ...complete, date: '2001/13/01 00:47' },
      "row 2: date must be a time such as 2001/01/01 00:47, not '2001/13/01 00:47'",
    ],
    [
      'an origin that is a number',
      { ...complete, origin: 7n },
      'row 2: origin must be an airport code, not 7n',
    ],
    ['no delay', { ...complete, delay: null }, 'row 2: delay is missing'],
    ['something else than an object', 7, 'row 2: is not an object'],
    ['nothing', null, 'row 2: is not an object'],
  ])('with %s are refused by row number', (_, row, message) => {
    expect(() => checkRecords([complete, row, complete])).toThrow(message);
  });

  it('are all checked, but only the first ten broken ones are shown', () => {
    const broken = Array.from({ length: 34 }, () => ({}));
    expect(() => checkRecords(broken)).toThrow(/34 of 34 records[^]*row 10:[^]*and 24 more/);
  });
});

describe('the input', () => {
  it('is found in the vega-datasets package by its name', async () => {
    expect(await readRows('flights-10k.json', 1)).toEqual([complete]);
  });

  it('may be parquet, of which only the rows asked for are read', async () => {
    const records = checkRecords(await readRows('flights-3m.parquet', 3));
    expect(records.map(({ origin, destination }) => `${origin}-${destination}`)).toEqual([
      'LAS-PHL',
      'ATL-SAV',
      'MCI-MDW',
    ]);
  });

  it('that is nowhere is named, with what would do', async () => {
    await expect(readRows('no-such-file.json')).rejects.toThrow(/no-such-file\.json[^]*flights-10k\.json/);
  });

  it('without airports is refused, although it is a list of records', async () => {
    const rows = await readRows('flights-200k.json', 2);
    expect(() => checkRecords(rows)).toThrow(
      'row 1: date is missing, origin is missing, destination is missing',
    );
  });
});
