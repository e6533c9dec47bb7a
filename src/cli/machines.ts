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

/** As text that may be printed: of several, Mermaid set apart by comments, or one JSON object with a machine for each name. */
export async function printed(names: readonly string[], format: Format): Promise<string> {
  if (format === 'json' && names.length > 1) {
    const configs = names.map((name) => [name, JSON.parse(jsonOf(machines.get(name)!)) as unknown]);
    return `${JSON.stringify(Object.fromEntries(configs), null, 2)}\n`;
  }
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
