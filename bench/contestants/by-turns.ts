import type { Contestant, Enter, Figures, Place } from './protocol.ts';
import { median, sum } from './statistics.ts';

interface Turns {
  /** How often both are made anew in a round: where one of them lies in memory is worth some hundredths, too. */
  readonly pairs: number;
  /** How often each pair then runs, who comes first by turns. */
  readonly turns: number;
}

/**
 * Two in one process: a difference of some hundredths is less than what two processes of one program differ by. The figure
 * is the median of the ratios of all turns.
 */
export const byTurns =
  (enterOurs: Enter, enterFloor: Enter, { pairs, turns }: Turns): Enter =>
  (place) => {
    let made = 0;
    return Promise.resolve({
      prepare: () => undefined,
      async round() {
        const ratios: number[] = [];
        const all: Figures[] = [];
        for (let pair = 0; pair < pairs; pair++) {
          const own = (name: string): Place => ({ ...place, prefix: `${place.prefix}-${name}${made}` });
          const [ours, floor] = await both(
            made,
            () => enterOurs(own('ours')),
            () => enterFloor(own('floor')),
          );
          made++;
          for (let turn = 0; turn < turns; turn++) {
            const [one, other] = await both(
              turn,
              () => once(ours),
              () => once(floor),
            );
            ratios.push((one.values.perSecond ?? NaN) / (other.values.perSecond ?? NaN));
            all.push(one, other);
          }
          await Promise.all([ours.close(), floor.close()]);
        }
        const values = { ofFloor: median(ratios) };
        return { values, lost: sum(all, 'lost'), duplicated: sum(all, 'duplicated') };
      },
      close: () => Promise.resolve(),
    });
  };

/** One after the other; every second time the second one comes first. */
async function both<T>(time: number, one: () => Promise<T>, other: () => Promise<T>): Promise<[T, T]> {
  if (time % 2 === 0) return [await one(), await other()];
  const second = await other();
  return [await one(), second];
}

async function once(contestant: Contestant): Promise<Figures> {
  await contestant.prepare();
  return contestant.round();
}
