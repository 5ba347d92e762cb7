import { Argument, Command, CommanderError, Option } from "commander";
import { type AnyCommand, type CommandGroup, type CommandSpec, type Flags, headings, isGroup } from "./command.js";
import { chosenContext } from "./contexts.js";
import { exitCodes, Failure, usageFailure } from "./failure.js";
import { helpTopics } from "./help-topics.js";
import type { Io } from "./io.js";
import { failureText, printFailure } from "./print-failure.js";
import { type CommonFlags, colorsFor, Session } from "./session.js";
import { closest } from "./similar.js";
import { durationFlagMs } from "./time.js";
import { wrapParagraphs } from "./wrap.js";

const common = "Common options:";
const outputFlags = [
  ["-o, --output <format>", "table, wide, json (the server's answer, byte for byte), ndjson, yaml, csv or name (bare ids)"],
  ["--output-json", "the server's answer as indented JSON, where Corvo v0.3 gave it"],
] as const;
const connectionFlags = [
  ["--server <url>", "server to talk to (CORVO_SERVER; http://localhost:8080)"],
  ["--api-key <key>", "key to sign in with (CORVO_API_KEY)"],
  ["-n, --namespace <name>", "namespace to work in (CORVO_NAMESPACE; the key's own)"],
  ["--context <name>", "server, key and namespace by name: corvo context (CORVO_CONTEXT)"],
  ["--timeout <duration>", "longest time to wait for an answer (CORVO_TIMEOUT; 30s)"],
] as const;
const styleFlags = [
  ["-y, --yes", "do not ask"],
  ["-q, --quiet", "only data and errors"],
  ["-v, --verbose", "show each call on stderr"],
  ["--color <when>", "auto, always or never (NO_COLOR)"],
] as const;

const listFlags = [
  ["--fields <paths>", "columns of your own choice, for example id,state,tags.tenant"],
  ["--no-headers", "no header line"],
] as const;
const dryRunFlag = ["--dry-run", "ask the server whether it would do it; nothing is changed"] as const;
const aboutAll = `Every command takes -o table|wide|json|ndjson|yaml|csv|name, --server URL (CORVO_SERVER; http://localhost:8080), --api-key KEY
(CORVO_API_KEY), -n NAMESPACE, --context NAME, --timeout, -q, -v and -y; what changes something also takes --dry-run.

More: corvo COMMAND --help   ·   ${Object.keys(helpTopics)
  .map((topic) => `corvo help ${topic}`)
  .join("   ·   ")}

Exit codes: 0 ok, 1 refused, 2 usage, 3 not found, 4 not allowed, 5 wrong state, 6 unreachable (try again), 7 partly done, 8 limit,
9 what was waited for did not come, 130 interrupted. CORVO_EXIT_CODES=legacy makes all failures 1.`;
/** Widest term in a list of commands. */
const termMax = 34;
const watchFlag = ["-w, --watch[=interval]", "again every 2s, or every interval, until Ctrl-C"] as const;

/** Runs one command line (without node and script) and returns its exit code. Never throws, never ends the process. */
export async function run(specs: readonly AnyCommand[], argv: readonly string[], io: Io): Promise<number> {
  const code = await runOnce(specs, normalised(specs, argv), io);
  return code !== exitCodes.ok && io.env.CORVO_EXIT_CODES === "legacy" ? 1 : code;
}

async function runOnce(specs: readonly AnyCommand[], argv: readonly string[], io: Io): Promise<number> {
  let code: number = exitCodes.ok;
  const program = buildProgram(specs, argv, io, (exitCode) => {
    code = exitCode;
  });
  try {
    const topic = argv[0] === "help" && argv.length === 2 ? helpTopics[argv[1]] : undefined;
    if (topic !== undefined) io.stdout(topic);
    else if (argv[0] === "help" && argv[1] !== undefined) explainCommand(program, argv[1]);
    else if (argv.length === 0) program.outputHelp();
    else await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    throw error;
  }
}

/** `corvo help COMMAND`. A word that is no command is an error, not a reason to print everything. */
function explainCommand(program: Command, name: string): void {
  const command = program.commands.find((each) => each.name() === name || each.aliases().includes(name));
  if (command && name !== "help") return command.outputHelp();
  if (name === "help" || name.startsWith("-")) return program.outputHelp();
  const words = [...program.commands.map((each) => each.name()), ...Object.keys(helpTopics)];
  const meant = closest(name, words);
  const topics = `topics: ${Object.keys(helpTopics).join(", ")}`;
  program.error(`unknown command '${name}'\n${meant ? `(Did you mean ${meant}?)` : `(${topics})`}`, { exitCode: exitCodes.usage });
}

/** Commands that the line does not name get their name and summary only: declaring every flag of every command takes 5 ms. */
function buildProgram(specs: readonly AnyCommand[], argv: readonly string[], io: Io, setCode: (code: number) => void): Command {
  const program = new Command("corvo");
  program.description("Corvo, a durable job queue: run a server, work with jobs and queues.").usage("<command>");
  program
    .enablePositionalOptions()
    .addHelpCommand(
      new Command("help").argument("[command | topic]").summary("help for a command, or about exit-codes, environment or output").helpGroup("This tool:"),
    )
    .configureHelp({ helpWidth: helpWidth(io), subcommandTerm: (command) => subcommandTerm(specs, command.name()) });
  program.addHelpText("before", examplesText(["corvo server", `corvo enqueue emails.send '{"to": "ada@example.com"}'`, "corvo status"]));
  program.addHelpText("after", `\n${wrapParagraphs(aboutAll, helpWidth(io))}`);
  settle(program, io, "corvo");
  for (const [flags, description] of [...outputFlags, ...connectionFlags, ...styleFlags]) program.addOption(new Option(flags, description).hideHelp());
  program.addOption(new Option("--log-level <level>").hideHelp());
  const inOrder = [...specs].sort((a, b) => headings.indexOf(a.group) - headings.indexOf(b.group));
  for (const spec of inOrder) {
    const named = [spec.name, ...(spec.aliases ?? [])].some((name) => argv.includes(name));
    if (!named) program.addCommand(namedOnly(spec));
    else program.addCommand(isGroup(spec) ? buildGroup(spec, argv, program, io, setCode) : buildCommand(spec, "", program, io, setCode));
  }
  return program;
}

function namedOnly(spec: AnyCommand): Command {
  return new Command(spec.name)
    .aliases([...(spec.aliases ?? [])])
    .summary(spec.summary)
    .helpGroup(`${spec.group}:`);
}

function buildGroup(group: CommandGroup, argv: readonly string[], program: Command, io: Io, setCode: (code: number) => void): Command {
  const command = namedOnly(group)
    .description(`${group.summary[0].toUpperCase()}${group.summary.slice(1)}.`)
    .usage("<command>");
  settle(command, io, `corvo ${group.name}`);
  command.helpCommand(false);
  command.configureHelp({ helpWidth: helpWidth(io), subcommandTerm: (sub) => subcommandTerm(group.subcommands, sub.name()) });
  command.addHelpText("before", examplesText(group.subcommands.map((spec) => spec.examples[0])));
  for (const spec of group.subcommands) {
    const named = [spec.name, ...(spec.aliases ?? [])].some((name) => argv.includes(name));
    const sub = named ? buildCommand(spec, `${group.name} `, program, io, setCode) : namedOnly(spec);
    command.addCommand(sub.helpGroup("Commands:"));
  }
  return command;
}

function buildCommand(spec: CommandSpec, prefix: string, program: Command, io: Io, setCode: (code: number) => void): Command {
  const command = namedOnly(spec).description(`${spec.summary[0].toUpperCase()}${spec.summary.slice(1)}.`);
  settle(command, io, `corvo ${prefix}${spec.name}`);
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
  const more = [spec.mutates && dryRunFlag, spec.watch && watchFlag, ...(spec.list ? listFlags : [])].filter((flag) => flag !== false && flag !== undefined);
  for (const [flags, description] of more) command.addOption(optionOf(flags, description));
  for (const [flags, description] of outputFlags) command.addOption(new Option(flags, description).helpGroup(common));
  const own = (flags: string): boolean => spec.flags?.some((flag) => flag.flags === flags) === true;
  if (spec.client)
    for (const [flags, description] of connectionFlags.filter(([flags]) => !own(flags))) command.addOption(new Option(flags, description).helpGroup(common));
  for (const [flags, description] of styleFlags) command.addOption(new Option(withoutTaken(flags, spec), description).helpGroup(common));
  command.addOption(new Option("--log-level <level>").hideHelp());
  command.addHelpText("before", examplesText(spec.examples));
  if (spec.notes) command.addHelpText("after", `\n${wrapParagraphs(spec.notes.join("\n"), helpWidth(io))}`);
  command.action(async () => {
    const flags = command.opts<Flags>();
    // A command's own --timeout is how long it waits, not how long an answer may take.
    const common = own("--timeout <duration>") ? { ...flags, timeout: program.opts().timeout } : flags;
    setCode(await runSpec(spec, command.args, flags, { ...program.opts(), ...common }, io));
  });
  return command;
}

/** `-q, --quiet` is `--quiet` where the command has a -q of its own. */
function withoutTaken(flags: string, spec: CommandSpec): string {
  const short = /^-\w, /.exec(flags)?.[0];
  return short !== undefined && spec.flags?.some((flag) => flag.flags.startsWith(short)) ? flags.slice(short.length) : flags;
}

/** Runs a command; what goes wrong is printed and becomes its exit code. */
async function runSpec(spec: CommandSpec, args: readonly string[], flags: Flags, commonFlags: CommonFlags, io: Io): Promise<number> {
  let session: Session | undefined;
  try {
    const context = spec.client ? await chosenContext(io, commonFlags.context, commonFlags.server) : undefined;
    if (context?.readOnly && (spec.changes || spec.mutates) && !commonFlags.dryRun)
      throw new Failure(exitCodes.notAllowed, `context ${context.name} is read-only`, {
        hint: `choose another with --context${spec.mutates ? ", or add --dry-run" : ""}`,
      });
    session = new Session(io, commonFlags, context);
    if (commonFlags.watch !== undefined) return await watch(session, commonFlags.watch, () => spec.run(session as Session, args, flags));
    return (await spec.run(session, args, flags)) ?? exitCodes.ok;
  } catch (error) {
    return printFailure(io, error, commonFlags);
  } finally {
    session?.close();
  }
}

/** Commander would take the next word as the interval; ours stands behind `=` only. */
function optionOf(flags: string, description: string): Option {
  const option = new Option(flags.replace("[=interval]", " <interval>"), description);
  if (flags.includes("[=")) option.flags = flags;
  return option;
}

/** Runs a command again and again: on a terminal in place, in a pipe one below the other. Ends with Ctrl-C. */
async function watch(session: Session, interval: string, run: () => Promise<number | void>): Promise<number> {
  const intervalMs = durationFlagMs("--watch", interval);
  if (intervalMs < 100) throw usageFailure(`--watch=${interval} is too often`, "100ms at least");
  const end = session.io.interruption();
  for (;;) {
    if (session.io.stdoutIsTty) session.io.stdout("\u001b[H\u001b[2J");
    const code = await run();
    if (typeof code === "number" && code !== exitCodes.ok) return code;
    await session.io.sleep(intervalMs, end);
    if (end.aborted) return exitCodes.interrupted;
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

/** Corvo's flags were Go's, where `--confirm=true` is a way to say `--confirm`; `--version` is the command; nouns may stand before their verbs. */
function normalised(specs: readonly AnyCommand[], argv: readonly string[]): string[] {
  if (argv[0] === "--version") return ["version", ...argv.slice(1)];
  if (argv[0] === "help" && argv.length > 2) return [...argv.slice(1), "--help"];
  if (argv[0] === "context" && argv[1] === "-") return ["context", "use", ...argv.slice(1)];
  const end = argv.indexOf("--");
  return withoutNoun(specs, argv).flatMap((arg, i) => {
    if (end >= 0 && i > end) return [arg];
    if (arg === "-w" || arg === "--watch") return ["--watch=2s"];
    const bool = /^(--output-json|--confirm|--disabled)=(true|false)$/.exec(arg);
    if (!bool) return [arg];
    return bool[2] === "true" ? [bool[1]] : [];
  });
}

/** `corvo job retry X` is `corvo retry X`, `corvo queue list` is `corvo queues`. */
function withoutNoun(specs: readonly AnyCommand[], argv: readonly string[]): readonly string[] {
  const [noun, verb] = argv;
  const heading = noun === "job" || noun === "jobs" ? "Jobs" : noun === "queue" ? "Queues" : undefined;
  if (heading === undefined || verb === undefined) return argv;
  if (heading === "Queues" && verb === "list") return ["queues", ...argv.slice(2)];
  const known = specs.some((spec) => spec.group === heading && [spec.name, ...(spec.aliases ?? [])].includes(verb));
  return known ? argv.slice(1) : argv;
}

function examplesText(examples: readonly string[]): string {
  return `Examples:\n${examples.map((line) => `  ${line}\n`).join("")}`;
}

/** What stands left of a summary; cut so that the summary has room at 80 columns. */
function subcommandTerm(specs: readonly AnyCommand[], name: string): string {
  const spec = specs.find((each) => each.name === name);
  if (!spec) return `${name} [command]`;
  const usage = isGroup(spec) ? spec.subcommands.map((sub) => sub.name).join("|") : spec.usage?.replace("[options] ", "");
  const forms = [usage, isGroup(spec) ? undefined : (spec.args ?? (spec.raw ? "[flags]" : ""))].filter((form) => form !== undefined);
  const fitting = forms.find((form) => name.length + 1 + form.length <= termMax);
  if (fitting !== undefined) return `${name} ${fitting}`.trim();
  const term = `${name} ${forms[0]}`;
  return `${term.slice(0, term.slice(0, termMax).search(/[ |][^ |]*$/))}${isGroup(spec) ? "|" : " "}…`;
}

/** Width of help: the terminal's between 60 and 120, and 100 in a pipe, so that it is the same everywhere. */
function helpWidth(io: Io): number {
  return io.stdoutIsTty ? Math.max(60, Math.min(120, io.columns)) : 100;
}
