import { EventEmitter } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ConfigurationError, ConnectionError } from '../../../src/errors.ts';
import { probeHandler, stopOnSignals, type EventBus } from '../../../src/index.ts';
import { gate, memoryBus, ping, Pinged, settle } from '../../support/memory-bus.ts';
import { idleBus, scriptedBus } from '../../support/scripted-broker.ts';

describe('the health of a bus', () => {
  it('is live and ready while it consumes', async () => {
    const { bus } = await scriptedBus((made) => made.subscribe(Pinged, () => undefined));
    expect(await bus.healthCheck()).toEqual({
      status: 'healthy',
      state: 'consuming',
      live: true,
      ready: true,
      conditions: [],
      reasons: [],
    });
  });

  it('is live and not ready before it connects, and when it has lost its connection', async () => {
    const { bus, broker, clock } = idleBus();
    expect(await bus.healthCheck()).toMatchObject({ live: true, ready: false, conditions: ['idle'] });
    await bus.connect();
    expect(await bus.healthCheck()).toMatchObject({ live: true, ready: true, state: 'connected' });
    broker.connectFailure = new ConnectionError('down');
    broker.lose();
    await settle(clock);
    expect(await bus.healthCheck()).toMatchObject({ live: true, ready: false, conditions: ['connecting'] });
  });

  it('is not ready while the broker blocks what is published', async () => {
    const { bus, broker } = await scriptedBus(() => undefined);
    broker.connection?.onBlocked?.(true);
    expect(await bus.healthCheck()).toMatchObject({ live: true, ready: false, conditions: ['blocked'] });
    broker.connection?.onBlocked?.(false);
    expect(await bus.healthCheck()).toMatchObject({ ready: true });
  });

  it('is degraded and ready when a handler call was written off, and XState has nothing to say', async () => {
    const warned = vi.spyOn(console, 'warn');
    onTestFinished(() => warned.mockRestore());
    const { bus, broker, clock } = await scriptedBus((made) =>
      made.subscribe(Pinged, () => new Promise(() => undefined), { timeoutMs: 1000 }),
    );
    broker.deliver(ping());
    await clock.advance(20_000);
    expect(await bus.healthCheck()).toMatchObject({ live: true, ready: true, conditions: ['degraded'] });
    const stopped = bus.shutdown({ timeoutMs: 0 });
    await clock.advance(20_000);
    await stopped;
    expect(warned.mock.calls).toEqual([]);
  });

  it('is healthy and ready while it is paused, and says why nothing is handled', async () => {
    const { bus: inMemory } = memoryBus();
    const {
      bus: atBroker,
      broker,
      clock,
    } = await scriptedBus((made) => made.subscribe(Pinged, () => undefined));
    for (const bus of [inMemory, atBroker]) {
      bus.pause();
      expect(await bus.healthCheck()).toMatchObject({
        status: 'healthy',
        live: true,
        ready: true,
        conditions: ['paused'],
        reasons: ['paused by pause(): nothing more is handled until resume()'],
      });
      bus.resume();
      expect(await bus.healthCheck()).toMatchObject({ status: 'healthy', conditions: [], reasons: [] });
    }
    // What else is the matter counts as ever.
    atBroker.pause();
    broker.connectFailure = new ConnectionError('down');
    broker.lose();
    await settle(clock);
    expect(await atBroker.healthCheck()).toMatchObject({
      status: 'degraded',
      ready: false,
      conditions: ['paused', 'connecting'],
    });
  });

  it('is live and not ready while it drains, and not live when it has stopped', async () => {
    const ended = gate();
    const { bus, broker, clock } = await scriptedBus((made) => made.subscribe(Pinged, () => ended.promise));
    broker.deliver(ping());
    await settle(clock);
    const stopped = bus.shutdown();
    expect(await bus.healthCheck()).toMatchObject({ live: true, ready: false, conditions: ['draining'] });
    ended.open();
    await clock.advance(5000);
    await stopped;
    expect(await bus.healthCheck()).toMatchObject({ live: false, ready: false, conditions: ['stopped'] });
  });

  it('is not live when the broker refuses it', async () => {
    const { bus, broker } = idleBus();
    broker.connectFailure = new ConnectionError('wrong password', { retryable: false });
    await expect(bus.connect()).rejects.toThrow('wrong password');
    expect(await bus.healthCheck()).toMatchObject({ live: false, ready: false, conditions: ['failed'] });
  });
});

describe('a consumer that gets nothing although there is lag', () => {
  it('reads anew and says so, until it gets something', async () => {
    const seen: number[] = [];
    const { bus, broker, clock, logger } = await scriptedBus((made) =>
      made.subscribe(Pinged, ({ n }) => seen.push(n)),
    );
    const sources = () => broker.asked.filter((line) => line.startsWith('want')).length;
    await clock.advance(120_000);
    expect(sources()).toBe(0);
    broker.lag = () => Promise.resolve(3);
    await clock.advance(61_000);
    expect(sources()).toBeGreaterThan(0);
    expect(logger.at('warn')).toContain('The consumer reads anew: there was lag, and nothing came.');
    expect(await bus.healthCheck()).toMatchObject({
      live: true,
      ready: false,
      conditions: ['stalled'],
      reasons: ['the consumer reads anew: there was lag, and nothing came'],
    });
    broker.lag = () => Promise.resolve(0);
    broker.deliver(ping(7));
    await clock.advance(31_000);
    expect(seen).toEqual([7]);
    expect(await bus.healthCheck()).toMatchObject({ ready: true, conditions: [] });
  });

  it('is well again when others of its group have taken what was there', async () => {
    const { bus, broker, clock } = await scriptedBus((made) => made.subscribe(Pinged, () => undefined));
    broker.lag = () => Promise.resolve(3);
    await clock.advance(61_000);
    expect(await bus.healthCheck()).toMatchObject({ ready: false, conditions: ['stalled'] });
    broker.lag = () => Promise.resolve(0);
    await clock.advance(61_000);
    expect(await bus.healthCheck()).toMatchObject({ ready: true, conditions: [] });
  });
});

describe('a consumer whose reading ends', () => {
  it('says why, and once for the same again and again', async () => {
    const { bus, broker, clock, logger } = await scriptedBus((made) =>
      made.subscribe(Pinged, () => undefined),
    );
    const said = () => logger.at('warn').filter((line) => line.includes('reading ended'));
    for (const reason of ['no right to read', 'no right to read', 'no such group']) {
      broker.endReading(new ConnectionError(reason));
      await clock.advance(20_000);
    }
    expect(bus.state).toBe('consuming');
    expect(said()).toEqual([
      'The consumer reads anew: reading ended: no right to read.',
      'The consumer reads anew: reading ended: no such group.',
    ]);
  });

  it('for good leaves a bus that publishes, isn’t ready, and says so until it consumes again', async () => {
    const { bus, broker, logger, consumption } = await scriptedBus((made) =>
      made.subscribe(Pinged, () => undefined),
    );
    broker.endReading(new ConfigurationError('the queue has other arguments'));
    await expect(consumption.done).rejects.toThrow('other arguments');
    await bus.publish(ping());
    expect(await bus.healthCheck()).toMatchObject({
      status: 'degraded',
      live: true,
      ready: false,
      conditions: ['refused'],
      reasons: ['consuming has ended for good: the queue has other arguments'],
    });
    expect(logger.at('error')).toEqual(['Consuming has ended for good; what is published goes on.']);
    await bus.startConsumingInBackground();
    expect(await bus.healthCheck()).toMatchObject({ ready: true, conditions: [] });
  });
});

describe('probes', () => {
  it('answer for all buses, by path', async () => {
    const { bus } = memoryBus();
    const { bus: other } = memoryBus();
    const server = createServer(probeHandler([bus, other])).listen(0);
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const probe = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return [response.status, await response.text()] as const;
    };
    expect((await probe('/health/live'))[0]).toBe(200);
    const [status, body] = await probe('/ready?verbose');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ ready: true, buses: [{ state: 'consuming' }, {}] });
    await other.shutdown();
    expect((await probe('/ready'))[0]).toBe(503);
    expect((await probe('/live'))[0]).toBe(503);
    expect((await probe('/metrics'))[0]).toBe(404);
  });
});

describe('signals', () => {
  class OwnProcess extends EventEmitter {
    readonly exits: number[] = [];
    exit(code: number): void {
      this.exits.push(code);
    }
  }

  it('stop the buses, and end the process when what ran has ended', async () => {
    const own = new OwnProcess();
    const { bus } = memoryBus();
    const ended = gate();
    bus.subscribe(Pinged, () => ended.promise);
    void bus.publish(ping());
    const { stopped } = stopOnSignals(bus, { process: own });
    own.emit('SIGTERM', 'SIGTERM');
    expect(bus.state).toBe('draining');
    ended.open();
    expect(await stopped).toMatchObject([{ settled: 1, timedOut: false }]);
    await Promise.resolve();
    expect(own.exits).toEqual([0]);
  });

  it('end the process at once when a second one comes', async () => {
    const own = new OwnProcess();
    const { bus, clock } = memoryBus();
    bus.subscribe(Pinged, () => new Promise(() => undefined));
    void bus.publish(ping()).catch(() => undefined);
    stopOnSignals(bus, { process: own });
    own.emit('SIGTERM', 'SIGTERM');
    expect(own.exits).toEqual([]);
    own.emit('SIGINT', 'SIGINT');
    expect(own.exits).toEqual([130]);
    await clock.advance(40_000);
  });

  it('leave the process alone where it is asked for, and when disposed', async () => {
    const own = new OwnProcess();
    const { bus } = memoryBus();
    const stopping = stopOnSignals([bus], { process: own, exit: false, signals: ['SIGHUP'] });
    own.emit('SIGHUP', 'SIGHUP');
    await stopping.stopped;
    expect(own.exits).toEqual([]);
    stopping[Symbol.dispose]();
    expect(own.eventNames()).toEqual([]);
  });

  it('say by the exit code that a bus was timed out, or failed to stop', async () => {
    const own = new OwnProcess();
    const broken = { shutdown: () => Promise.reject(new Error('x')) } as unknown as EventBus;
    const stopping = stopOnSignals(broken, { process: own });
    own.emit('SIGTERM', 'SIGTERM');
    await expect(stopping.stopped).rejects.toThrow('x');
    await Promise.resolve();
    expect(own.exits).toEqual([1]);
  });
});
