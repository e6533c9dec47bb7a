import { describe, expect, it } from 'vitest';
import { MemoryBroker } from '../../src/index.ts';
import type { MemoryGroup } from '../../src/transports/memory/group.ts';
import { memoryPlace } from '../fault/places/memory.ts';
import { runSeed } from '../support/seed.ts';
import { memoryGround } from './ground.ts';
import { failureText } from './report.ts';
import { noTotals, soak, type SoakPlan } from './soak.ts';

/** A broker that takes for settled what it has only handed out. */
class HastyBroker extends MemoryBroker {
  readonly #hasty = new Set<MemoryGroup>();

  override group(name: string): MemoryGroup {
    const group = super.group(name);
    if (this.#hasty.has(group)) return group;
    this.#hasty.add(group);
    const { take } = group;
    group.take = (consumer, count) => {
      const taken = take.call(group, consumer, count);
      for (const delivery of taken) group.settle(delivery);
      return taken;
    };
    return group;
  }
}

const plan: SoakPlan = {
  seed: runSeed(),
  minutes: 2,
  commands: 400,
  commandsPerWalk: 30,
  shrinks: 25,
  stillMs: 300,
};

describe('a soak finds', { timeout: 180_000 }, () => {
  const never = new AbortController().signal;
  const soakOnIt = async (more: Partial<SoakPlan> = {}) => {
    const ground = memoryGround((destination) => memoryPlace(destination, new HastyBroker()));
    const failure = await soak(ground, { ...plan, ...more }, noTotals('memory'), never);
    if (failure === undefined) throw new Error('It has found nothing.');
    return failure;
  };

  it('what is acknowledged before it is handled, in a few steps, and finds it again as it was printed', async () => {
    const failure = await soakOnIt();
    expect(failure.problem).toMatch(/^I6: \d+ confirmed events are lost/);
    expect(failure.commands.length).toBeLessThanOrEqual(4);
    expect(failure.commands.length).toBeLessThan(failure.commandsBefore);
    expect(failure.commands.join()).toContain('publish');
    const { seed, path, replayPath } = failure;
    const again = await soakOnIt({ seed, repeat: { path, replayPath } });
    expect(again.commands).toEqual(failure.commands);
    const text = failureText('memory', plan.commandsPerWalk, failure);
    expect(text).toContain(
      `npm run test:soak -- --transport memory --seed ${seed} --per-walk 30 --path ${path} --replay ${replayPath}`,
    );
  });
});
