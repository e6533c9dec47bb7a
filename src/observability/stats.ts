import type { Stats } from '../contracts/telemetry.ts';

/** All zero. */
export const createStats = (): Stats => ({
  eventsPublished: 0,
  eventsUnroutable: 0,
  eventsConsumed: 0,
  eventsIgnored: 0,
  handlersInvoked: 0,
  handlerErrors: 0,
  retries: 0,
  deadLettered: 0,
  dropped: 0,
  released: 0,
  abandoned: 0,
  zombieHandlers: 0,
  backgroundTasksCreated: 0,
  backgroundTasksCompleted: 0,
  reconnections: 0,
  inFlight: 0,
});

/** Back to zero, in place: whoever counts holds the object. What is in flight stays so. */
export function resetStats(stats: Stats): void {
  const { inFlight } = stats;
  Object.assign(stats, createStats(), { inFlight });
}
