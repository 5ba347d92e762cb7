import type { Session } from "./session.js";

/** One flag of a command, as commander reads it. */
export interface FlagSpec {
  /** Like `--max-retries <n>`. */
  flags: string;
  description: string;
  /** May be given several times; the value is a list. */
  repeated?: boolean;
}

/** Values of a command's own flags by their name in camel case. */
export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface CommandSpec {
  name: string;
  /** Positional arguments as in a usage line, for example `<queue> [payload]`. */
  args?: string;
  /** The usage line's arguments when commander's own would mislead. */
  usage?: string;
  group: "Jobs" | "Workers" | "Queues" | "Server";
  summary: string;
  /** Real command lines; help starts with them. */
  examples: readonly string[];
  /** Paragraphs below the flags. */
  notes?: readonly string[];
  flags?: readonly FlagSpec[];
  /** Without it the command talks to no server and takes none of the flags for that. */
  client: boolean;
  /** Arguments go to the command as they are: it reads its own flags and prints its own help. */
  raw?: boolean;
  /** The number is the exit code; undefined: 0. */
  run(session: Session, args: readonly string[], flags: Flags): Promise<number | void>;
}

/** A flag that takes one value; undefined: not given. */
export function text(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}

export function list(flags: Flags, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

export const requestIdFlag: FlagSpec = {
  flags: "--request-id <id>",
  description: "makes a retry safe: repeated with the same id within an hour, it happens once",
};
