import { setTimeout as pause } from 'node:timers/promises';

export interface RunningBroker {
  readonly url: string;
  stop(): Promise<void>;
}

export interface ContainerOptions {
  readonly image: string;
  /** Inside. */
  readonly port: number;
  /** Outside; any, if it isn't given. */
  readonly hostPort?: number;
  /** @param host Where the container's ports are reached. */
  readonly environment?: (host: string) => Record<string, string>;
  readonly url: (address: string) => string;
  readonly answers: (url: string) => Promise<boolean>;
}

/** Undefined when no Docker engine answers within 5 seconds; the image may then take two minutes to come. */
export async function startContainer(options: ContainerOptions): Promise<RunningBroker | undefined> {
  const { image, port, hostPort, environment, url, answers } = options;
  const { GenericContainer, getContainerRuntimeClient } = await import('testcontainers');
  const engine = await Promise.race([
    getContainerRuntimeClient().catch(() => undefined),
    pause(5_000, undefined, { ref: false }),
  ]);
  if (engine === undefined) return undefined;
  const { host } = engine.info.containerRuntime;
  const container = await new GenericContainer(image)
    .withExposedPorts(hostPort === undefined ? port : { container: port, host: hostPort })
    .withEnvironment(environment?.(host) ?? {})
    .withStartupTimeout(120_000)
    .start();
  const stop = async () => void (await container.stop());
  const address = url(`${container.getHost()}:${container.getMappedPort(port)}`);
  const deadline = performance.now() + 60_000;
  while (!(await answers(address))) {
    if (performance.now() > deadline) {
      await stop();
      throw new Error(`${image} did not answer at ${address} within a minute`);
    }
    await pause(200);
  }
  return { url: address, stop };
}
