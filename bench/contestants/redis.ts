import type { Enter } from './protocol.ts';
import { bareBacklog, busBacklog } from './redis-backlog.ts';
import { redisHeap } from './redis-heap.ts';
import { bareJourney, busJourney } from './redis-journey.ts';
import { busPublish, pipelinePublish } from './redis-publish.ts';

export const redisContestants: Readonly<Record<string, Enter>> = {
  'buschart lists': busPublish,
  'bare pipeline': pipelinePublish,
  'buschart backlog': busBacklog('both'),
  "buschart backlog, validateOn 'publish'": busBacklog('publish'),
  'bare loop': bareBacklog,
  'buschart journey': busJourney,
  'bare journey': bareJourney,
  'redis heap': redisHeap,
};
