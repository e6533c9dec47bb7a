import type { ModelContext, ModelEvent } from './happenings.ts';
import type { ModelStage } from './model-stage.ts';
import { isOver } from './messages.ts';

type StepOf<Type extends ModelEvent['type']> = Extract<ModelEvent, { readonly type: Type }>;

/** Does to the buses of a stage what a step of the model says; the check of the state that follows waits for it. */
export type Steps = {
  readonly [Type in ModelEvent['type']]: (
    stage: ModelStage,
    event: StepOf<Type>,
    /** What the model expects once it is done. */
    context: ModelContext,
  ) => void | Promise<void>;
};

export const steps: Steps = {
  publish: (stage, { kind, key }) => stage.publish(kind, key),
  'handler.ends': (stage, { at }) => stage.end(at),
  'backoff.elapses': (stage) => stage.consumer?.clock.endBackoffs(),
  start: (stage) => stage.start(),
  pause: (stage) => stage.consumer?.bus.pause(),
  resume: (stage) => stage.consumer?.bus.resume(),
  stopConsuming: (stage) => drain(stage, 'stopConsuming'),
  shutdown: (stage) => drain(stage, 'shutdown'),
  'timeout.expires': (stage) => stage.consumer?.clock.endDrain(),
  async 'consumer.crashes'(stage) {
    await acknowledged(stage);
    await stage.crash();
  },
  async 'connection.lost'(stage) {
    await acknowledged(stage);
    await stage.cut();
  },
  'connection.returns': (stage) => stage.heal(),
  async replay(stage, { isMended }, { messages }) {
    for (const [at, message] of messages.entries())
      if (isMended && !isOver(message) && message.isReplayed) stage.mend(at);
    const { group } = stage.destination;
    const report = await stage.settles(stage.publisher.deadLetters.replayAll({ group }), 'the replay');
    if (report.failed.length > 0) throw new Error(`Not all could be replayed: ${JSON.stringify(report)}`);
  },
};

/** What is over counts as settled before it, and not by it. While the connection is away, nobody can be asked. */
async function drain(stage: ModelStage, how: 'stopConsuming' | 'shutdown'): Promise<void> {
  if (stage.consumer?.bus.state === 'consuming') await acknowledged(stage);
  stage.drain(how);
}

/** The broker knows of what is over, as far as it can be asked: a fault would else make it come again. */
async function acknowledged(stage: ModelStage): Promise<void> {
  const { harness, destination } = stage;
  const open = stage.expected.filter((message) => !isOver(message)).length;
  await stage.until(
    async () => (await harness.probe.pending(destination, destination.group)) <= open,
    'what is over to be acknowledged',
  );
}
