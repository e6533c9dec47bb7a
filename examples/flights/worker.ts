import { startInspector } from 'buschart/inspector';
import { FlightHandlers } from './handlers.ts';
import { FileJournal } from './journal.ts';
import { busAt } from './places.ts';
import { retryDelayMs } from './stage.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './worker-messages.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as WorkerOptions;

const bus = busAt(options.place, {
  consumerName: options.name,
  retry: { baseDelayMs: retryDelayMs },
  // Handlers mostly wait for the journal: the more of them wait together, the fewer writes it makes.
  concurrency: 64,
});
const journal = await FileJournal.open(options.journalPath);
const handlers = new FlightHandlers(options.seed, journal);
handlers.subscribe(bus);

async function drain(): Promise<void> {
  const report = await bus.shutdown();
  await journal.close();
  tell({ kind: 'drained', report });
  if (process.connected) process.disconnect();
}

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}

// A Ctrl-C reaches every process of the terminal; it is the parent who says when to drain.
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => undefined);
process.once('disconnect', () => void drain());
process.on('message', (message: ToWorker) => {
  if (message.kind === 'drain') void drain();
  else {
    handlers.repair();
    tell({ kind: 'repaired' });
  }
});

try {
  if (options.inspect)
    tell({
      kind: 'inspected',
      url: (await startInspector(bus, { allowActions: true, payloads: 'full' })).url,
    });
  const consumption = await bus.startConsumingInBackground();
  tell({ kind: 'consuming' });
  await consumption.done;
} catch (error) {
  tell({ kind: 'failed', message: (error as Error).message });
  process.exitCode = 1;
  await drain();
}
