import { hostname } from 'node:os';
import { z } from 'zod';
import type { Clock } from '../contracts/clock.ts';
import type { Logger } from '../contracts/logger.ts';
import type { RetryPolicy } from '../contracts/settlement.ts';
import { ConfigurationError } from '../errors.ts';
import { EventRegistry, defaultRegistry } from '../events/registry.ts';
import { defaultLogger } from '../observability/default-logger.ts';
import {
  DEFAULT_LIMITS,
  inspectOptionsSchema,
  isObserver,
  type InspectionObserver,
  type Limits,
} from '../observability/inspection.ts';
import { processClock } from './process-clock.ts';

const hasMethods = (value: unknown, ...names: string[]): boolean =>
  typeof value === 'object' &&
  value !== null &&
  names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');

const milliseconds = z.int().min(0).max(2_147_483_647);
const limitMs = z.union([milliseconds, z.literal(Infinity)]);

/** @see RetryPolicy */
export const retrySchema = z.strictObject({
  maxRetries: z.int().min(0).max(1000).optional(),
  baseDelayMs: milliseconds.optional(),
  maxDelayMs: milliseconds.optional(),
  jitter: z.number().min(0).max(1).optional(),
  classify: z
    .custom<RetryPolicy['classify']>((value) => typeof value === 'function', 'must be a function')
    .optional(),
});

/** Options that every bus has. */
export const busOptionsSchema = z.strictObject({
  /** Where event types are looked up (`defaultRegistry`). */
  registry: z
    .custom<EventRegistry>((value) => value instanceof EventRegistry, 'must be an EventRegistry')
    .optional(),
  /** `payloadKeys: 'snake_case'` writes payload keys so for a Python neighbour ('as-written'). */
  codec: z.strictObject({ payloadKeys: z.enum(['as-written', 'snake_case']).optional() }).optional(),
  /** 'publish' trusts what comes from the broker and doesn't parse it by its schema ('both'). */
  validateOn: z.enum(['both', 'publish']).optional(),
  /** Consumers of one group share the events. Needed to consume from a broker: a shared default would let two services
   * steal each other's events. */
  consumerGroup: z.string().min(1).optional(),
  /** Shown in the broker's lists, made unique by a suffix (the host's name). */
  consumerName: z.string().min(1).optional(),
  /** Deliveries handled at once, 1 to 10,000 (16). In memory it bounds background publishes and further attempts. */
  concurrency: z.int().min(1).max(10_000).optional(),
  /** 'key': events of one aggregate are handled one after another (default on brokers); 'none' (default in memory). */
  ordering: z.enum(['key', 'none']).optional(),
  /** What becomes of an event that nobody here wants ('ack'). */
  onUnwanted: z.enum(['ack', 'dead-letter']).optional(),
  /**
   * Broker deliveries beyond which a message is dead-lettered unhandled, because it seems to end its process (20): the first
   * such one that a consumer comes to, at each start. Others over the limit were pulled behind it, and are handled alone.
   * Below 3 it may be a neighbour that ran beside it.
   */
  maxDeliveries: z.int().min(1).optional(),
  /** Milliseconds in which the first connection must stand; Infinity waits for ever (10,000). */
  connectTimeoutMs: limitMs.optional(),
  /** Milliseconds until an unconfirmed publish rejects (30,000). */
  publishTimeoutMs: milliseconds.min(1).optional(),
  /** Most events that wait for their confirmation; beyond it publish rejects as overloaded (10,000). */
  maxQueuedPublishes: z.int().min(1).optional(),
  /** Milliseconds a timed-out handler is waited for after its signal aborted (10,000). */
  abortGraceMs: milliseconds.optional(),
  /** How failing handlers are run again; field by field. */
  retry: retrySchema.optional(),
  /** Short for `retry.maxRetries`: 3 on brokers, 0 in memory. */
  maxRetries: z.int().min(0).max(1000).optional(),
  /** False: what is exhausted is logged at error, counted as dropped and acknowledged (true). */
  enableDlq: z.boolean().optional(),
  /** Milliseconds that shutdown and stopConsuming may take (30,000). */
  shutdownTimeoutMs: milliseconds.optional(),
  /** Publishes in the background at once; beyond it they are waited for (1000). */
  maxBackgroundTasks: z.int().min(0).optional(),
  /** False makes no spans and puts no trace beside messages, whatever SDK the process has registered (true). */
  enableTracing: z.boolean().optional(),
  /** Spans of a delivery are children of its publish ('child'), or have a trace of their own, linked to it ('link'). */
  tracing: z.strictObject({ relation: z.enum(['child', 'link']).optional() }).optional(),
  /** False measures nothing (true). */
  enableMetrics: z.boolean().optional(),
  /** Sees the actors from the first on; `{ observer, payloads, eventsPerSecond }` says how much of it, as for `bus.inspect`. */
  inspect: z
    .union(
      [
        z.custom<InspectionObserver>(isObserver),
        inspectOptionsSchema.extend({ observer: z.custom<InspectionObserver>(isObserver) }),
      ],
      { error: 'must be an observer, or { observer, payloads, eventsPerSecond }' },
    )
    .optional(),
  /** For tests: time as an input. */
  clock: z
    .custom<Clock>(
      (v) => hasMethods(v, 'now', 'setTimeout', 'clearTimeout'),
      'must have now, setTimeout, clearTimeout',
    )
    .optional(),
  /** For tests: numbers from 0 to 1 (Math.random). */
  random: z.custom<() => number>((value) => typeof value === 'function', 'must be a function').optional(),
  /** pino, or anything like it; by default warnings and errors go to the console. */
  logger: z
    .custom<Logger>(
      (v) => hasMethods(v, 'debug', 'info', 'warn', 'error'),
      'must have debug, info, warn and error',
    )
    .optional(),
});

/** @see busOptionsSchema */
export type BusOptions = z.input<typeof busOptionsSchema>;

/** Options with nothing left open. */
export interface BusSettings {
  readonly registry: EventRegistry;
  readonly payloadKeys: 'as-written' | 'snake_case';
  readonly validateOn: 'both' | 'publish';
  readonly consumerGroup: string | undefined;
  readonly consumerName: string;
  readonly concurrency: number;
  readonly ordering: 'key' | 'none';
  readonly onUnwanted: 'ack' | 'dead-letter';
  readonly maxDeliveries: number;
  readonly connectTimeoutMs: number;
  readonly publishTimeoutMs: number;
  readonly maxQueuedPublishes: number;
  readonly abortGraceMs: number;
  readonly retry: RetryPolicy;
  readonly enableDlq: boolean;
  readonly shutdownTimeoutMs: number;
  readonly maxBackgroundTasks: number;
  readonly enableTracing: boolean;
  readonly relation: 'child' | 'link';
  readonly enableMetrics: boolean;
  readonly inspect: { readonly observer: InspectionObserver; readonly limits: Limits } | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** What differs between the in-memory bus and those on a broker. */
export interface BusDefaults {
  readonly maxRetries: number;
  readonly ordering: 'key' | 'none';
  readonly consumerGroup?: string;
}

export const BROKER_DEFAULTS: BusDefaults = { maxRetries: 3, ordering: 'key' };

/** Fills in what was left out of options that {@link parseOptions} has accepted. */
export function busSettings(options: BusOptions, defaults: BusDefaults): BusSettings {
  const { retry } = options;
  if (options.maxRetries !== undefined && retry?.maxRetries !== undefined)
    throw new ConfigurationError('Give maxRetries or retry.maxRetries, not both.');
  return {
    registry: options.registry ?? defaultRegistry,
    payloadKeys: options.codec?.payloadKeys ?? 'as-written',
    validateOn: options.validateOn ?? 'both',
    consumerGroup: options.consumerGroup ?? defaults.consumerGroup,
    consumerName: options.consumerName ?? hostname(),
    concurrency: options.concurrency ?? 16,
    ordering: options.ordering ?? defaults.ordering,
    onUnwanted: options.onUnwanted ?? 'ack',
    maxDeliveries: options.maxDeliveries ?? 20,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    publishTimeoutMs: options.publishTimeoutMs ?? 30_000,
    maxQueuedPublishes: options.maxQueuedPublishes ?? 10_000,
    abortGraceMs: options.abortGraceMs ?? 10_000,
    retry: {
      maxRetries: retry?.maxRetries ?? options.maxRetries ?? defaults.maxRetries,
      baseDelayMs: retry?.baseDelayMs ?? 1000,
      maxDelayMs: retry?.maxDelayMs ?? 60_000,
      jitter: retry?.jitter ?? 0.1,
      classify: retry?.classify,
    },
    enableDlq: options.enableDlq ?? true,
    shutdownTimeoutMs: options.shutdownTimeoutMs ?? 30_000,
    maxBackgroundTasks: options.maxBackgroundTasks ?? 1000,
    enableTracing: options.enableTracing ?? true,
    relation: options.tracing?.relation ?? 'child',
    enableMetrics: options.enableMetrics ?? true,
    inspect: options.inspect && inspectSetting(options.inspect),
    clock: options.clock ?? processClock,
    random: options.random ?? Math.random,
    logger: options.logger ?? defaultLogger,
  };
}

/** @throws {ConfigurationError} when the observer or an option is wrong. */
export function inspectSetting(
  setting: NonNullable<BusOptions['inspect']>,
): NonNullable<BusSettings['inspect']> {
  if (!('observer' in setting)) return { observer: setting, limits: DEFAULT_LIMITS };
  const { observer, ...options } = setting;
  if (!isObserver(observer))
    throw new ConfigurationError('inspect needs an observer: a function, or an object with next().');
  const { eventsPerSecond, payloads } = parseOptions(inspectOptionsSchema, options, 'inspect');
  return {
    observer,
    limits: {
      eventsPerSecond: eventsPerSecond ?? DEFAULT_LIMITS.eventsPerSecond,
      payloads: payloads ?? DEFAULT_LIMITS.payloads,
    },
  };
}

/** @throws {ConfigurationError} naming every wrong field, its value and what is allowed. */
export function parseOptions<Schema extends z.ZodType>(
  schema: Schema,
  options: unknown,
  what: string,
): z.output<Schema> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const path = issue.path.join('.');
    if (issue.code === 'unrecognized_keys') return `${issue.keys.join(', ')}: no such option`;
    return `${path || 'options'}: ${issue.message}${valueAt(options, issue.path)}`;
  });
  throw new ConfigurationError(`Wrong options for ${what}: ${problems.join('; ')}.`);
}

/** Names of options whose values no error may repeat, whatever is wrong with them. */
const SECRET = /pass|secret|token|credential|sasl|key$/i;

function valueAt(options: unknown, path: readonly PropertyKey[]): string {
  if (path.length === 0 || path.some((key) => SECRET.test(String(key)))) return '';
  let value: unknown = options;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  // A URL may hold a password.
  if (typeof value === 'string' && value.includes('@')) return '';
  if (Array.isArray(value)) return ' (it is a list)';
  if (typeof value === 'function') return ' (it is a function)';
  return ` (it is ${typeof value === 'string' ? JSON.stringify(value) : String(value)})`;
}
