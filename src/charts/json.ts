import type { AnyStateMachine } from 'xstate';
import { actionName, guardName, logicName } from './names.ts';

type Config = Readonly<Record<string, unknown>>;

/** A machine's config as JSON that Stately's editor imports: actions, guards and actors by their names, and nothing that runs. */
export function jsonOf(machine: AnyStateMachine): string {
  return JSON.stringify(stateJson(machine.config as Config), undefined, 2);
}

function stateJson(config: Config): object {
  const { entry, exit, invoke, on, always, after, onDone, initial, states, ...rest } = config;
  return {
    ...data(rest),
    ...(initial === undefined ? {} : { initial: transitionJson(initial) }),
    ...(entry === undefined ? {} : { entry: actionsJson(entry) }),
    ...(exit === undefined ? {} : { exit: actionsJson(exit) }),
    ...(invoke === undefined ? {} : { invoke: listed(invoke).map((one) => invokeJson(one as Config)) }),
    ...(on === undefined ? {} : { on: eachOf(on, transitionsJson) }),
    ...(always === undefined ? {} : { always: transitionsJson(always) }),
    ...(after === undefined ? {} : { after: eachOf(after, transitionsJson) }),
    ...(onDone === undefined ? {} : { onDone: transitionsJson(onDone) }),
    ...(states === undefined ? {} : { states: eachOf(states, (state) => stateJson(state as Config)) }),
  };
}

function invokeJson({ src, onDone, onError, onSnapshot, ...rest }: Config): object {
  return {
    src: logicName(src),
    ...data(rest),
    ...(onDone === undefined ? {} : { onDone: transitionsJson(onDone) }),
    ...(onError === undefined ? {} : { onError: transitionsJson(onError) }),
    ...(onSnapshot === undefined ? {} : { onSnapshot: transitionsJson(onSnapshot) }),
  };
}

function transitionsJson(transitions: unknown): unknown {
  return Array.isArray(transitions) ? transitions.map(transitionJson) : transitionJson(transitions);
}

function transitionJson(transition: unknown): unknown {
  if (typeof transition !== 'object' || transition === null) return transition;
  const { guard, actions, ...rest } = transition as Config;
  return {
    ...data(rest),
    ...(guard === undefined ? {} : { guard: partJson(guard, guardName) }),
    ...(actions === undefined ? {} : { actions: actionsJson(actions) }),
  };
}

function actionsJson(actions: unknown): object[] {
  return listed(actions).map((action) => partJson(action, actionName));
}

/** One with parameters keeps them, as far as they are data. */
function partJson(part: unknown, nameOf: (part: unknown) => string): object {
  return typeof part === 'object' && part !== null ? data(part) : { type: nameOf(part) };
}

/** Without what is computed, such as a context that depends on the input. */
function data(properties: object): object {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => typeof value !== 'function'));
}

function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function eachOf(properties: unknown, write: (value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(properties as object).map(([key, value]) => [key, write(value)]));
}
