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

/** Headings of the help, in its order. */
export const headings = ["Jobs", "Workers", "Queues", "Agents and money", "Schedules", "Watch", "Operations", "Access", "Server", "This tool"] as const;
export type Heading = (typeof headings)[number];

export interface CommandSpec {
  /** One word. */
  name: string;
  /** Other words for it; they are not listed. */
  aliases?: readonly string[];
  /** Positional arguments as in a usage line, for example `<queue> [payload]`. */
  args?: string;
  /** The usage line's arguments when commander's own would mislead. */
  usage?: string;
  /** Heading in the help; inside a group it does not show. */
  group: Heading;
  summary: string;
  /** Real command lines; help starts with them. */
  examples: readonly string[];
  /** Paragraphs below the flags. */
  notes?: readonly string[];
  flags?: readonly FlagSpec[];
  /** Without it the command talks to no server and takes none of the flags for that. */
  client: boolean;
  /** It changes something on the server: takes --dry-run, which adds `validate_only` to every call that is not a GET. */
  mutates?: boolean;
  /** It changes something and can not be asked whether it would: refused in a read-only context, as what mutates is. */
  changes?: boolean;
  /** It only reads: takes --watch, which runs it again and again. */
  watch?: boolean;
  /** Prints tables by printList: takes --fields and --no-headers. */
  list?: boolean;
  /** Arguments go to the command as they are: it reads its own flags and prints its own help. */
  raw?: boolean;
  /** The number is the exit code; undefined: 0. */
  run(session: Session, args: readonly string[], flags: Flags): Promise<number | void>;
}

/** Commands under one noun: `corvo budget set …`. Typed alone it shows its help. */
export interface CommandGroup {
  name: string;
  aliases?: readonly string[];
  group: Heading;
  summary: string;
  subcommands: readonly CommandSpec[];
}

export type AnyCommand = CommandSpec | CommandGroup;

export function isGroup(command: AnyCommand): command is CommandGroup {
  return "subcommands" in command;
}

/** Every command that runs, with the words that name it: `["budget", "set"]`. */
export function leaves(commands: readonly AnyCommand[]): { path: readonly string[]; spec: CommandSpec }[] {
  return commands.flatMap((command) =>
    isGroup(command) ? command.subcommands.map((spec) => ({ path: [command.name, spec.name], spec })) : [{ path: [command.name], spec: command }],
  );
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
