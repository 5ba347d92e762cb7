import { Argument, Command, CommanderError, Option } from "commander";
import type { CommandSpec, Flags } from "./command.js";
import { exitCodes, Failure } from "./failure.js";
import type { Io } from "./io.js";
import { failureText, printFailure } from "./print-failure.js";
import { type CommonFlags, colorsFor, Session } from "./session.js";

const common = "Common options:";
const outputFlags = [
  ["-o, --output <format>", "table, json (the server's answer, byte for byte) or name (bare ids or names)"],
  ["--output-json", "the server's answer as indented JSON, where Corvo v0.3 gave it"],
] as const;
const connectionFlags = [
  ["--server <url>", "server to talk to (CORVO_SERVER; http://localhost:8080)"],
  ["--api-key <key>", "key to sign in with (CORVO_API_KEY)"],
  ["--timeout <duration>", "longest time to wait for an answer (CORVO_TIMEOUT; 30s)"],
] as const;
const styleFlags = [
  ["-y, --yes", "do not ask"],
  ["-q, --quiet", "only data and errors"],
  ["-v, --verbose", "show each call on stderr"],
  ["--color <when>", "auto, always or never (NO_COLOR)"],
] as const;

/** Runs one command line (without node and script) and returns its exit code. Never throws, never ends the process. */
export async function run(specs: readonly CommandSpec[], argv: readonly string[], io: Io): Promise<number> {
  const code = await runOnce(specs, normalised(argv), io);
  return code !== exitCodes.ok && io.env.CORVO_EXIT_CODES === "legacy" ? 1 : code;
}

async function runOnce(specs: readonly CommandSpec[], argv: readonly string[], io: Io): Promise<number> {
  let code: number = exitCodes.ok;
  const program = buildProgram(specs, argv, io, (exitCode) => {
    code = exitCode;
  });
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    throw error;
  }
}

/** Commands that the line does not name get their name and summary only: declaring every flag of every command takes 5 ms. */
function buildProgram(specs: readonly CommandSpec[], argv: readonly string[], io: Io, setCode: (code: number) => void): Command {
  const program = new Command("corvo");
  program.description("Corvo, a durable job queue: run a server, work with jobs and queues.").usage("<command>");
  program
    .enablePositionalOptions()
    .addHelpCommand(new Command("help").argument("[command]").summary("help for a command").helpGroup("Server:"))
    .configureHelp({ helpWidth: helpWidth(io), subcommandTerm: (command) => subcommandTerm(specs, command.name()) });
  program.addHelpText("before", examplesText(["corvo server", `corvo enqueue emails.send '{"to": "ada@example.com"}'`, "corvo status"]));
  program.addHelpText(
    "after",
    `\nExit codes: 0 ok, 1 refused, 2 usage, 3 not found, 4 not allowed, 5 wrong state, 6 unreachable (try again), 7 partly done, 8 limit.
CORVO_EXIT_CODES=legacy makes all failures 1.`,
  );
  settle(program, io, "corvo");
  for (const [flags, description] of [...outputFlags, ...connectionFlags, ...styleFlags]) program.addOption(new Option(flags, description).hideHelp());
  program.addOption(new Option("--log-level <level>").hideHelp());
  for (const spec of specs) program.addCommand(argv.includes(spec.name) ? buildCommand(spec, program, io, setCode) : namedOnly(spec));
  return program;
}

function namedOnly(spec: CommandSpec): Command {
  return new Command(spec.name).summary(spec.summary).helpGroup(`${spec.group}:`);
}

function buildCommand(spec: CommandSpec, program: Command, io: Io, setCode: (code: number) => void): Command {
  const command = namedOnly(spec).description(`${spec.summary[0].toUpperCase()}${spec.summary.slice(1)}.`);
  settle(command, io, `corvo ${spec.name}`);
  command.configureHelp({ helpWidth: helpWidth(io) });
  if (spec.raw) {
    command.argument("[arguments...]").allowUnknownOption().passThroughOptions().helpOption(false);
    command.action(async (args: string[]) => setCode(await runSpec(spec, args, {}, program.opts(), io)));
    return command;
  }
  for (const arg of spec.args?.split(" ") ?? []) command.addArgument(new Argument(arg));
  if (spec.usage) command.usage(spec.usage);
  for (const flag of spec.flags ?? []) {
    const option = new Option(flag.flags, flag.description);
    if (flag.repeated) option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
    command.addOption(option);
  }
  for (const [flags, description] of outputFlags) command.addOption(new Option(flags, description).helpGroup(common));
  if (spec.client) for (const [flags, description] of connectionFlags) command.addOption(new Option(flags, description).helpGroup(common));
  for (const [flags, description] of styleFlags) command.addOption(new Option(flags, description).helpGroup(common));
  command.addOption(new Option("--log-level <level>").hideHelp());
  command.addHelpText("before", examplesText(spec.examples));
  if (spec.notes) command.addHelpText("after", `\n${spec.notes.join("\n")}`);
  command.action(async () => {
    const flags = command.opts<Flags>();
    setCode(await runSpec(spec, command.args, flags, { ...program.opts(), ...flags }, io));
  });
  return command;
}

/** Runs a command; what goes wrong is printed and becomes its exit code. */
async function runSpec(spec: CommandSpec, args: readonly string[], flags: Flags, commonFlags: CommonFlags, io: Io): Promise<number> {
  let session: Session | undefined;
  try {
    session = new Session(io, commonFlags);
    return (await spec.run(session, args, flags)) ?? exitCodes.ok;
  } catch (error) {
    return printFailure(io, error, commonFlags);
  } finally {
    session?.close();
  }
}

/** Errors of usage as every other error looks, help on stdout, and no end of the process. */
function settle(command: Command, io: Io, name: string): void {
  command.exitOverride();
  command.configureOutput({
    writeOut: (text) => io.stdout(text),
    writeErr: (text) => io.stderr(text),
    outputError: (text) => {
      const [first, ...rest] = text.trimEnd().split("\n");
      const meant = /^\(Did you mean (.*)\?\)$/.exec(rest.join(" "))?.[1];
      const colors = colorsFor(undefined, io.stderrIsTty, io.env);
      const message = first
        .replace(/^error: /, "")
        .replace(/'([^']*)'/g, '"$1"')
        .replace(/\.$/, "");
      io.stderr(failureText(new Failure(exitCodes.usage, message, { hint: `${meant ? `did you mean ${meant}?   ·   ` : ""}${name} --help` }), colors));
    },
  });
}

/** Corvo's flags were Go's, where `--confirm=true` is a way to say `--confirm`; and `--version` is the command. */
function normalised(argv: readonly string[]): string[] {
  if (argv[0] === "--version") return ["version", ...argv.slice(1)];
  const end = argv.indexOf("--");
  return argv.flatMap((arg, i) => {
    const bool = end >= 0 && i > end ? null : /^(--output-json|--confirm)=(true|false)$/.exec(arg);
    if (!bool) return [arg];
    return bool[2] === "true" ? [bool[1]] : [];
  });
}

function examplesText(examples: readonly string[]): string {
  return `Examples:\n${examples.map((line) => `  ${line}\n`).join("")}`;
}

function subcommandTerm(specs: readonly CommandSpec[], name: string): string {
  const spec = specs.find((each) => each.name === name);
  if (!spec) return `${name} [command]`;
  return [name, spec.usage?.replace("[options] ", "") ?? spec.args, spec.raw && "[flags]"].filter(Boolean).join(" ");
}

/** Width of help: the terminal's between 60 and 120, and 100 in a pipe, so that it is the same everywhere. */
function helpWidth(io: Io): number {
  return io.stdoutIsTty ? Math.max(60, Math.min(120, io.columns)) : 100;
}
