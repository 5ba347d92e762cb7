import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { parseDocument } from "yaml";
import { leaves } from "./command.js";
import { commands } from "./commands.js";
import { FakeServer, jobA } from "./testing/fake-server.js";
import { runCli, type Surroundings, shellWords, wellMachine } from "./testing/run-cli.js";
import { yamlOf } from "./yaml.js";

const server = new FakeServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());

const corvo = (line: string, around: Surroundings = {}) => runCli(shellWords(line), { ...around, env: { CORVO_SERVER: server.url, ...around.env } });
const calls = () => server.seen.map((call) => `${call.method} ${call.path} ${call.body}`.trim());

test("a list in every form", async () => {
  const row = (await corvo("queues -o ndjson")).out.split("\n")[0];
  expect(JSON.parse(row)).toMatchObject({ name: "emails.send", pending: 1204 });
  expect((await corvo("queues -o ids")).out).toBe("emails.send\nreports.build\n");
  expect((await corvo("queues -o yaml")).out).toMatch(/^- name: "emails.send"\n {2}paused: false\n/);
  expect((await corvo("queues -o csv")).out.split("\n")[2]).toBe('reports.build,0,44,0,9,312,yes,3,1,0,2026-01-01T00:00:00Z,"5 active, 100/60s",-');
  expect((await corvo("queues -o wide")).out).toContain("CANCELLED");
  expect((await corvo("queues")).out).not.toContain("CANCELLED");
  expect((await corvo("queues --fields name,pending,nothing.here")).out).toBe(
    "name           pending  nothing.here\nemails.send    1204     -\nreports.build  0        -\n",
  );
  expect((await corvo("queues --fields name --no-headers")).out).toBe("emails.send\nreports.build\n");
  expect((await corvo("queues -o xml")).code).toBe(2);
  expect((await corvo(`inspect ${jobA} -o yaml`)).out).toContain('  "n": 1.0\n  html: "\\u003cb\\u003e"\nfence: 18446744073709551615\n');
});

test("yaml keeps what JSON says", async () => {
  const { parse } = await import("yaml");
  const value = { a: [], b: {}, on: [1, [2, { c: "x: y # z" }], "\n"], "k-1": null, e: { f: [{ g: 1 }, { g: [3] }] }, "": "-" };
  expect(parse(yamlOf(JSON.stringify(value)))).toEqual(value);
  expect(parse(yamlOf("3"))).toBe(3);
});

test("--dry-run asks with validate_only and says that nothing changed", async () => {
  expect(await corvo("enqueue q {} --dry-run")).toMatchObject({ code: 0, out: `${jobA}: would be done; nothing was changed (dry run)\n` });
  expect(calls()).toEqual(["GET /api/v1/info", 'POST /api/v1/enqueue {"validate_only":true,"queue":"q","payload":{}}']);
  server.seen.length = 0;
  await corvo(`delete ${jobA} --dry-run`);
  await corvo(`retry ${jobA} --dry-run`);
  expect(calls()).toEqual([
    "GET /api/v1/info",
    `DELETE /api/v1/jobs/${jobA}?validate_only=true`,
    "GET /api/v1/info",
    `POST /api/v1/jobs/${jobA}/retry {"validate_only":true}`,
  ]);
  server.on("GET /api/v1/info", 200, { server_version: "0.3.0" });
  server.seen.length = 0;
  expect(await corvo("pause q --dry-run")).toMatchObject({ code: 1, err: expect.stringContaining("has no dry runs") });
  expect(calls()).toEqual(["GET /api/v1/info"]);
});

test("every command that changes something takes --dry-run, every list takes --watch", () => {
  const writes = leaves(commands).filter(({ spec }) => spec.client && !spec.raw && spec.flags?.some((flag) => flag.flags.startsWith("--request-id")));
  const without = writes.filter(({ spec }) => !spec.mutates && spec.name !== "fetch").map(({ path }) => path.join(" "));
  expect(without).toEqual([]);
});

test("nouns stand before their verbs, and help finds words in words", async () => {
  expect((await corvo(`job retry ${jobA}`)).out).toBe("Job retried\n");
  expect((await corvo("queue list -o name")).out).toBe("emails.send\nreports.build\n");
  expect((await corvo("queue pause emails.send")).out).toBe("Queue emails.send paused\n");
  expect((await corvo("help context add")).out).toMatch(/^Examples:\n {2}corvo context add prod/);
  expect((await corvo("context lst")).code).toBe(2);
});

test("--watch runs again until Ctrl-C", async () => {
  const outcome = await corvo("queues -o name --watch=100ms", { interruptWhen: ({ out }) => out.split("emails.send").length > 3 });
  expect(outcome.code).toBe(130);
  expect(outcome.out.split("emails.send").length).toBeGreaterThan(2);
  expect((await corvo("queues --watch=1ms")).code).toBe(2);
  expect((await corvo("queues -w", { interruptWhen: ({ out }) => out.includes("emails.send"), tty: true })).out).toContain("\u001b[H\u001b[2J");
});

test("contexts: add, use, go back, remove; flags and variables win", async () => {
  let files: Record<string, string> = {};
  const at = async (line: string, env: Record<string, string> = {}) => {
    const outcome = await runCli(shellWords(line), { env: { HOME: "/h", ...env }, files });
    files = { ...files, ...outcome.files };
    return outcome;
  };
  expect((await at("context list")).out).toContain("No contexts");
  expect((await at(`context add prod --servers http://127.0.0.1:1,${server.url} --in-namespace acme --key k1 --production`)).out).toBe("Context prod saved\n");
  await at("context add audit --servers http://127.0.0.1:1 --read-only --key-command k2");
  expect(Object.keys(files)).toEqual(["/h/.config/corvo/config.yaml"]);
  expect((await at("context list")).out).toContain(`* prod   http://127.0.0.1:1,${server.url}  acme       file     production\n`);
  expect((await at("queues -o name")).out).toBe("emails.send\nreports.build\n");
  expect(server.seen[0].headers).toMatchObject({ "x-api-key": "k1", "x-corvo-namespace": "acme" });
  await at("context use audit");
  expect(await at("pause q")).toMatchObject({ code: 4, err: expect.stringContaining("context audit is read-only") });
  server.seen.length = 0;
  expect((await at(`queues -o name -n other --context audit --server ${server.url}`)).code).toBe(0);
  expect(server.seen[0].headers).toMatchObject({ "x-api-key": "k2", "x-corvo-namespace": "other" });
  expect((await at("queues -o name", { CORVO_SERVER: server.url })).code).toBe(0);
  await at("context -");
  expect((await at("context list -o json")).out).toContain('"name":"prod","current":true');
  expect(await at("queues --context prd")).toMatchObject({ code: 3, err: expect.stringContaining('did you mean "prod"') });
  await at("context remove prod");
  expect((await at("context list -o name")).out).toBe("audit\n");
});

test("a production context is named in questions", async () => {
  const files = { "/h/.config/corvo/config.yaml": `current: prod\ncontexts:\n  prod:\n    server: ${server.url}\n    production: true\n` };
  const outcome = await runCli(["clear", "emails.send"], { env: { HOME: "/h", NO_COLOR: "1" }, files, tty: true, typed: "n" });
  expect(outcome.asked[0]).toMatch(/^\[production: prod\] Delete the 1204 pending/);
  expect(calls().some((call) => call.startsWith("POST"))).toBe(false);
});

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

function isJson(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}

/** A table read as YAML is one long word. */
function isYaml(text: string): boolean {
  const document = parseDocument(text);
  return document.errors.length === 0 && isObject(document.toJS());
}

/** What follows something prints one object a line, also with -o json. */
function isGood(format: string, whole: string): boolean {
  if (format === "yaml") return isYaml(whole);
  return whole.trim().split("\n").every(isJson) || (format === "json" && isJson(whole));
}

test.each(["json", "ndjson", "yaml"])("-o %s is what it says, whatever the command: the first example of each", async (format) => {
  const wrong: string[] = [];
  for (const { path, spec } of leaves(commands)) {
    const name = path.join(" ");
    // Scripts and lines that were asked for: text by nature.
    if (
      spec.raw ||
      ["run", "completion", "verify", "restore", "debug profile", "login", "logout", "context use", "context add", "context remove"].includes(name)
    )
      continue;
    const [line] = spec.examples[0].replace(/ < \S+$/, "").split(" | ");
    if (!line.startsWith("corvo ")) continue;
    const argv = shellWords(line).slice(1);
    if (name === "wait") server.on(`GET /api/v1/jobs/${jobA}`, 200, { id: jobA, state: "completed" });
    if (argv.includes("-o")) argv.splice(argv.indexOf("-o"), 2);
    const { code, out } = await runCli([...argv, "-o", format], {
      env: { CORVO_SERVER: server.url },
      stdin: `${jobA}\n`,
      files: { "mail.json": "{}", "trace.txt": "t" },
      interruptWhen: ({ out }) => out.endsWith("\n"),
      ...(name === "doctor" ? wellMachine : {}),
    });
    if (code !== 0 && code !== 130) wrong.push(`${name}: exit code ${code}`);
    // Of an empty list there is no line.
    else if (out === "" ? format !== "ndjson" : !isGood(format, out)) wrong.push(`${name}: ${out.slice(0, 80)}`);
  }
  expect(wrong).toEqual([]);
});

test("at 80 columns every help stays inside them, but for a word or an example that is longer", async () => {
  for (const { path } of [{ path: [] as readonly string[] }, ...leaves(commands)]) {
    if (path[0] === "bench") continue; // prints its own
    const { out } = await corvo([...path, "--help"].join(" "), { tty: true, columns: 80 });
    const wide = out.split("\n").filter((line) => line.length > 80 && !/^ {2}corvo|^ {2}\w+=|^Usage|^ {2}echo|^ {2}\S+ \| /.test(line));
    expect([path.join(" "), wide]).toEqual([path.join(" "), []]);
  }
});

test("a read-only context takes no job and fills nothing", async () => {
  const files = { "/h/.config/corvo/config.yaml": "current: prod\ncontexts:\n  prod:\n    server: http://127.0.0.1:1\n    read_only: true\n" };
  for (const line of ["fetch q", "run -q q -- cat", "seed demo", "pause q"])
    expect(await runCli(shellWords(line), { env: { HOME: "/h" }, files })).toMatchObject({
      code: 4,
      err: expect.stringContaining("context prod is read-only"),
    });
});

test("without a home there is no @last, and that is said", async () => {
  const { code, err } = await corvo("inspect @last");
  expect([code, err]).toEqual([2, "error: @last: there is no place to keep it\nhint:  set HOME or CORVO_CONFIG_DIR\n"]);
});

test("a schedule whose day never comes is told", async () => {
  server.on("GET /api/v1/schedules/nightly/next", 200, { runs: [] });
  expect(await corvo("schedule create nightly '0 0 30 2 *' q")).toMatchObject({ code: 0, err: "note: no day fits this expression: it will never run\n" });
});
