// The files of tests that notice faults, by what they are about.

export const CONSUMING = 'test/unit/bus/consuming.test.ts';
export const ENDS = 'test/unit/machines/late-results.test.ts';
export const FAST_PATH = 'test/property/machines.test.ts';
export const FLOW = 'test/unit/machines/lane-flow.test.ts';
export const LANES = 'test/unit/bus/lanes.test.ts';
export const LETTERS = 'test/unit/dead-letters.test.ts';
export const MODEL = 'test/model/bus-model.memory.test.ts';
export const PUBLISH_QUEUE = 'test/unit/bus/publish-queue.test.ts';
export const RETRY = 'test/unit/bus/retry.test.ts';
export const SHUTDOWN = 'test/unit/bus/shutdown.test.ts';
export const STRUCTURES = 'test/unit/machines/structures.test.ts';
export const TWO_STEP = 'test/unit/bus/two-step-broker.test.ts';
