import type { Loaders } from "./loaders.js";
import type { ProgramCall, RunningProgram } from "./programs.js";

/** Everything outside that the command line touches. One real implementation (`nodeIo`), one for tests. */
export interface Io {
  /** Data. */
  stdout(text: string | Uint8Array): void;
  /** Everything else. */
  stderr(text: string): void;
  stdoutIsTty: boolean;
  stderrIsTty: boolean;
  stdinIsTty: boolean;
  /** Size of the terminal now, in columns and lines. */
  columns: number;
  rows: number;
  env: Readonly<Record<string, string | undefined>>;
  /** Wall clock in ms. */
  nowMs(): number;
  hostname(): string;
  machine: Machine;
  /** All of standard input as UTF-8. */
  readStdin(): Promise<string>;
  readFile(path: string): Promise<string>;
  /** Permission bits of a file, like 0o600. */
  fileMode(path: string): Promise<number>;
  /** Writes a file that only its owner can read, and the folders above it; whole or not at all. */
  writeFile(path: string, text: string): Promise<void>;
  /** False: a directory, or nothing. */
  isFile(path: string): Promise<boolean>;
  /** Writes a file that only its owner can read from what comes, whole or not at all; returns its length. An existing one is not replaced. */
  receive(path: string, parts: AsyncIterable<Uint8Array>): Promise<number>;
  /** A file's bytes, part by part. */
  readParts(path: string): AsyncIterable<Uint8Array>;
  /** Runs a line of shell and returns what it printed. */
  runShell(line: string): Promise<string>;
  /** Starts a program; it runs until it ends or is killed. */
  startProgram(call: ProgramCall): Promise<RunningProgram>;
  /** Whether a name or path is a program that this user may start. */
  isProgram(file: string): Promise<boolean>;
  /** Makes a new folder for things that may go; its name begins so. */
  temporaryFolder(prefix: string): Promise<string>;
  /** Removes a folder with all that is in it. */
  removeFolder(path: string): Promise<void>;
  /** Asks on the terminal and returns the line that was typed. */
  ask(question: string): Promise<string>;
  /** Ends early when `until` is aborted. */
  sleep(ms: number, until?: AbortSignal): Promise<void>;
  /** From the first call on, Ctrl-C (and TERM) aborts this signal instead of ending the process; a second one ends it. */
  interruption(): AbortSignal;
  /** Keys as they are pressed, without echo, until the returned function is called; only where standard input is a terminal. */
  onKey(listener: (key: string) => void): () => void;
  /** Calls back when the terminal changes its size, until the returned function is called. */
  onResize(listener: () => void): () => void;
  load: Loaders;
}

/** What `corvo doctor` looks at on this machine. */
export interface Machine {
  /** Node's, like `22.1.0`. */
  version: string;
  /** The file system below a directory; undefined: there is no such directory. */
  room(path: string): Promise<Room | undefined>;
  /** Whether a process with this number runs. */
  runs(pid: number): boolean;
}

export interface Room {
  freeBytes: number;
  totalBytes: number;
  writable: boolean;
  /** `memory`: gone with a restart; `network`: on another machine. */
  kind: "disk" | "memory" | "network";
}
