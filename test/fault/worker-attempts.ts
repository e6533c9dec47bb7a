import { Counted, type RecordedAttempt } from '../../src/testing/index.ts';
import type { WorkerReport } from '../support/worker.ts';

type Attempt = { -readonly [Key in keyof RecordedAttempt]: RecordedAttempt[Key] };

/** What handlers in other processes report, in the order in which it is read here. */
export class WorkerAttempts {
  readonly attempts: Attempt[] = [];
  readonly warned: string[] = [];
  #moment = 0;

  /** @param process Tells consumers of one name in two processes apart. */
  listener(process: string): (report: WorkerReport) => void {
    const open = new Map<string, Attempt>();
    return (report) => {
      if (report.kind === 'start') {
        const { kind: _, n: __, at: ___, consumer, ...told } = report;
        const attempt: Attempt = {
          ...told,
          consumer: `${consumer} in ${process}`,
          type: Counted.type,
          destination: '',
          group: '',
          subscription: 'recorder',
          start: this.#moment++,
          end: undefined,
          outcome: 'running',
        };
        this.attempts.push(attempt);
        open.set(`${consumer} ${report.id}`, attempt);
      } else if (report.kind === 'warned') this.warned.push(report.line);
      else if (report.kind === 'end') {
        const attempt = open.get(`${report.consumer} ${report.id}`);
        if (attempt !== undefined) Object.assign(attempt, { end: this.#moment++, outcome: report.outcome });
      }
    };
  }
}
