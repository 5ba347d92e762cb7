import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "./index.js";
import { TestServer } from "./testing/server.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
let server: TestServer;
const children: ChildProcess[] = [];
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await server.end();
});

/** Runs a program as a reader would; `until` resolves with the lines once one matches, `end` with all of them and the exit code. */
function run(args: string[]): { child: ChildProcess; until: (pattern: RegExp) => Promise<void>; end: Promise<{ code: number | null; lines: string[] }> } {
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, CORVO_SERVER: server.url }, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  const lines: string[] = [];
  let look = (): void => {};
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream as NodeJS.ReadableStream }).on("line", (line) => {
      lines.push(line);
      look();
    });
  }
  const end = once(child, "close").then(([code]) => ({ code: code as number | null, lines }));
  return {
    child,
    end,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        look = () => lines.some((line) => pattern.test(line)) && resolve();
        look();
        void end.then(() => reject(new Error(`ended before ${pattern}:\n${lines.join("\n")}`)));
      }),
  };
}
const example = (name: string): string[] => ["--import", "tsx", `sdks/typescript/examples/${name}.ts`];

test("the producer's jobs are done by the worker, which ends at SIGTERM", async () => {
  const worker = run(example("worker"));
  const producer = run(example("producer"));
  const produced = await producer.end;
  expect(produced).toEqual({
    code: 0,
    lines: [expect.stringMatching(/^added job_/), "added 2 thumbnails", expect.stringMatching(/^completed job_\w+ \{"sentAt":"2/)],
  });
  await worker.until(/^acked examples\.welcome/);
  worker.child.kill("SIGTERM");
  const worked = await worker.end;
  expect(worked.code).toBe(0);
  expect(worked.lines).toContain("Dear Ada, welcome! (to ada@example.com)");
  const client = connect({ url: server.url });
  for (const name of ["examples.thumbnail", "examples.welcome"]) {
    expect((await client.queues()).find((queue) => queue.name === name)).toMatchObject({ active: 0, pending: 0 });
  }
  client.close();
});

test("a worker that stopped holds its process no longer, even with its client open", async () => {
  const program = `import { connect, Worker } from "@corvo/sdk";
    const client = connect();
    const worker = new Worker(client, { onEvent: ({ type }) => type === "acked" && worker.stop() });
    await client.enqueue("holds", 1);
    await worker.handle("holds", () => {}).run();
    console.log("over");`;
  const { child, until, end } = run(["--input-type=module", "-e", program]);
  await until(/^over$/);
  const startMs = performance.now();
  expect(await end).toEqual({ code: 0, lines: ["over"] });
  expect(performance.now() - startMs).toBeLessThan(20_000); // an idle connection would stay for 15 minutes
  expect(child.signalCode).toBeNull();
});

test("types refuse what would go wrong", async () => {
  expect(await run(["node_modules/typescript/bin/tsc", "-p", "sdks/typescript/examples"]).end).toEqual({ code: 0, lines: [] });
});
