import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildCli } from "../build.mjs";
import { FakeServer, jobA, jobB } from "./testing/fake-server.js";

const server = new FakeServer();
const folder = mkdtempSync(join(tmpdir(), "corvo-cli-"));
const launcher = join(folder, "bin/corvo.mjs");

beforeAll(async () => {
  await server.start();
  server.reset();
  mkdirSync(join(folder, "bin"));
  copyFileSync(fileURLToPath(new URL("../bin/corvo.mjs", import.meta.url)), launcher);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** The launcher as a process of its own, through `sh` when a whole line is given. */
function spawnCorvo(args: readonly string[] | string, stdin = ""): Promise<Ended> {
  const env = { PATH: process.env.PATH, CORVO_SERVER: server.url, CORVO: `${process.execPath} ${launcher}` };
  const [file, argv] = typeof args === "string" ? ["sh", ["-c", args]] : [process.execPath, [launcher, ...args]];
  return new Promise((resolve) => {
    const child = execFile(file, argv, { env }, (_, out, err) => resolve({ code: child.exitCode, out, err }));
    child.stdin?.end(stdin);
  });
}

test("unbuilt it says how to build; built it runs as a process, pipes included", async () => {
  expect(await spawnCorvo(["version"])).toEqual({ code: 1, out: "", err: "error: corvo is not built yet\nhint:  npm run build\n" });
  await buildCli(join(folder, "dist/corvo.mjs"));

  expect((await spawnCorvo(["version"])).out).toMatch(/^corvo \d+\.\d+\.\d+ \(commit: \S+, built: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)\n$/);
  expect(await spawnCorvo(["enqueue", "q", "-"], "[1]")).toEqual({ code: 0, out: `Job enqueued: ${jobA} (status: pending)\n`, err: "" });
  expect(await spawnCorvo(["queues", "--nope"])).toMatchObject({ code: 2, out: "" });
  expect((await spawnCorvo(["queues"])).out).toMatch(/^QUEUE {2,}PENDING/);
  expect(await spawnCorvo("$CORVO fetch emails.send --count 2 -o name | $CORVO ack -")).toEqual({
    code: 0,
    out: `Job ${jobA} completed\nJob ${jobB} completed\n`,
    err: "",
  });
  expect(await spawnCorvo(["bench"])).toMatchObject({ code: 1, err: expect.stringMatching(/^error: the bench is not built: .*\nhint: {2}npm run build\n$/) });
});

test("completion works in bash: commands, flags, live queue names", async () => {
  writeFileSync(join(folder, "corvo"), '#!/bin/sh\nexec $CORVO "$@"\n', { mode: 0o755 });
  const complete = async (...words: string[]) => {
    const line = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}`;
    writeFileSync(join(folder, "complete.sh"), `PATH="${folder}:$PATH"\neval "$(corvo completion bash)"\n${line}; _corvo; echo "\${COMPREPLY[@]}"\n`);
    return (await spawnCorvo(`bash ${folder}/complete.sh`)).out;
  };
  expect(await complete("corvo", "qu")).toBe("queues\n");
  expect(await complete("corvo", "fetch", "--l")).toBe("--lease\n");
  expect(await complete("corvo", "pause", "em")).toBe("emails.send\n");
  expect(await complete("corvo", "throttle", "")).toBe("emails.send reports.build\n");
});

test("a reader that goes away is no failure, a big answer arrives whole", async () => {
  const row = { name: "q", paused: false, pending: 0, active: 0, held: 0, completed: 0, dead: 0, scheduled: 0, retrying: 0 };
  server.on(
    "GET /api/v1/queues",
    200,
    Array.from({ length: 20_000 }, (_, i) => ({ ...row, name: `queue-${i}` })),
  );
  expect((await spawnCorvo("$CORVO queues | wc -l")).out.trim()).toBe("20001");
  expect(await spawnCorvo("$CORVO queues -o name | tail -1")).toEqual({ code: 0, out: "queue-19999\n", err: "" });
  expect(await spawnCorvo("{ $CORVO queues -o name; echo $? >&2; } | head -1")).toEqual({ code: 0, out: "queue-0\n", err: "0\n" });
});

test.skipIf(process.platform !== "linux")("what cannot be written is said: standard output on a full disk, a home where nothing can be made", async () => {
  const full = await spawnCorvo("$CORVO queues > /dev/full");
  expect([full.code, full.err]).toEqual([1, expect.stringMatching(/^error: standard output cannot be written: .*ENOSPC/)]);
  const home = await spawnCorvo("HOME=/proc $CORVO context add prod --servers http://localhost:9");
  expect([home.code, home.err]).toEqual([
    1,
    expect.stringMatching(/^error: \/proc\/.config\/corvo\/config.yaml cannot be written: .*\nhint: {2}CORVO_CONFIG_DIR/),
  ]);
});
