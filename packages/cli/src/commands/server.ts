import type { ServerFlag } from "@corvo/server";
import type { CommandSpec } from "../command.js";
import { usageFailure } from "../failure.js";
import type { Session } from "../session.js";
import { closest } from "../similar.js";
import { wrapWords } from "../wrap.js";

type Given = Record<string, string>;

/** The server declares its flags itself; this turns a command line into values by flag name and hands them over unjudged. */
export const server: CommandSpec = {
  name: "server",
  group: "Server",
  summary: "run a server in the foreground",
  client: false,
  raw: true,
  examples: ["corvo server", "corvo server --bind 127.0.0.1:8080 --data-dir /var/lib/corvo", "CORVO_BIND=:9090 corvo server --config corvo.yaml"],
  async run(session, args) {
    const { serverFlags, runServer } = await session.io.load.server();
    if (args.includes("--help") || args.includes("-h")) return printHelp(session, serverFlags);
    const level = session.flags.logLevel;
    return await runServer(readFlags(serverFlags, level === undefined ? args : ["--log-level", level, ...args]));
  },
};

/** Flags as Go programs take them: `--name value`, `--name=value`; a bool alone means true. Later ones win. */
export function readFlags(flags: readonly ServerFlag[], args: readonly string[]): Given {
  const given: Given = {};
  for (let i = 0; i < args.length; i++) {
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(args[i]);
    if (!match) throw usageFailure(`unexpected argument "${args[i]}"`, "corvo server takes flags only: corvo server --help");
    const [, name, inline] = match;
    const flag = flags.find((each) => each.name === name);
    if (!flag && name !== "config") {
      const meant = closest(name, [...flags.map((each) => each.name), "config"]);
      throw usageFailure(`unknown flag --${name}`, `${meant ? `did you mean --${meant}?   ·   ` : ""}corvo server --help`);
    }
    const next = args[i + 1];
    if (inline !== undefined) given[name] = inline;
    else if (flag?.kind === "bool") given[name] = next === "true" || next === "false" ? args[++i] : "true";
    else if (next === undefined) throw usageFailure(`--${name} needs a value`, flag?.default ? `for example --${name} ${flag.default}` : undefined);
    else given[name] = args[++i];
  }
  return given;
}

function printHelp(session: Session, flags: readonly ServerFlag[]): void {
  const width = session.io.stdoutIsTty ? Math.max(60, Math.min(120, session.io.columns)) : 100;
  const rows: [string, string][] = [["--config <file>", "settings as YAML, keys named like the flags (CORVO_CONFIG)"]];
  for (const flag of flags) {
    if (flag.ignored) continue;
    rows.push([
      `--${flag.name}${flag.kind === "bool" ? "" : ` <${flag.kind}>`}`,
      `${flag.description}${flag.default === "" ? "" : ` (default: ${flag.default})`}`,
    ]);
  }
  const ignored = flags.filter((flag) => flag.ignored).map((flag) => `--${flag.name}`);
  const left = Math.max(...rows.map(([name]) => name.length)) + 4;
  session.line(`Examples:\n${server.examples.map((line) => `  ${line}\n`).join("")}\nUsage: corvo server [flags]\n\nRun a server in the foreground.\n\nFlags:`);
  for (const [name, description] of rows) session.line(`  ${name.padEnd(left - 2)}${wrapWords(description, width - left).join(`\n${" ".repeat(left)}`)}`);
  session.line("\nEach flag can also be set in the environment: CORVO_ and its name in capitals, for example CORVO_DATA_DIR.");
  if (ignored.length > 0) session.line(wrapWords(`Accepted and without effect here: ${ignored.join(", ")}.`, width).join("\n"));
}
