import { startGroup } from '../process-group.ts';
import { ROOT } from './fault.ts';
import type { Answer, Question } from './protocol.ts';

const OPTIONS = { cwd: ROOT, ipc: true } as const;

/** Runs tests in a process that stands by; a new one once tests loop for ever in it. */
export class WarmTests {
  #group: ReturnType<typeof startGroup<typeof OPTIONS>> | undefined;

  /**
   * Undefined when the time was up.
   * @throws {Error} when the process has died.
   */
  async run(question: Question, timeLimitMs: number): Promise<Answer | undefined> {
    const { command } = (this.#group ??= startGroup(
      'node',
      ['--import', 'tsx', 'scripts/mutants/worker.ts'],
      OPTIONS,
    ));
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<undefined>(
      (resolve) => (timer = setTimeout(() => resolve(undefined), timeLimitMs)),
    );
    const answered = command.getOneMessage().catch(async (error: unknown) => {
      throw new Error(`What runs the tests has ended:\n${(await command).stderr}`, { cause: error });
    });
    try {
      await command.sendMessage({ ...question });
      const answer = (await Promise.race([answered, timeUp])) as Answer | undefined;
      if (answer === undefined) {
        answered.catch(() => undefined);
        this.close();
      }
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#group?.close();
    this.#group = undefined;
  }
}
