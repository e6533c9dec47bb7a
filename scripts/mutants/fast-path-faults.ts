import { faultsOf, type Fault } from './fault.ts';
import { FAST_PATH } from './tests.ts';

const fastPath = faultsOf('machines/fast-path.ts', FAST_PATH);
const handler = faultsOf('machines/handler.ts', FAST_PATH);
const consumer = faultsOf('machines/consumer-logic.ts', FAST_PATH);

const ANSWER =
  'return path !== undefined && path(snapshot, event, scope) ? snapshot : slow(snapshot, event, scope);';
/** In what is done without the machines: it must come to what the machines would do. */
export const fastPathFaults: readonly Fault[] = [
  fastPath(
    'the machine does again what the fast path has done',
    ANSWER,
    'path?.(snapshot, event, scope);\n    return slow(snapshot, event, scope);',
  ),
  fastPath(
    'what the fast path leaves to the machine is lost',
    ANSWER,
    'if (path === undefined) return slow(snapshot, event, scope);\n    path(snapshot, event, scope);\n    return snapshot;',
  ),
  fastPath('the machine itself gets the fast path', 'machine.provide({}) as M', 'machine'),
  handler(
    'the fast path runs what a paused handler should hold',
    "if (snapshot.value !== 'consuming') return false;",
    '',
  ),
  consumer(
    'the fast path holds what comes and starts none of it',
    'snapshot.context.flow.hold(batch);\n    snapshot.context.flow.startReady();',
    'snapshot.context.flow.hold(batch);',
  ),
];
