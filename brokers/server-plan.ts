/** How to run one broker out of one folder, once for a test or day after day. */
export interface ServerPlan {
  /** What clients connect to; for Kafka a list of bootstrap servers, `127.0.0.1:9092`. */
  readonly url: string;
  /** Holds its data, configuration and log. */
  readonly folder: string;
  /** Makes what the programs read. Data that are there stay. */
  prepare(): Promise<void>;
  /** Started in this order; the last is the server itself, the others are there for it alone. */
  readonly programs: readonly ServerProgram[];
}

export interface ServerProgram {
  /** Names its log, `<name>.log`. */
  readonly name: string;
  readonly command: Command;
  readonly isReady: () => Promise<boolean>;
  /** How long it may take until it's ready. */
  readonly startTimeoutMs: number;
}

/** How to run a program. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Added to the environment of this process; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}
