import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBroker, requiredBrokers, type BrokerRecipe } from '../support/brokers.ts';

describe('finding a broker for the tests', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'buschart-path-'));
    await writeFile(join(folder, 'broker-server'), '');
    await chmod(join(folder, 'broker-server'), 0o755);
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** A broker of which only these addresses answer. */
  function recipe(...answering: string[]): BrokerRecipe {
    return {
      urlVariable: 'BROKER_URL',
      localUrl: 'broker://local',
      binary: 'broker-server',
      startContainer: () => Promise.resolve(undefined),
      install: 'Install it',
      answers: (url) => Promise.resolve(answering.includes(url)),
      start: () => Promise.resolve({ url: 'broker://private', stop: () => Promise.resolve() }),
    };
  }

  it('takes the address in the environment before all others', async () => {
    const environment = { BROKER_URL: 'broker://given', PATH: folder };
    const found = await findBroker(recipe('broker://given', 'broker://local'), environment);
    expect(found).toMatchObject({ url: 'broker://given', binary: join(folder, 'broker-server') });
  });

  it('refuses to test another when the one in the environment is silent, and hides its password', async () => {
    const found = findBroker(recipe('broker://local'), {
      BROKER_URL: 'broker://me:secret@given',
      PATH: folder,
    });
    await expect(found).rejects.toThrow(/BROKER_URL.*broker:\/\/\*\*\*@given/);
    await expect(found).rejects.not.toThrow('secret');
  });

  it('takes a running local one next', async () => {
    expect(await findBroker(recipe('broker://local'), { PATH: folder })).toMatchObject({
      url: 'broker://local',
    });
  });

  it('starts a private one from the binary on PATH next', async () => {
    expect(await findBroker(recipe(), { PATH: `/nowhere:${folder}` })).toMatchObject({
      url: 'broker://private',
    });
  });

  it('asks for a container next', async () => {
    const container = { url: 'broker://container', stop: () => Promise.resolve() };
    const withEngine = { ...recipe(), startContainer: () => Promise.resolve(container) };
    expect(await findBroker(withEngine, {})).toMatchObject({ url: 'broker://container', binary: undefined });
  });

  it('finds none at last', async () => {
    expect(await findBroker(recipe(), {})).toMatchObject({ url: undefined, binary: undefined });
  });
});

describe('BUSCHART_REQUIRE', () => {
  it('names brokers, with commas', () => {
    expect(requiredBrokers(' redis ,').has('redis')).toBe(true);
    expect(requiredBrokers(undefined).size).toBe(0);
  });

  it('is refused when it names one that nobody knows', () => {
    expect(() => requiredBrokers('redis,reddis')).toThrow(/reddis; it knows redis/);
  });
});
