import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { DrainReport } from '../../src/index.ts';
import type { RemoteConsumer } from '../../src/testing/index.ts';
import type { BusPlace } from './bus-places.ts';

export interface WorkerPlan {
  readonly place: BusPlace;
  readonly consumerGroup: string;
  readonly consumerName: string;
  /** Buses in the process (1). */
  readonly buses?: number;
  readonly handlerMs?: number;
  /** More of the bus, as far as JSON holds them; 8 at once and short retries by default. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Every so manieth event fails at its first attempt. */
  readonly failEvery?: number;
  /** Every so manieth event fails at each attempt. */
  readonly poisonEvery?: number;
}

/** One line that a worker prints. `at` is in milliseconds of the clock that all processes of a machine share. */
export type WorkerReport =
  | { readonly kind: 'ready' }
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
  | { readonly kind: 'stopped'; readonly reports: readonly DrainReport[] };

export interface Worker extends RemoteConsumer {
  readonly pid: number;
  /** Events begun and not ended. */
  readonly inFlight: number;
  /** SIGKILL; resolves once the process is gone and all it had printed is read. */
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
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const endWithUs = () => child.kill('SIGKILL');
  process.on('exit', endWithUs);
  const closed = once(child, 'close').finally(() => process.off('exit', endWithUs));
  // Nobody listens for it until the worker is stopped.
  closed.catch(() => undefined);

  const handled: string[] = [];
  const open = new Set<string>();
  let isReady: () => void;
  const ready = new Promise<void>((resolve) => (isReady = resolve));
  const lines = createInterface({ input: child.stdout });
  const read = once(lines, 'close');
  lines.on('line', (line) => {
    const report = JSON.parse(line) as WorkerReport;
    if (report.kind === 'ready') isReady();
    if (report.kind === 'start') open.add(report.id);
    if (report.kind === 'end') {
      open.delete(report.id);
      if (report.outcome === 'succeeded') handled.push(report.id);
    }
    told(report);
  });

  const died = closed.then(() => Promise.reject(new Error('The worker ended before it consumed.')));
  died.catch(() => undefined);
  await Promise.race([ready, died]);
  return {
    pid: child.pid ?? -1,
    handled,
    get inFlight() {
      return open.size;
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.stdin.write('stop\n');
      await Promise.all([closed, read]);
    },
    async kill() {
      child.kill('SIGKILL');
      await Promise.all([closed, read]);
    },
  };
}
