import { beforeAll, expect, test } from "vitest";
import { type AnyCommand, isGroup } from "../../packages/cli/src/command.js";
import { commands } from "../../packages/cli/src/commands.js";
import { type Outcome, runCli, shellWords } from "../../packages/cli/src/testing/run-cli.js";
import { serve, type TestServer } from "../../server/test/harness.js";
import type { Values, World } from "../rest/row.js";
import { deeply, filled } from "../rest/run-rows.js";
import { fault, type Shape } from "../rest/shape.js";
import { compareOrWrite } from "../status/compare.js";
import { notYet } from "./not-yet.js";
import type { CliCase, CliRow } from "./row.js";
import { cliSections } from "./rows.js";

let server: TestServer;
beforeAll(async () => {
  server = await serve();
});

interface Ran {
  row: CliRow;
  case: CliCase;
  verdict: "as specified" | "missing" | "differs";
  /** Exit code and what was said, made-up ids under their names. */
  said: string;
  fault?: string;
}
const ran = new Map<string, Ran[]>();

test.each(cliSections)("every row of “$title” does as specified, or does not exist yet", async ({ title, rows }) => {
  let queues = 0;
  const world: World = {
    servers: { open: server.rest, guarded: server.rest },
    rest: server.rest,
    queue: () => `cli.${title.slice(0, 2).toLowerCase()}.${++queues}`,
  };
  const all: Ran[] = [];
  for (const row of rows) for (const each of row.cases) all.push(await runOne(row, each, world));
  ran.set(title, all);
  const wrong = all.filter(({ verdict, case: { line } }) => verdict === "differs" && !notYet.has(line));
  expect(wrong.map(({ case: { line }, fault }) => `corvo ${line}: ${fault}`)).toEqual([]);
});

test("every command has a row", () => {
  const lines = cliSections.flatMap(({ rows }) => rows.flatMap(({ cases }) => cases.flatMap(({ line }) => line.split(" | corvo "))));
  const names = (group: AnyCommand): string[] => [group.name, ...(group.aliases ?? [])];
  const without = commands
    .flatMap((command) => (isGroup(command) ? command.subcommands.map((one) => names(command).map((name) => `${name} ${one.name}`)) : [names(command)]))
    .filter((ways) => !lines.some((line) => ways.some((way) => `${line} `.startsWith(`${way} `))));
  expect(without.map(([way]) => `corvo ${way}`)).toEqual([]);
});

test("docs/cli-status.md says what every row does", () => {
  compareOrWrite("docs/cli-status.md", table(cliSections.map(({ title }) => ({ title, ran: ran.get(title) ?? [] }))));
});

test("seed demo leaves jobs in every state", async () => {
  const fresh = await serve();
  expect((await runCli(["seed", "demo", "-q"], { nowMs: Date.now, env: { CORVO_SERVER: fresh.url } })).code).toBe(0);
  const queues = (await fresh.rest.get("queues")).json as Record<string, number>[];
  for (const state of ["pending", "active", "held", "completed", "dead", "scheduled", "retrying", "cancelled"])
    expect([state, queues.reduce((sum, queue) => sum + queue[state], 0) > 0]).toEqual([state, true]);
  await fresh.stop();
});

async function runOne(row: CliRow, each: CliCase, world: World): Promise<Ran> {
  let values: Values = {};
  let outcome: Outcome;
  try {
    values = (await each.given?.(world)) ?? {};
    outcome = await runLine(filled(each.line, values), each, values);
  } catch (error) {
    return { row, case: each, verdict: "differs", said: "–", fault: (error as Error).message };
  }
  const said = shortly(outcome, values);
  const unknown = each.err ? /^error: unknown command/ : /^error: (unknown command|unknown option|too many arguments)/;
  const absent = /answered 405|answered 404: 404 page not found/.test(outcome.err);
  if (absent || (outcome.code === 2 && unknown.test(outcome.err))) return { row, case: each, verdict: "missing", said };
  const wrong = differs(each, outcome, values);
  return { row, case: each, verdict: wrong === undefined ? "as specified" : "differs", said, fault: wrong };
}

/** `search … | corvo bulk …`: what the first prints is the second's input. */
async function runLine(line: string, each: CliCase, values: Values): Promise<Outcome> {
  let stdin = filled(each.around?.stdin ?? "", values);
  let outcome: Outcome | undefined;
  for (const part of line.split(" | corvo ")) {
    outcome = await runCli(shellWords(part), { nowMs: Date.now, ...each.around, stdin, env: { CORVO_SERVER: server.url, ...each.around?.env } });
    if (outcome.code !== 0) return outcome;
    stdin = outcome.out;
  }
  if (!outcome) throw new Error("no line");
  return outcome;
}

function differs(each: CliCase, outcome: Outcome, values: Values): string | undefined {
  const told = `${outcome.code}: ${outcome.err || outcome.out}`.slice(0, 300);
  if (outcome.code !== (each.code ?? 0)) return `exit code ${each.code ?? 0} expected, ${told}`;
  const { out = undefined, err = undefined } = each;
  const named = (text: string) => byName(text, values);
  if (typeof out === "string" && outcome.out !== filled(out, values)) return `prints ${JSON.stringify(outcome.out.slice(0, 300))}`;
  if (out instanceof RegExp && !out.test(outcome.out) && !out.test(named(outcome.out)))
    return `prints ${JSON.stringify(named(outcome.out).slice(0, 300))}, not like ${out}`;
  if (err && !err.test(outcome.err) && !err.test(named(outcome.err))) return `says ${JSON.stringify(named(outcome.err))}, not like ${err}`;
  if (each.json === undefined) return undefined;
  try {
    return fault(deeply(each.json, values) as Shape, JSON.parse(outcome.out), "output");
  } catch {
    return `prints no JSON: ${JSON.stringify(outcome.out.slice(0, 200))}`;
  }
}

function byName(text: string, values: Values): string {
  let named = text;
  for (const [name, value] of Object.entries(values)) if (String(value).length > 2) named = named.replaceAll(String(value), `{${name}}`);
  return named;
}

/** The first line that was said, the same in every run. */
function shortly(outcome: Outcome, values: Values): string {
  const line = byName((outcome.code === 0 ? outcome.out : outcome.err).split("\n")[0], values)
    .replaceAll(/(job|sched|batch|wh|apol|budget|bulk|evt)_[0-9a-z_]{8,}/g, "$1_…")
    .replaceAll(/127\.0\.0\.1:\d+/g, "HOST")
    .replaceAll(/run@(\w+):\d+/g, "run@$1:PID")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/\b\d\d:\d\d:\d\d\b/g, "TIME")
    .replaceAll(/\$\d+\.\d\d/g, "$1.00")
    .replaceAll(/\b\d+ms\b/g, "1ms")
    .replaceAll(/\(commit: [^)]*\)/g, "(commit: …)");
  return `${outcome.code}${line && !/^[{[]/.test(line) ? ` ${line.length > 90 ? `${line.slice(0, 90)}…` : line}` : ""}`;
}

function table(sections: readonly { title: string; ran: readonly Ran[] }[]): string {
  const all = sections.flatMap((section) => section.ran);
  const rows = [...new Set(all.map(({ row }) => row))];
  const whole = rows.filter((row) => all.every((each) => each.row !== row || each.verdict === "as specified"));
  const missing = rows.filter((row) => all.some((each) => each.row === row && each.verdict === "missing"));
  const lines = [
    "# What every command does",
    "",
    "Made by `conformance/cli/status.test.ts` against a live server, and compared by `npm test`; not written by hand. The rows, taken from the specification,",
    "are in `conformance/cli/rows.ts`. Anew: `UPDATE_STATUS=1 npx vitest run conformance/cli/`. Exit codes: `corvo --help`.",
    "",
    `${whole.length} of ${rows.length} rows do as specified in all of their ${all.length} lines.`,
    missing.length > 0 ? `Missing, whole or in a line: ${missing.map((row) => `\`${row.command}\``).join(", ")}.` : "None is missing.",
  ];
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  for (const section of sections) {
    lines.push("", `## ${section.title}`, "", "| row | line | exit code and first words | |", "|---|---|---|---|");
    let before: CliRow | undefined;
    for (const { row, case: each, verdict, said } of section.ran) {
      const words = verdict === "as specified" ? (each.ours ? `as specified: ${each.ours}` : verdict) : `**${verdict}**`;
      lines.push(`| ${row === before ? "" : `\`${row.command}\``} | \`${cell(each.line)}\` | ${cell(said).replaceAll("<", "&lt;")} | ${cell(words)} |`);
      before = row;
    }
  }
  return `${lines.join("\n")}\n`;
}
