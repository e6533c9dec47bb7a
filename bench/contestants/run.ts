import { brokerContestants } from './brokers.ts';
import { inspectedContestants } from './inspected.ts';
import { memoryContestants } from './memory.ts';
import type { Answer, Command, Place } from './protocol.ts';

// The process of one contestant: named by its first argument, started by the bench, told when to run.

const [name = '', url = '', prefix = ''] = process.argv.slice(2);
const place: Place = { url, prefix };

const answer = (message: Answer): void => void process.send?.(message);
const fail = (error: unknown): void => {
  answer({ type: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
};

try {
  const enter =
    memoryContestants[name] ??
    inspectedContestants[name] ??
    brokerContestants[name] ??
    // Alone: nobody else is to load an SDK.
    (await import('./traced.ts')).tracedContestants[name];
  if (enter === undefined) throw new Error(`There is no contestant called "${name}".`);
  const contestant = await enter(place);
  const obey = async (command: Command): Promise<void> => {
    if (command.type === 'end') {
      await contestant.close();
      process.disconnect?.();
      return;
    }
    await contestant.prepare();
    answer({ type: 'figures', figures: await contestant.round() });
  };
  process.on('message', (command: Command) => void obey(command).catch(fail));
  answer({ type: 'ready' });
} catch (error) {
  fail(error);
}
