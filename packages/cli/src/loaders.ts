/** What is loaded only when a command needs it, so that small commands start fast. */
export interface Loaders {
  server(): Promise<ServerModule>;
  bench(): Promise<BenchModule>;
  storage(): Promise<StorageModule>;
}

/** One setting of the server, as `@corvo/server` declares it. */
export interface ServerFlag {
  /** Without dashes. */
  name: string;
  kind: "text" | "bool" | "int" | "duration" | "bytes";
  /** As it would be typed. */
  default: string;
  description: string;
  oneOf?: readonly string[];
  /** Accepted only so that old command lines keep working. */
  ignored?: string;
}

export interface ServerModule {
  serverFlags: readonly ServerFlag[];
  /** Runs until it is told to stop; the number is the exit code. Values are those given on the command line, by flag name; `config` names a file. */
  runServer(given: Readonly<Record<string, string | boolean | undefined>>): Promise<number | void>;
}

export interface BenchModule {
  /** Runs a benchmark; the number is the exit code. Prints its own help for `--help`. */
  runBench(argv: readonly string[]): Promise<number | void>;
}

export interface StorageModule {
  verifyDataDirectory(directory: string, options: { repair: boolean }): Promise<VerifyReport>;
}

/** What the check of a stopped node's files found. */
export interface VerifyReport {
  files: readonly { path: string; records: number; bytes: number }[];
  problems: readonly { path: string; offset?: number; what: string; repaired?: boolean }[];
}
