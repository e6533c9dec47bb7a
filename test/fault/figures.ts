import { appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { PlaceName } from '../support/bus-places.ts';

/** What a fault cost. */
export interface Figures {
  readonly broker: PlaceName;
  readonly fault: string;
  readonly faults: number;
  readonly published: number;
  readonly confirmed: number;
  readonly handled: number;
  readonly deadLettered: number;
  readonly lost: number;
  /** Handled again because they were handed out again: as many as were in flight at most. */
  readonly redelivered: number;
  /** Handed out and not settled when a fault struck, at most, all faults together. */
  readonly inFlight: number;
  /** Handled again because they were published again: as many as were in doubt at most. */
  readonly storedTwice: number;
  /** Published and not answered when a fault struck, or reported as unknown. */
  readonly inDoubt: number;
}

/** One JSON object a line; by default of all runs of this user. */
export const figuresVariable = 'BUSCHART_FIGURES';
const figuresFile = process.env[figuresVariable] ?? join(tmpdir(), 'buschart-fault-figures.jsonl');

const figures: Figures[] = [];

export function addFigures(row: Figures): void {
  figures.push(row);
  appendFileSync(figuresFile, `${JSON.stringify({ at: new Date().toISOString(), ...row })}\n`);
}

/** Call it at the top of a file of fault tests: prints their figures when they are done. */
export function printFigures(): void {
  afterAll(() => {
    console.table(figures);
    console.log(`The same as JSON: ${figuresFile}`);
  });
}
