import type { Loaders } from "./loaders.js";

/** Everything outside that the command line touches. One real implementation (`nodeIo`), one for tests. */
export interface Io {
  /** Data. */
  stdout(text: string | Uint8Array): void;
  /** Everything else. */
  stderr(text: string): void;
  stdoutIsTty: boolean;
  stderrIsTty: boolean;
  stdinIsTty: boolean;
  /** Width of the terminal in columns. */
  columns: number;
  env: Readonly<Record<string, string | undefined>>;
  /** Wall clock in ms. */
  nowMs(): number;
  hostname(): string;
  /** All of standard input as UTF-8. */
  readStdin(): Promise<string>;
  readFile(path: string): Promise<string>;
  /** Asks on the terminal and returns the line that was typed. */
  ask(question: string): Promise<string>;
  load: Loaders;
}
