import { inspect } from 'node:util';
import { z } from 'zod';
import { Problem } from './problem.ts';

/** One flight of the US Bureau of Transportation Statistics. */
export interface FlightRecord {
  /** Place in the file, from 1. */
  readonly row: number;
  /** The file gives local time without a zone; read as UTC. */
  readonly date: Date;
  /** Minutes; below 0 when early. */
  readonly delay: number;
  /** Miles. */
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

const maxProblemsShown = 10;

/**
 * Checks every row, so that nothing is published from a file that can't be published whole.
 * @throws {Problem} naming the rows that are broken or incomplete, and what is wrong with each.
 */
export function checkRecords(rows: readonly unknown[]): readonly FlightRecord[] {
  const problems: string[] = [];
  const records: FlightRecord[] = [];
  rows.forEach((row, index) => {
    const result = recordSchema.safeParse(row);
    if (result.success) records.push({ row: index + 1, ...result.data });
    else problems.push(`  row ${index + 1}: ${describe(result.error)}`);
  });
  if (problems.length === 0) return records;
  const hidden = problems.length - maxProblemsShown;
  throw new Problem(
    [
      `${problems.length} of ${rows.length} records can't be used, so none was published:`,
      ...problems.slice(0, maxProblemsShown),
      ...(hidden > 0 ? [`  … and ${hidden} more`] : []),
      'Mend or remove them; a record looks like ' +
        '{"date":"2001/01/01 00:47","delay":66,"distance":1750,"origin":"DTW","destination":"LAS"}.',
    ].join('\n'),
  );
}

function describe(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')} ${message}`))
    .join(', ');
}

function mustBe(what: string) {
  return {
    error: ({ input }: { readonly input?: unknown }) =>
      input === undefined || input === null || input === ''
        ? 'is missing'
        : `must be ${what}, not ${inspect(input)}`,
  };
}

const airport = z.string(mustBe('an airport code')).min(1, mustBe('an airport code'));

/** Parquet's 64-bit integers arrive as bigint. */
const wholeNumber = z.preprocess(
  (value) => (typeof value === 'bigint' ? Number(value) : value),
  z.int(mustBe('a whole number')),
);

const date = z.preprocess(
  (value) => (typeof value === 'string' ? (parseTime(value) ?? value) : value),
  z.date(mustBe('a time such as 2001/01/01 00:47')),
);

/** JSON has `2001/01/01 00:47`, which `new Date` would take for this machine's time zone. */
function parseTime(text: string): Date | undefined {
  if (!/^\d{4}\/\d\d\/\d\d \d\d:\d\d$/.test(text)) return undefined;
  const time = new Date(`${text.replaceAll('/', '-').replace(' ', 'T')}Z`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

const recordSchema = z.object(
  { date, delay: wholeNumber, distance: wholeNumber, origin: airport, destination: airport },
  { error: 'is not an object' },
);
