import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findBroker } from '../../brokers/find.ts';
import { findKafka, findRabbit, findRedis } from '../../brokers/programs.ts';
import { type BrokerRecipe, recipes } from '../../brokers/recipes.ts';
import { neededBrokers, requiredBrokers } from '../support/brokers.ts';

describe('finding a broker for the tests', () => {
  /** A broker of which only these addresses answer. */
  function recipe(...answering: string[]): BrokerRecipe<string> {
    return {
      urlVariable: 'BROKER_URL',
      localUrl: 'broker://local',
      answers: (url) => Promise.resolve(answering.includes(url)),
      findProgram: () => Promise.resolve({ program: '/bin/broker' }),
      start: (program) => Promise.resolve({ url: `broker:/${program}`, stop: () => Promise.resolve() }),
      startContainer: () => Promise.resolve({ url: 'broker://container', stop: () => Promise.resolve() }),
    };
  }
  const uninstalled = { findProgram: () => Promise.resolve({ missing: 'No broker. Install it' }) };
  const without = { ...uninstalled, startContainer: () => Promise.resolve(undefined) };

  it('takes the address in the environment before all others', async () => {
    const environment = { BROKER_URL: 'broker://given' };
    const found = await findBroker(recipe('broker://given', 'broker://local'), environment);
    expect(found).toMatchObject({ url: 'broker://given', program: '/bin/broker', from: 'BROKER_URL' });
  });

  it('refuses to test another when the one in the environment is silent, and hides its password', async () => {
    const found = findBroker(recipe('broker://local'), { BROKER_URL: 'broker://me:secret@given' });
    await expect(found).rejects.toThrow(/BROKER_URL.*broker:\/\/\*\*\*@given/);
    await expect(found).rejects.not.toThrow('secret');
  });

  it('takes a running local one next', async () => {
    expect(await findBroker(recipe('broker://local'), { BROKER_URL: '' })).toMatchObject({
      url: 'broker://local',
      program: '/bin/broker',
    });
  });

  it('starts a private one next', async () => {
    expect(await findBroker(recipe(), {})).toMatchObject({ url: 'broker://bin/broker', missing: undefined });
  });

  it('asks for a container next', async () => {
    expect(await findBroker({ ...recipe(), ...uninstalled }, {})).toMatchObject({
      url: 'broker://container',
      program: undefined,
      missing: 'No broker. Install it',
    });
  });

  it('finds none at last, and says what to install', async () => {
    expect(await findBroker({ ...recipe(), ...without }, {})).toMatchObject({
      url: undefined,
      program: undefined,
      missing: 'No broker. Install it',
    });
  });

  it('goes that way with every broker, by variables and ports that people know', () => {
    expect(Object.values(recipes).map(({ urlVariable, localUrl }) => [urlVariable, localUrl])).toEqual([
      ['REDIS_URL', 'redis://127.0.0.1:6379'],
      ['RABBITMQ_URL', 'amqp://guest:guest@127.0.0.1:5672'],
      ['KAFKA_BOOTSTRAP_SERVERS', '127.0.0.1:9092'],
    ]);
  });
});

describe('finding the programs of a broker', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'buschart-programs-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function put(file: string, text = ''): Promise<string> {
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    await chmod(path, 0o755);
    return path;
  }
  const java = (version: string) => `#!/bin/sh\necho 'openjdk version "${version}" 2025-04-15' >&2\n`;

  it('takes the first redis-server on PATH', async () => {
    const program = await put('bin/redis-server');
    expect(await findRedis({ PATH: `/nowhere:${folder}/bin` })).toEqual({ program });
    expect((await findRedis({ PATH: '/nowhere' })).missing).toMatch(/apt-get install redis-server/);
  });

  /** A package's folder of scripts. */
  async function putRabbit(sbin: string): Promise<string> {
    for (const script of ['rabbitmqctl', 'rabbitmq-env']) await put(`${sbin}/${script}`);
    return put(`${sbin}/rabbitmq-server`);
  }
  async function putErlang(): Promise<void> {
    for (const tool of ['erl', 'epmd']) await put(`bin/${tool}`);
  }

  it('takes the newest RabbitMQ of the package, never the wrapper that changes the user', async () => {
    await putErlang();
    await putRabbit('usr/lib/rabbitmq/lib/rabbitmq_server-3.9.13/sbin');
    const program = await putRabbit('usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/sbin');
    for (const script of ['rabbitmqctl', 'rabbitmq-server']) await put(`usr/sbin/${script}`);
    expect(await findRabbit({ PATH: `${folder}/bin` }, folder)).toEqual({ program });
  });

  it('follows links on PATH to the true one, also by way of the wrapper', async () => {
    await putErlang();
    const program = await putRabbit('cellar/sbin');
    await symlink(program, join(folder, 'bin/rabbitmq-server'));
    expect(await findRabbit({ PATH: `${folder}/bin` }, folder)).toEqual({ program });

    const wrapper = await put('cellar/bin/wrapper');
    await rm(join(folder, 'bin/rabbitmq-server'));
    await symlink(wrapper, join(folder, 'bin/rabbitmq-server'));
    await symlink(program, join(folder, 'cellar/bin/rabbitmq-server'));
    expect(await findRabbit({ PATH: `${folder}/bin` }, folder)).toEqual({ program });
  });

  it('says what RabbitMQ lacks', async () => {
    const environment = { PATH: `${folder}/bin` };
    expect((await findRabbit(environment, folder)).missing).toMatch(/apt-get install rabbitmq-server/);
    await putRabbit('usr/lib/rabbitmq/lib/rabbitmq_server-4.0.5/sbin');
    expect((await findRabbit(environment, folder)).missing).toMatch(/erl,.* erlang-base/);
  });

  it('says what Kafka lacks', async () => {
    expect((await findKafka({ PATH: '/nowhere' }, folder)).missing).toMatch(/java.* default-jre-headless/);
    await put('old/java', java('1.8.0_402'));
    expect((await findKafka({ PATH: `${folder}/old` }, folder)).missing).toMatch(
      /needs Java 17, and .*old\/java is 1/,
    );
    await put('home/bin/java', java('21.0.1'));
    const environment = { JAVA_HOME: `${folder}/home`, PATH: `${folder}/old` };
    expect((await findKafka(environment, folder)).missing).toMatch(/mvn.* apt-get install maven/);
  });

  it('has Maven fetch the jars of Kafka once, for all who ask at the same time and later', async () => {
    await put('bin/java', java('17.0.15'));
    await put(
      'bin/mvn',
      `#!/bin/sh
echo run >> ${folder}/runs
for argument; do case $argument in -DoutputDirectory=*) output=\${argument#*=};; esac; done
/bin/sleep 0.3
echo jar > "$output/a.jar"
`,
    );
    const environment = { PATH: `${folder}/bin` };
    const cache = join(folder, 'cache');
    // Left by one that was interrupted.
    await put('cache/kafka-4.3.1.broken/a.jar');
    await put('cache/kafka.lock', '2147483646');
    const found = await Promise.all([1, 2, 3].map(() => findKafka(environment, cache)));
    found.push(await findKafka(environment, cache));
    const program = { java: join(folder, 'bin/java'), jars: join(cache, 'kafka-4.3.1') };
    expect(found).toEqual([1, 2, 3, 4].map(() => ({ program })));
    expect(await readFile(join(program.jars, 'a.jar'), 'utf8')).toBe('jar\n');
    expect(await readFile(join(folder, 'runs'), 'utf8')).toBe('run\n');
    expect(await readdir(cache)).toEqual(['kafka-4.3.1']);
  });

  it('leaves nothing, and says why, when Maven fails', async () => {
    await put('bin/java', java('17.0.15'));
    await put('bin/mvn', '#!/bin/sh\necho "[ERROR] no such host"\nexit 1\n');
    const found = findKafka({ PATH: `${folder}/bin` }, join(folder, 'cache'));
    await expect(found).rejects.toThrow('Maven could not fetch Kafka: [ERROR] no such host');
    expect(await readdir(join(folder, 'cache'))).toEqual([]);
  });
});

describe('the brokers of a run', () => {
  it('are those that its files are named after', () => {
    expect(
      neededBrokers(['/p/test/conformance/kafka.test.ts', '/p/test/transports/redis/tls.test.ts']),
    ).toEqual(['redis', 'kafka']);
    expect(neededBrokers(['/p/test/conformance/memory.test.ts'])).toEqual([]);
    expect(neededBrokers([])).toEqual([]);
  });

  it('are all where a file is named after none, whatever the folders above', () => {
    const all = ['redis', 'rabbitmq', 'kafka'];
    expect(neededBrokers(['/p/test/fault/crash.test.ts'])).toEqual(all);
    expect(
      neededBrokers(['/redis/test/fault/crash.test.ts', '/redis/test/conformance/memory.test.ts']),
    ).toEqual(all);
  });
});

describe('BUSCHART_REQUIRE', () => {
  it('names brokers, with commas', () => {
    expect(requiredBrokers(' redis ,').has('redis')).toBe(true);
    expect(requiredBrokers(undefined).size).toBe(0);
    expect(requiredBrokers('chromium').has('chromium')).toBe(true);
  });

  it('is refused when it names one that nobody knows', () => {
    expect(() => requiredBrokers('redis,reddis')).toThrow(/reddis; it knows redis, rabbitmq, kafka/);
  });
});
