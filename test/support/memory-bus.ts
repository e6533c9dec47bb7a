import { showRaw } from './chart-coverage.ts';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { Logger } from '../../src/contracts/logger.ts';
import { defineEvent } from '../../src/events/define-event.ts';
import { EventRegistry } from '../../src/events/registry.ts';
import { VirtualClock } from '../../src/testing/clock.ts';
import { InMemoryEventBus, type InMemoryEventBusOptions } from '../../src/transports/memory/index.ts';
import { runRandom } from './seed.ts';

export const registry = new EventRegistry();
const schema = z.object({ n: z.number().default(0) });

export const Pinged = defineEvent({ type: 'Pinged', aggregateType: 'Ball', registry, schema });
export const Ponged = defineEvent({ type: 'Ponged', aggregateType: 'Ball', registry, schema });

/** The n-th event of one aggregate. */
export const ping = (n = 0, aggregateId = 'ball') => Pinged({ aggregateId, n });
export const pong = (n = 0, aggregateId = 'ball') => Ponged({ aggregateId, n });

export interface LogLine {
  readonly level: keyof Logger;
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** Keeps what is logged, and prints nothing. */
export class RecordingLogger implements Logger {
  readonly lines: LogLine[] = [];
  debug(fields: object, message: string): void {
    this.#add('debug', fields, message);
  }
  info(fields: object, message: string): void {
    this.#add('info', fields, message);
  }
  warn(fields: object, message: string): void {
    this.#add('warn', fields, message);
  }
  error(fields: object, message: string): void {
    this.#add('error', fields, message);
  }
  at(level: keyof Logger): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }
  #add(level: keyof Logger, fields: object, message: string): void {
    this.lines.push({ level, fields: fields as Record<string, unknown>, message });
  }
}

/** A bus on virtual time and this run's random numbers, shut down when the test is over. */
export function memoryBus(options: InMemoryEventBusOptions = {}) {
  const clock = options.clock instanceof VirtualClock ? options.clock : new VirtualClock();
  const logger = new RecordingLogger();
  const bus = new InMemoryEventBus({ registry, clock, logger, random: runRandom(), ...options });
  showRaw(bus, options.inspect);
  onTestFinished(async () => {
    const stopped = bus.shutdown({ timeoutMs: 0 });
    await clock.advance(5000);
    await stopped;
  });
  return { bus, clock, logger };
}

export interface Gate<T = void> {
  readonly promise: Promise<T>;
  open(value: T): void;
  fail(error: unknown): void;
}

/** A promise that the test settles. */
export function gate<T = void>(): Gate<T> {
  let open: (value: T) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}

/** Lets promises run, without any time passing. */
export const settle = (clock: VirtualClock): Promise<void> => clock.advance(0);
