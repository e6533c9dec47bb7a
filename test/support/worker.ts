import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { DrainReport } from '../../src/index.ts';
import type { RemoteConsumer } from '../../src/testing/index.ts';
import type { BusPlace } from './bus-places.ts';
import type { SpanFacts } from './telemetry-sdk.ts';

export interface WorkerPlan {
  readonly place: BusPlace;
  readonly consumerGroup: string;
  readonly consumerName: string;
  /** Buses in the process (1). */
  readonly buses?: number;
  readonly handlerMs?: number;
  /** More of the bus, as far as JSON holds them; 8 at once and short retries by default. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Registers an OpenTelemetry SDK, and reports every span that ends. */
  readonly isTraced?: boolean;
  /** Every so manieth event fails at its first attempt. */
  readonly failEvery?: number;
  /** Every so manieth event fails at each attempt. */
  readonly poisonEvery?: number;
  /** The handler of this event ends the process. */
  readonly exitAt?: number;
  /** Its brokers are reached by way of this, whatever address they give. */
  readonly by?: { readonly host: string; readonly port: number };
}

/** What a worker waits for while it is blocked. Unlike the first three, this and the next pipe wait for the other side. */
export const UNBLOCKING = 3;
/** Where a worker reports. */
export const REPORTS = 4;

/** One line that a worker reports. `at` is in milliseconds of the clock that all processes of a machine share. */
export type WorkerReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'blocked' }
  | {
      readonly kind: 'start';
      readonly id: string;
      readonly key: string;
      readonly n: number;
      readonly consumer: string;
      readonly attempt: number;
      readonly deliveryCount: number | undefined;
      readonly at: number;
    }
  | {
      readonly kind: 'end';
      readonly id: string;
      readonly consumer: string;
      readonly outcome: 'succeeded' | 'failed';
      readonly at: number;
    }
  /** At warning level or above. */
  | { readonly kind: 'warned'; readonly line: string }
  | { readonly kind: 'span'; readonly span: SpanFacts }
  | { readonly kind: 'stopped'; readonly reports: readonly DrainReport[] };

export interface Worker extends RemoteConsumer {
  readonly pid: number;
  /** Events begun and not ended. */
  readonly inFlight: number;
  /** Whatever ended the process. */
  readonly hasEnded: boolean;
  /** Resolves once its event loop is blocked, with what ends that. */
  block(): Promise<() => void>;
  /** SIGKILL; resolves once the process is gone and all it had reported is read. */
  kill(): Promise<void>;
}

/** Of the clock that all processes of this machine share, in milliseconds. */
export function moment(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Starts a consumer in a process of its own; resolves once it consumes. `told` hears every line, in order. */
export async function startWorker(
  plan: WorkerPlan,
  told: (report: WorkerReport) => void = () => undefined,
): Promise<Worker> {
  const program = join(import.meta.dirname, 'worker-process.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', program, JSON.stringify(plan)], {
    stdio: ['pipe', 'inherit', 'inherit', 'pipe', 'pipe'],
  }) as ChildProcessByStdio<Writable, null, null>;
  const endWithUs = () => child.kill('SIGKILL');
  process.on('exit', endWithUs);
  const closed = once(child, 'close').finally(() => process.off('exit', endWithUs));
  // Nobody listens for it until the worker is stopped.
  closed.catch(() => undefined);

  const unblocking = child.stdio[UNBLOCKING] as unknown as Writable;
  // It may end first.
  unblocking.on('error', () => undefined);

  const handled: string[] = [];
  const open = new Set<string>();
  let isReady: () => void;
  let isBlocked: () => void;
  const ready = new Promise<void>((resolve) => (isReady = resolve));
  const lines = createInterface({ input: child.stdio[REPORTS] as unknown as Readable });
  const read = once(lines, 'close');
  lines.on('line', (line) => {
    const report = JSON.parse(line) as WorkerReport;
    if (report.kind === 'ready') isReady();
    if (report.kind === 'blocked') isBlocked();
    if (report.kind === 'start') open.add(report.id);
    if (report.kind === 'end') {
      open.delete(report.id);
      if (report.outcome === 'succeeded') handled.push(report.id);
    }
    told(report);
  });

  const died = closed.then(() => {
    // One that is to end itself may do so with the first that it is given.
    if (plan.exitAt === undefined) throw new Error('The worker ended before it consumed.');
  });
  died.catch(() => undefined);
  await Promise.race([ready, died]);
  return {
    pid: child.pid ?? -1,
    handled,
    get inFlight() {
      return open.size;
    },
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    async block() {
      const blocked = new Promise<void>((resolve) => (isBlocked = resolve));
      child.stdin.write('block\n');
      await blocked;
      return () => void unblocking.write('\n');
    },
    async stop() {
      // One that is frozen or blocked would never hear of it.
      child.kill('SIGCONT');
      unblocking.end();
      if (child.exitCode === null && child.signalCode === null) child.stdin.write('stop\n');
      await Promise.all([closed, read]);
    },
    async kill() {
      child.kill('SIGKILL');
      await Promise.all([closed, read]);
    },
  };
}
