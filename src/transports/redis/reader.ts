import type { Delivery, Source } from '../../contracts/transport.ts';
import { ConnectionError, EventBusError } from '../../errors.ts';
import { Arrivals } from './arrivals.ts';
import type { ReadEntry } from './arrivals.ts';
import { Claims } from './claims.ts';
import type { Claimed } from './claims.ts';
import { ensureGroup } from './groups.ts';
import type { Ledger } from './ledger.ts';
import type { Link } from './link.ts';
import type { RedisSettings } from './options.ts';
import { ReadAhead } from './read-ahead.ts';
import type { ReadListener } from './read-ahead.ts';
import { Pulled } from './pulled.ts';
import type { ReaderHost } from './reader-host.ts';
import { connectionError, driverError, isMissingGroup, isRefused } from './server-errors.ts';
import { Sweeper } from './sweeper.ts';

/** Reads the main stream and the group's replays by one blocking call, as far as the window has room. */
export class RedisReader implements Source, ReadListener {
  readonly window: number;
  readonly #host: ReaderHost;
  readonly #ledger: Ledger;
  readonly #settings: RedisSettings;
  readonly #arrivals: Arrivals;
  readonly #pulled: Pulled;
  readonly #claims: Claims;
  readonly #sweeper: Sweeper;
  readonly ready: Promise<void>;
  /** Settles whether or not reading has begun. */
  readonly #starting: Promise<void>;
  readonly #onChange = () => this.#onRoom();
  #link: Link | undefined;
  #reads: ReadAhead | undefined;
  #isPaused = false;
  #isStopped = false;
  /** Nobody iterates any more. */
  #isOver = false;
  #failure: Error | undefined;
  #recovery: Promise<void> | undefined;
  /** Winding up after the server refused what reading needs. */
  #refusal: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #roomWaiters: (() => void)[] = [];
  #stopping: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(host: ReaderHost, ledger: Ledger, settings: RedisSettings) {
    this.window = 2 * settings.batchSize;
    this.#host = host;
    this.#ledger = ledger;
    this.#settings = settings;
    const { redis } = host.commands;
    this.#pulled = new Pulled(ledger, this.window);
    this.#arrivals = new Arrivals(redis, (deliveries) => {
      this.#pulled.add(deliveries);
      if (this.#isOver && !this.#isStopped) this.#pulled.forget();
      this.#wakeUp();
    });
    // What reads in flight reserve doesn't count: they may wait for ever, and would leave claims no place.
    const room = () => this.freePlaces();
    this.#claims = new Claims(redis, ledger, room, (claimed) => this.#takeOver(claimed));
    this.#sweeper = new Sweeper(redis, ledger, settings, this.#claims);
    ledger.onChange = this.#onChange;
    let begun = () => {};
    this.ready = new Promise((resolve) => (begun = resolve));
    this.#starting = this.#start().then(
      () => (this.#isStopped || this.#failure !== undefined ? undefined : begun()),
      (error: unknown) => this.#breakDown(driverError(error)),
    );
  }

  pause(): void {
    this.#isPaused = true;
    void this.#sweeper.stop();
    // A read that blocks would still take what comes next. If this fails the connection is lost anyway.
    void this.#reads?.end(this.#host.commands).catch(() => undefined);
  }

  resume(): void {
    this.#isPaused = false;
    if (this.wantsMore()) this.#sweeper.start();
    this.#onRoom();
  }

  /** The connection is gone: what arrived is still yielded, then the iteration throws. */
  fail(error: Error): void {
    this.#failure ??= error;
    void this.#sweeper.stop();
    this.#onRoom();
    this.#wakeUp();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Delivery[], void, undefined> {
    try {
      while (!this.#isStopped) {
        const batch = this.#isPaused ? [] : this.#pulled.next();
        if (batch.length > 0) {
          yield batch;
        } else if (this.#failure !== undefined && (this.#isPaused || this.#pulled.length === 0)) {
          this.#pulled.forget();
          throw this.#failure;
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve));
        }
      }
    } finally {
      this.#isOver = true;
      if (this.#failure === undefined) await this.stop();
      else this.#pulled.forget();
    }
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  freePlaces(): number {
    return this.window - this.#ledger.occupied;
  }

  wantsMore(): boolean {
    const isHeld = this.#recovery !== undefined || this.#refusal !== undefined;
    return !this.#isPaused && !this.#isStopped && this.#failure === undefined && !isHeld;
  }

  arrived(stream: string, entries: readonly ReadEntry[]): void {
    const { main, replays } = this.#ledger;
    this.#arrivals.fresh(stream === main.stream ? main : replays, entries);
  }

  failed(error: unknown): void {
    if (isMissingGroup(error)) this.#recovery ??= this.#recoverGroup();
    else this.#breakDown(driverError(error));
  }

  async #start(): Promise<void> {
    const { group, consumer, main, replays } = this.#ledger;
    await ensureGroup(this.#host.commands.redis, this.#ledger);
    await this.#ledger.live();
    const { link, clientId } = await this.#host.openReader();
    this.#link = link;
    const room = () => this.#roomMade();
    await this.#claims.recoverOwn(room);
    await this.#claims.takeUp(room);
    const { batchSize, blockMs } = this.#settings;
    const target = { streams: [main.stream, replays.stream], group, consumer, batchSize, blockMs } as const;
    this.#reads = new ReadAhead(link, clientId, target, this);
    if (!this.wantsMore()) return;
    this.#sweeper.start();
    this.#reads.pump();
  }

  #takeOver({ ledger, entries, trimmed }: Claimed): void {
    this.#arrivals.claimed(ledger, entries);
    if (entries.length > 0) this.#notice('claimed', entries.length, `taken over on ${ledger.stream}`);
    if (trimmed > 0) this.#notice('trimmed', trimmed, `gone from ${ledger.stream} before they were handled`);
  }

  /** Somebody deleted stream or group, or flushed the server. */
  async #recoverGroup(): Promise<void> {
    try {
      const made = await ensureGroup(this.#host.commands.redis, this.#ledger);
      if (made > 0) this.#notice('group-recreated', made, `group ${this.#ledger.group} was gone`);
      if (!this.#isStopped) await this.#ledger.live();
      this.#recovery = undefined;
      this.#reads?.pump();
    } catch (error) {
      this.#breakDown(driverError(error));
    }
  }

  #onRoom(): void {
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
    if (this.#pulled.length > 0) this.#wakeUp();
    this.#reads?.pump();
  }

  async #roomMade(): Promise<void> {
    while (this.freePlaces() < 1 && !this.#isStopped && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isStopped) throw new ConnectionError('The source was stopped');
  }

  async #stop(): Promise<void> {
    this.#isStopped = true;
    this.#onRoom();
    await this.#starting;
    await this.#recovery;
    await this.#refusal;
    await this.#sweeper.stop();
    try {
      await this.#reads?.end(this.#host.commands);
      await this.#arrivals.settled();
      await this.#pulled.release();
    } catch {
      this.#pulled.forget();
    }
    this.#wakeUp();
  }

  async #close(): Promise<void> {
    await this.stop();
    await this.#ledger.stored();
    await this.#link?.destroy();
    this.#host.left(this);
    // The ledger may serve another reader by now: the next connection's, or one that came after a refusal.
    if (this.#ledger.onChange !== this.#onChange) return;
    this.#ledger.onChange = undefined;
    await this.#ledger.leave().catch(() => undefined);
  }

  #breakDown(cause: Error): void {
    if (this.#isStopped || this.#failure !== undefined) return;
    const isLost = !this.#host.commands.isOpen || this.#link?.isOpen === false;
    if (isRefused(cause)) this.#refusal ??= this.#starting.then(() => this.#endAlone(cause));
    // The end of a socket names its cause, the commands that it takes along don't.
    else if (!isLost || cause instanceof EventBusError) this.#host.fail(cause);
  }

  /** The connection is sound: whoever subscribes again may have more luck, another connection would have none. */
  async #endAlone(cause: Error): Promise<void> {
    const { commands } = this.#host;
    // The next source looks once for what stands under our name: no read of ours may bring more after that.
    await this.#reads?.end(commands).catch(() => undefined);
    await this.#sweeper.stop();
    await this.#arrivals.settled();
    await this.#link?.destroy();
    this.fail(connectionError('Could not read from', commands.where, cause));
    this.#host.left(this);
  }

  #notice(kind: 'group-recreated' | 'trimmed' | 'claimed', count: number, detail: string): void {
    this.#ledger.notice?.({ kind, count, detail });
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
