import type { Contestant, Enter, Figures, Place } from './protocol.ts';

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
    async function turnsOfOnePair(): Promise<(readonly [ours: Figures, floor: Figures])[]> {
      const own = (name: string): Place => ({ ...place, prefix: `${place.prefix}-${name}${made}` });
      const isOursFirst = made++ % 2 === 0;
      const early = await (isOursFirst ? enterOurs : enterFloor)(own('early'));
      const late = await (isOursFirst ? enterFloor : enterOurs)(own('late'));
      const [ours, floor] = isOursFirst ? [early, late] : [late, early];
      const figures: (readonly [Figures, Figures])[] = [];
      for (let turn = 0; turn < turns; turn++) {
        const first = await once(turn % 2 === 0 ? ours : floor);
        const second = await once(turn % 2 === 0 ? floor : ours);
        figures.push(turn % 2 === 0 ? [first, second] : [second, first]);
      }
      await Promise.all([early.close(), late.close()]);
      return figures;
    }
    return Promise.resolve({
      prepare: () => undefined,
      async round() {
        const all: (readonly [Figures, Figures])[] = [];
        for (let pair = 0; pair < pairs; pair++) all.push(...(await turnsOfOnePair()));
        const ratios = all.map(([ours, floor]) => rate(ours) / rate(floor)).toSorted((a, b) => a - b);
        const both = all.flat();
        return {
          values: { ofFloor: ratios[Math.floor(ratios.length / 2)] ?? NaN },
          lost: both.reduce((sum, { lost }) => sum + lost, 0),
          duplicated: both.reduce((sum, { duplicated }) => sum + duplicated, 0),
        };
      },
      close: () => Promise.resolve(),
    });
  };

async function once(contestant: Contestant): Promise<Figures> {
  await contestant.prepare();
  return contestant.round();
}

const rate = ({ values }: Figures): number => values.perSecond ?? NaN;
