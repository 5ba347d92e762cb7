// How many jobs a second one worker does with a handler that does nothing, against a server of its own:
//   node sdks/typescript/bench/worker.mjs [jobs] [concurrency] [prefetch]        (after npm run build)
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { connect, Worker } from "@corvo/sdk";

const [jobs = 50_000, concurrency = 500, prefetch = 500] = process.argv.slice(2).map(Number);
const dataDir = mkdtempSync(join(tmpdir(), "corvo-sdk-bench-"));
const corvo = fileURLToPath(new URL("../../../packages/cli/bin/corvo.mjs", import.meta.url));
const server = spawn(process.execPath, [corvo, "server", "--bind", "127.0.0.1:0", "--data-dir", dataDir], { stdio: ["ignore", "ignore", "pipe"] });
try {
  const url = await new Promise((resolve, reject) => {
    server.once("exit", () => reject(new Error("the server ended; run npm run build first")));
    createInterface({ input: server.stderr }).on("line", (line) => {
      const ready = /corvo server ready.* bind=(\S+)/.exec(line);
      if (ready) resolve(`http://${ready[1]}`);
    });
  });
  const client = connect({ url });

  const round = async (name, count, work) => {
    const cpu = process.cpuUsage();
    const startMs = performance.now();
    const note = (await work()) ?? "";
    const ms = performance.now() - startMs;
    const { user, system } = process.cpuUsage(cpu);
    console.log(`${name}: ${Math.round((count / ms) * 1000)} a second, ${((user + system) / count).toFixed(1)} µs of this process's time each ${note}`);
  };

  await round("enqueueMany, 1,000 at a time", jobs, async () => {
    for (let n = 0; n < jobs; n += 1000) {
      await client.enqueueMany(Array.from({ length: Math.min(1000, jobs - n) }, (_, i) => ({ job: "bench", payload: { n: n + i } })));
    }
  });
  await round(`worker, concurrency ${concurrency}, prefetch ${prefetch}`, jobs, async () => {
    let acked = 0;
    const worker = new Worker(client, {
      concurrency,
      prefetch,
      onEvent: ({ type }) => type === "acked" && ++acked === jobs && worker.stop(),
    });
    await worker.handle("bench", () => {}).run();
  });
  await round("enqueue, one after the other", 500, async () => {
    for (let n = 0; n < 500; n++) await client.enqueue("one", { n });
  });
  await round("enqueue, 64 at a time", 10_000, () =>
    Promise.all(
      Array.from({ length: 64 }, async (_, lane) => {
        for (let n = lane; n < 10_000; n += 64) await client.enqueue("many", { n });
      }),
    ).then(() => ""),
  );
  const latenciesMs = [];
  const waiting = new Worker(client, { onEvent: ({ type }) => type === "acked" && next() });
  let next = () => {};
  waiting.handle("latency", (atMs) => void latenciesMs.push(performance.now() - atMs));
  const run = waiting.run();
  for (let n = 0; n < 200; n++) {
    const done = new Promise((resolve) => {
      next = resolve;
    });
    await client.enqueue("latency", performance.now());
    await done;
  }
  waiting.stop();
  await run;
  latenciesMs.sort((a, b) => a - b);
  console.log(`from enqueue to the handler of an idle worker: p50 ${latenciesMs[100].toFixed(1)} ms, p99 ${latenciesMs[198].toFixed(1)} ms`);
  client.close();
} finally {
  server.removeAllListeners("exit");
  server.kill("SIGKILL");
  await new Promise((resolve) => server.once("close", resolve));
  rmSync(dataDir, { recursive: true, force: true });
}
