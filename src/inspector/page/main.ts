import type { Update } from '../protocol.ts';
import { ActorView } from './actor.ts';
import { DeadLetters } from './dead-letters.ts';
import { byId, setText } from './elements.ts';
import { Header } from './header.ts';
import { Plots } from './plots.ts';
import { Session } from './session.ts';
import { follow } from './stream.ts';
import { Tree } from './tree.ts';

const session = new Session();
const header = new Header((name) => act(name));
const actor = new ActorView({ session, act });
const tree = new Tree(byId('tree'), () => {
  if (tree.chosen !== undefined) actor.show(tree.chosen);
});
const plots = new Plots(byId('plots'));
const letters = new DeadLetters({ session, act });

if (session.hasToken)
  void follow(session, {
    update,
    link: (isOpen) => header.link(isOpen),
    refused: (reason) => header.say(reason, true),
  });
else header.say('This page needs the token of the URL that was printed at the start: open that URL.', true);

function update({ hello, bus, actors = [], gone = [], unlisted, samples = [] }: Update): void {
  if (hello !== undefined) {
    // The first one after each connection tells everything: what was known before may be long over.
    tree.clear();
    plots.clear();
    header.start(hello);
    actor.start(hello);
    letters.start(hello);
  }
  if (bus !== undefined) {
    header.show(bus);
    actor.told(bus);
  }
  if (actors.length > 0 || gone.length > 0) {
    tree.update(actors, gone);
    const { chosen } = tree;
    if (chosen !== undefined && actors.some(({ id }) => id === chosen.id)) actor.show(chosen);
  }
  if (unlisted !== undefined) {
    byId('unlisted').hidden = unlisted === 0;
    setText(byId('unlisted'), `${unlisted} more deliveries in trouble.`);
  }
  if (samples.length > 0) {
    plots.add(samples);
    letters.noted(samples.at(-1)?.deadLetters ?? null);
  }
}

async function act(name: string, id?: string): Promise<void> {
  try {
    header.say((await session.act(name, id)).message);
  } catch (error) {
    header.say((error as Error).message, true);
  }
}
