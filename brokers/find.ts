import type { BrokerRecipe } from './recipes.ts';

/** A broker found or started; `stop` ends only what was started here. */
export interface FoundBroker<Program> {
  /** Undefined when there is none. */
  readonly url: string | undefined;
  readonly program: Program | undefined;
  /** Why there is no program, and what to install. */
  readonly missing: string | undefined;
  /** Where the broker comes from, or why there is none. */
  readonly from: string;
  stop(): Promise<void>;
}

/**
 * Takes the first there is: the address in the environment, a running local one, a private one from the programs that
 * are installed, a container.
 * @throws {Error} when the environment names an address where none answers: taking another would hide the mistake.
 */
export async function findBroker<Program>(
  recipe: BrokerRecipe<Program>,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<FoundBroker<Program>> {
  const { program, missing } = await recipe.findProgram(environment);
  const stop = () => Promise.resolve();
  const given = environment[recipe.urlVariable];
  if (given !== undefined && given !== '') {
    if (await recipe.answers(given)) return { url: given, program, missing, from: recipe.urlVariable, stop };
    throw new Error(`${recipe.urlVariable}: nothing fit for the tests answers at ${withoutPassword(given)}`);
  }
  if (await recipe.answers(recipe.localUrl))
    return { url: recipe.localUrl, program, missing, from: 'a local one', stop };
  if (program !== undefined) {
    const server = await recipe.start(program);
    return { url: server.url, program, missing, from: 'a private one', stop: () => server.stop() };
  }
  const container = await recipe.startContainer();
  if (container !== undefined) return { ...container, program, missing, from: 'a container' };
  return { url: undefined, program, missing, from: 'none answers, and no Docker engine', stop };
}

export function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//***@');
}
