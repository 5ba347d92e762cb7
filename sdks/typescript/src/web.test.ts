import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { TestServer } from "./testing/server.js";
import { connectWeb } from "./web.js";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.end());

test("add, fetch, acknowledge, listen with nothing but fetch, over HTTP/1.1", async () => {
  const fetched = vi.fn(globalThis.fetch);
  const client = connectWeb({ url: server.url, fetch: fetched, apiKey: "key", bearerToken: async () => "token" });
  const listening = client.subscribe({ queues: ["web"], types: ["enqueued", "started", "progress", "completed"] });
  const { id } = await client.enqueue("web", { from: "a page" });
  expect((await listening.next()).value).toMatchObject({ type: "enqueued", jobId: id });
  const waiting = client.fetch(["web-later"], { waitMs: 10_000 });
  const [job] = await client.fetch<{ from: string }>(["web"], { leaseSeconds: 30 });
  expect(job.payload.from).toBe("a page");
  expect((await listening.next()).value).toMatchObject({ type: "started" });
  expect(await client.heartbeat(new Map([[id, { fence: job.fence, progress: { done: 1 } }]]))).toEqual(new Map([[id, "ok"]]));
  await client.ack(id, { fence: job.fence, result: [1] });
  expect((await listening.next()).value).toMatchObject({ type: "progress", data: { done: 1 } });
  expect((await listening.next()).value).toMatchObject({ type: "completed" });
  await listening.return();
  expect(await client.job(id)).toMatchObject({ state: "completed", result: [1] });
  await client.enqueue("web-later", 1);
  expect(await waiting).toHaveLength(1);
  await expect(client.ack(id)).rejects.toMatchObject({ code: "invalid_argument", reason: "WRONG_STATE" });
  const [url, init] = fetched.mock.calls[0];
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/corvo\.v1\.WorkerService\//);
  const headers = new Headers(init?.headers);
  expect([headers.get("x-api-key"), headers.get("authorization"), headers.get("x-corvo-client-name")]).toEqual(["key", "Bearer token", "corvo-typescript"]);
});

test("a wait that is left is left on the server too", async () => {
  const client = connectWeb({ url: server.url });
  const controller = new AbortController();
  const waiting = client.fetch(["web-left"], { signal: controller.signal });
  const listening = client.subscribe({ queues: ["web-left"], signal: controller.signal }).next();
  await client.serverInfo();
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ reason: "CANCELLED" });
  expect(await listening).toMatchObject({ done: true });
  client.close();
  await expect(client.serverInfo()).rejects.toMatchObject({ reason: "CANCELLED" });
});

test("a page may carry it: no module of Node, small", async () => {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: 'import { connectWeb } from "./sdks/typescript/src/web.js"; globalThis.corvo = connectWeb({ url: location.origin });',
      resolveDir: root,
    },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
    external: ["@opentelemetry/api"], // an optional peer: only there when the page brings it
    plugins: [
      {
        name: "generated sources",
        setup: ({ onResolve }) =>
          onResolve({ filter: /^@corvo\/gen\// }, ({ path }) => ({ path: `${root}gen/ts/src/${path.slice("@corvo/gen/".length, -3)}.ts` })),
      },
    ],
  });
  const text = outputFiles[0].text;
  expect(Object.keys(metafile.inputs).filter((name) => /connect-node|src\/(worker|node)\.ts$/.test(name))).toEqual([]);
  expect(text).not.toMatch(/["']node:/);
  const bytes = gzipSync(text).length;
  console.log(`the client for browsers: ${text.length} bytes, ${bytes} gzipped`);
  expect(bytes).toBeLessThan(70_000);
});
