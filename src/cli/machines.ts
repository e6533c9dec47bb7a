import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AnyStateMachine } from 'xstate';
import {
  busMachine,
  connectionMachine,
  consumerMachine,
  deliveryMachine,
  handlerMachine,
  subscriptionMachine,
} from '../../machines/index.ts';
import { chartOf, jsonOf, mermaidOf, svgOf } from '../charts/index.ts';

/** Those of Buschart, a parent before what it spawns. */
export const machines: ReadonlyMap<string, AnyStateMachine> = new Map<string, AnyStateMachine>([
  ['bus', busMachine],
  ['connection', connectionMachine],
  ['consumer', consumerMachine],
  ['subscription', subscriptionMachine],
  ['handler', handlerMachine],
  ['delivery', deliveryMachine],
]);

export type Format = 'mermaid' | 'json' | 'svg';

const FORMATS: Record<
  Format,
  { readonly suffix: string; write(machine: AnyStateMachine): string | Promise<string> }
> = {
  mermaid: { suffix: 'mmd', write: (machine) => mermaidOf(chartOf(machine)) },
  json: { suffix: 'json', write: (machine) => `${jsonOf(machine)}\n` },
  svg: { suffix: 'svg', write: (machine) => svgOf(chartOf(machine)) },
};

export const formats = Object.keys(FORMATS) as readonly Format[];

/** One after the other, as text that may be printed; Mermaid's are set apart by comments. */
export async function printed(names: readonly string[], format: Format): Promise<string> {
  const parts: string[] = [];
  for (const name of names) {
    const text = await FORMATS[format].write(machines.get(name)!);
    parts.push(format === 'mermaid' && names.length > 1 ? `%% ${name}\n${text}` : text);
  }
  return parts.join(format === 'mermaid' ? '\n' : '');
}

/** A file for each, in a folder that is made if need be. Resolves to their paths. */
export async function written(names: readonly string[], format: Format, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (const name of names) {
    const path = join(folder, `${name}.${FORMATS[format].suffix}`);
    await writeFile(path, await FORMATS[format].write(machines.get(name)!));
    paths.push(path);
  }
  return paths;
}
