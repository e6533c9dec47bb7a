import { faultsOf, type Fault } from './fault.ts';
import { CONSUMING, ENDS, FLOW, LANES, MODEL, SHUTDOWN, STRUCTURES } from './tests.ts';

const flow = faultsOf('machines/lane-flow.ts', FLOW, LANES);
const lanes = faultsOf('machines/lanes.ts', STRUCTURES, FLOW);
const quarantine = faultsOf('machines/quarantine.ts', FLOW, LANES);
const slots = faultsOf('machines/slots.ts', FLOW, LANES);
const consumer = faultsOf('machines/consumer.ts', LANES, CONSUMING, SHUTDOWN);
const consumerPart = faultsOf('machines/consumer.impl.ts', SHUTDOWN);
const handler = faultsOf('machines/handler.ts', ENDS);
const bus = faultsOf('machines/bus.ts', SHUTDOWN, CONSUMING);
const connection = faultsOf('machines/connection.ts', MODEL);

/** In what is pulled, held in lanes, started and given back. */
export const consumerFaults: readonly Fault[] = [
  flow(
    'settled twice',
    '  ended(dispatch: Dispatch, outcome: Outcome): void {\n    if (dispatch.isOver) return;\n',
    '  ended(dispatch: Dispatch, outcome: Outcome): void {\n',
    ENDS,
  ),
  flow(
    'what ends twice is counted twice',
    '  #over(dispatch: Dispatch, outcome: Outcome): void {\n    if (dispatch.isOver) return;\n',
    '  #over(dispatch: Dispatch, outcome: Outcome): void {\n',
    ENDS,
  ),
  flow(
    'lanes are left while the attempt still runs',
    'if (dispatch.slots === 0) this.#leaveLane(dispatch);\n    this.#moved();',
    'this.#leaveLane(dispatch);\n    this.#moved();',
  ),
  flow(
    'what is dropped is never acknowledged',
    "outcome === 'acked' || outcome === 'dropped'",
    "outcome === 'acked'",
    'test/unit/bus/two-step-broker.test.ts',
  ),
  flow(
    'a lost delivery is settled',
    "if (dispatch.actor === undefined) this.ended(dispatch, 'abandoned');",
    "if (dispatch.actor === undefined) this.ended(dispatch, 'acked');",
  ),
  flow(
    'a lost delivery keeps its handler running',
    "handler.send({ type: 'abort', reason: this.#settings.abandonError(), dispatch });",
    'void handler;',
  ),
  flow('a drain gives back only the ready ones', '[...ready, ...this.#lanes.removeWaiting()]', '[...ready]'),
  flow(
    'a drain keeps the lanes of what it gave back',
    '    for (const dispatch of ready) this.#leaveLane(dispatch);\n',
    '',
  ),
  flow(
    'a full window is not told',
    'this.open >= this.window && this.#slots.isIdle',
    'this.open > this.window && this.#slots.isIdle',
  ),
  flow(
    'a drain forgets retries that wait for a slot',
    '    this.#slots.stop();\n    const ready',
    '    const ready',
  ),
  lanes(
    'lanes have no order',
    'this.#lanes.set(key, HELD);\n      return true;\n    }\n    this.#waiting++;',
    'return true;\n    }\n    this.#waiting++;',
  ),
  lanes('what came back goes last', 'while (at > 0 && this.#precedes(item, lane[at - 1] as T)) at--;', ''),
  lanes('the lane goes to the last in it', 'lane.shift()', 'lane.pop()'),
  slots('one more runs than may', 'this.used < this.limit', 'this.used <= this.limit'),
  slots('a suspect runs beside others', 'this.used === 0 && quarantine.isQuiet', 'quarantine.isQuiet'),
  quarantine('a suspect is alone from its second delivery', 'SUSPECT_FROM = 3', 'SUSPECT_FROM = 2'),
  slots('others start beside a suspect', 'this.#alone = dispatch;', 'this.#alone = undefined;'),
  quarantine(
    'over the limit is handled beside others where the limit is low',
    ' || (this.#hasConvicted && count > this.#settings.maxDeliveries)',
    '',
  ),
  quarantine(
    'too many deliveries are handled all the same',
    'countOf(dispatch) <= this.#settings.maxDeliveries',
    'true as boolean',
  ),
  quarantine(
    'dead-lettered one delivery too early',
    'countOf(dispatch) <= this.#settings.maxDeliveries',
    'countOf(dispatch) < this.#settings.maxDeliveries',
  ),
  quarantine('what was pulled behind a killer is dead-lettered with it', 'this.#hasConvicted = true;', ''),
  quarantine(
    'a suspect begins before what was done is acknowledged',
    'if (this.#isQuiet) return true;',
    'if (this.#settings.maxDeliveries > 0) return true;',
  ),
  consumer(
    'what comes late is not given back',
    "deliveries: { actions: ['hold', 'drainFlow'] },",
    "deliveries: { actions: ['hold'] },",
    ENDS,
  ),
  consumer(
    'the drain forgets what waits for a slot',
    "'drainDeliveries', 'drainFlow'],",
    "'drainDeliveries'],",
  ),
  consumer(
    'the drain forgets the deliveries in trouble',
    "'pauseSource', 'drainDeliveries', 'drainFlow'],",
    "'pauseSource', 'drainFlow'],",
  ),
  consumer(
    'a consumer that was cut off settles later',
    "after: { drainTimeout: { target: 'stopped', actions: ['tellAborted', 'abandonOpen'] } },",
    "after: { drainTimeout: { target: 'stopped', actions: ['tellAborted'] } },",
    CONSUMING,
    LANES,
    MODEL,
  ),
  consumer(
    'a paused consumer starts what comes',
    "on: { drain: 'draining', deliveries: { actions: 'hold' } },",
    "on: { drain: 'draining', deliveries: { actions: ['hold', 'startReady'] } },",
    ENDS,
  ),
  consumer(
    'the consumer leaves before its deliveries have ended',
    "always: { guard: 'isIdle', target: 'closing' },",
    "always: 'closing',",
  ),
  consumerPart(
    'the drain report counts what came before',
    'countsBefore: ({ context }) => ({ ...context.flow.counts }),',
    'countsBefore: undefined,',
    SHUTDOWN,
  ),
  consumerPart('a pause does not rest the source', 'context.flow.lock();', '', SHUTDOWN),
  handler(
    'a draining handler starts what comes',
    "on: { deliver: { actions: 'refuse' }, idle:",
    "on: { deliver: { actions: 'run' }, idle:",
  ),
  handler(
    'a handler stops while it runs',
    "drain: [{ guard: 'isIdle', target: 'stopped' }, { target: 'draining' }],",
    "drain: 'stopped',",
  ),
  bus('the bus closes before its publishes are stored', "onDone: 'closing',", "onDone: 'aborting',"),
  bus(
    'the bus takes publishes while it drains',
    "publish: [{ guard: 'isAccepted', actions: 'publish' }, { actions: 'refuse' }],",
    "publish: { actions: 'publish' },",
    ENDS,
  ),
  bus('a second shutdown begins again', '            shutdown: {},\n', '', ENDS),
  bus('the drain has no time limit', "          after: { drainTimeout: '.aborting' },\n", ''),
  bus(
    'the consumer is not drained',
    "entry: ['drainConsumerIfAny', 'resumeSubscriptions'],",
    "entry: ['resumeSubscriptions'],",
  ),
  bus(
    'a lost connection is not told to the consumer',
    "actions: ['noteLost', 'tellLost', 'passToConsumer'] },\n",
    "actions: ['noteLost', 'tellLost'] },\n",
    MODEL,
  ),
  connection(
    'a lost connection is not opened again',
    "description: 'The link was lost; unbounded in time.',\n      tags: ['retrying'],\n      initial: 'backingOff',\n      states: {\n        backingOff: {\n          description: 'Waits before the next attempt.',\n          after: { reconnectBackoff: 'attempting' },",
    "description: 'The link was lost; unbounded in time.',\n      tags: ['retrying'],\n      initial: 'backingOff',\n      states: {\n        backingOff: {\n          description: 'Waits before the next attempt.',",
    MODEL,
  ),
];
