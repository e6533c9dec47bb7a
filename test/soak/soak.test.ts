import { describe, expect, inject, it } from 'vitest';
import { runSeed } from '../support/seed.ts';
import { startGround } from './ground.ts';
import { transports } from './options.ts';
import { failureText } from './report.ts';
import { noTotals, soak } from './soak.ts';

const programs = {
  redis: inject('redisServer'),
  rabbitmq: inject('rabbitmqServer'),
  kafka: inject('kafkaProgram'),
};
/** Of one walk, at most; most of them make no sense when their turn comes, and are left out. */
const PER_WALK = 24;

describe('a short soak', { timeout: 240_000 }, () => {
  for (const name of transports)
    it.skipIf(name !== 'memory' && programs[name] === undefined)(`on ${name} finds nothing`, async () => {
      const ground = (await startGround(name, programs))!;
      const totals = noTotals(name);
      try {
        const plan = {
          seed: runSeed(),
          minutes: 1,
          commands: 12,
          commandsPerWalk: PER_WALK,
          shrinks: 3,
          stillMs: 20_000,
        };
        const failure = await soak(ground, plan, totals, new AbortController().signal);
        expect(failure && failureText(name, PER_WALK, failure)).toBeUndefined();
      } finally {
        await ground.stop();
      }
      expect(totals.commands).toBeGreaterThanOrEqual(12);
    });
});
