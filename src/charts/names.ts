import type { AnyStateNode } from 'xstate';

export type Trigger = 'event' | 'after' | 'always' | 'done' | 'error';

/** Names that JavaScript gives an arrow function after the property it stands in, which say nothing of what it does. */
const INFERRED = new Set(['', 'actions', 'entry', 'exit', 'guard', 'src', 'anonymous']);

const INTERNAL_TIMER = 'xstate.after.';

/** An action, a guard or an actor as a config may have it; XState's own actions and guards are functions with properties. */
interface Part {
  readonly type?: unknown;
  readonly params?: unknown;
  readonly [property: string]: unknown;
}

/** What a state listens to, from XState's event type: its own are made readable. */
export function triggerOf(node: AnyStateNode, eventType: string): { trigger: Trigger; label: string } {
  if (eventType === '') return { trigger: 'always', label: 'always' };
  const timer = eventType.startsWith(INTERNAL_TIMER)
    ? node.after.find((one) => one.eventType === eventType)
    : undefined;
  if (timer !== undefined) return { trigger: 'after', label: `after ${delayName(timer.delay)}` };
  if (eventType.startsWith('xstate.done.state.')) return { trigger: 'done', label: 'done' };
  const child = /^xstate\.(?<what>done\.actor|error\.actor|snapshot)\.(?<id>.+)$/.exec(eventType)?.groups;
  if (child === undefined) return { trigger: 'event', label: eventType };
  const { what = '', id = '' } = child;
  const trigger = what === 'done.actor' ? 'done' : what === 'error.actor' ? 'error' : 'event';
  return { trigger, label: `${what.replace('.actor', '')} ${childName(node, id)}` };
}

function delayName(delay: unknown): string {
  return typeof delay === 'number' ? `${delay} ms` : String(delay);
}

function childName(node: AnyStateNode, id: string): string {
  const at = node.invoke.findIndex((one) => one.id === id);
  return at === -1 || !hasGivenId(node, at) ? (at === -1 ? id : sourceName(node, at)) : id;
}

/** The logic's name, and the id where one was given that differs. */
export function invokeName(node: AnyStateNode, at: number): string {
  const source = sourceName(node, at);
  const id = node.invoke[at]!.id;
  return hasGivenId(node, at) && id !== source ? `${source} as ${id}` : source;
}

function hasGivenId(node: AnyStateNode, at: number): boolean {
  return node.invoke[at]!.id !== `${at}.${node.id}`;
}

function sourceName(node: AnyStateNode, at: number): string {
  const { src } = node.invoke[at]!;
  if (typeof src === 'string' && !src.startsWith('xstate.invoke.')) return src;
  // XState puts a name of its own in the place of inline logic; what was given stands in the config.
  const { invoke } = node.config as { invoke?: unknown };
  return logicName(([invoke ?? []].flat()[at] as { src?: unknown } | undefined)?.src);
}

/** As it is named; inline logic by a machine's id, or the name of the function that it is made of. */
export function logicName(logic: unknown): string {
  if (typeof logic === 'string') return logic;
  const { id, config } = (logic ?? {}) as { readonly id?: unknown; readonly config?: unknown };
  if (typeof id === 'string') return id;
  return typeof config === 'function' ? functionName(config) : '(inline actor)';
}

/** Actions that XState adds to a state with `after`, to start its timers and to end them. */
export function isTimerAction(action: unknown): boolean {
  const { type, event, sendId } = action as Part;
  const timer = type === 'xstate.raise' ? (event as Part | undefined)?.type : sendId;
  return typeof timer === 'string' && timer.startsWith(INTERNAL_TIMER);
}

/** As it is named; an inline one by its function's name, XState's own by what they do. */
export function actionName(action: unknown): string {
  if (typeof action === 'string') return action;
  const part = action as Part;
  switch (part.type) {
    case 'xstate.assign':
      return typeof part['assignment'] === 'object' && part['assignment'] !== null
        ? `assign ${Object.keys(part['assignment']).join(', ')}`.trimEnd()
        : 'assign';
    case 'xstate.raise':
      return `raise ${eventName(part['event'])}`;
    case 'xstate.emit':
      return `emit ${eventName(part['event'])}`;
    case 'xstate.sendTo':
      return `send ${eventName(part['event'])} to ${nameOr(part['to'], '(computed)')}`;
    case 'xstate.spawnChild':
      return `spawn ${nameOr(part['src'], nameOr(part['id'], '(inline actor)'))}`;
    case 'xstate.stopChild':
      return `stop ${nameOr(part['actorRef'], '(computed)')}`;
    case 'xstate.cancel':
      return `cancel ${nameOr(part['sendId'], '(computed)')}`;
    case 'xstate.log':
      return 'log';
    case 'xstate.enqueueActions':
      return 'enqueueActions';
    default:
      return typeof part.type === 'string' ? part.type + paramsOf(part) : functionName(action);
  }
}

function nameOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value.replace(/^#_/, '') : otherwise;
}

function eventName(event: unknown): string {
  return nameOr(typeof event === 'string' ? event : (event as Part | undefined)?.type, '(computed)');
}

/** A name, or composed guards spelled out. */
export function guardName(guard: unknown): string {
  if (typeof guard === 'string') return guard;
  const part = guard as Part & { readonly name?: string; readonly guards?: readonly unknown[] };
  if ('stateValue' in part) return `in ${stateName(part['stateValue'])}`;
  if ('check' in part && part.guards !== undefined) {
    const inner = part.guards.map(guardName);
    if (part.name === 'not') return `not ${inner.map(bracketed).join('')}`;
    return part.guards
      .map((one, at) => (isComposed(one) ? bracketed(inner[at]!) : inner[at]!))
      .join(` ${part.name} `);
  }
  if (typeof part.type === 'string') return part.type + paramsOf(part);
  const name = functionName(guard);
  return name === '(inline)' ? expressionOf(guard) : name;
}

function isComposed(guard: unknown): boolean {
  return typeof guard === 'function' && 'check' in guard && ['and', 'or'].includes(guard.name);
}

function bracketed(guard: string): string {
  return / (?:and|or) /.test(guard) ? `(${guard})` : guard;
}

function stateName(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What was given along with a name, as far as it is no function and short: it may be all that two transitions differ in. */
function paramsOf({ params }: Part): string {
  if (typeof params !== 'object' || params === null) return '';
  const text = Object.entries(params)
    .map(([name, value]) => `${name}: ${typeof value === 'object' ? '…' : String(value)}`)
    .join(', ');
  return text === '' || text.length > 40 ? '' : `(${text})`;
}

function functionName(value: unknown): string {
  return typeof value === 'function' && !INFERRED.has(value.name) ? value.name : '(inline)';
}

/** A guard without a name shows what it computes, where that is a short expression. */
function expressionOf(guard: unknown): string {
  const expression = /=>\s*(?<body>[^{][^;\n]{0,59})$/.exec(String(guard))?.groups?.['body'];
  return expression?.trim() ?? '(inline)';
}
