import { consumerMachine } from './consumer.ts';
import { withFastPath } from './fast-path.ts';

/** {@link consumerMachine} with the events of every delivery on the fast path. */
export const consumerLogic = withFastPath(consumerMachine, {
  deliveries: (snapshot, { batch }) => {
    if (snapshot.value.lifecycle !== 'consuming') return false;
    snapshot.context.flow.hold(batch);
    snapshot.context.flow.startReady();
    return true;
  },
  advance: (snapshot) => {
    if (
      snapshot.value.lifecycle !== 'consuming' &&
      !snapshot.matches({ lifecycle: { connecting: 'subscribing' } })
    )
      return false;
    snapshot.context.flow.startReady();
    return true;
  },
  idle: (snapshot) => snapshot.value.lifecycle === 'consuming',
});
