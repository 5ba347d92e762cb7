// npm run demo: 50,000 real GitHub webhook deliveries through the REST webhook route, workers in separate processes, the server killed
// with -9 three times on the way; ends with a report that must be the one computed without a queue.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ensureBuilt, main, root, whole } from "./lib.mjs";

const help = `Sends real GitHub webhook deliveries through a server of its own while workers in two more processes take them, kills the server with -9
three times on the way, and compares the workers' report with one that was computed without a queue.

Usage: npm run demo -- [flags]

  --jobs N      how many deliveries (CORVO_DEMO_JOBS; default: 50000)
  -h, --help    this text

It takes under two minutes on two cores and gives up after 110 s. Its server listens on a free port of this machine; its data lie in the folder for
temporary files and are removed at the end. Exit code 0: nothing lost, nothing accepted twice, the reports are the same.
`;

let jobs = 0;
const kills = 3;
const workers = 2;
const producers = 32;
const queue = "demo.webhooks";

main(demo, { help, options: { jobs: { type: "string", default: process.env.CORVO_DEMO_JOBS ?? "50000" } } });

async function demo(values) {
  jobs = whole("jobs", values.jobs);
  await ensureBuilt();
  const { deliveries, digest, Report } = await import("./demo/deliveries.mjs");
  const { connect } = await import("@corvo/sdk");
  const all = deliveries();
  const home = mkdtempSync(join(tmpdir(), "corvo-demo-"));
  const children = new Set();
  const over = new AbortController(); // nothing is sent any more
  try {
    const expected = new Report();
    for (let i = 0; i < jobs; i++) expected.add(digest(all[i % all.length].event, JSON.parse(all[i % all.length].body)));

    let { server, bind } = await startServer(children, "127.0.0.1:0", join(home, "data"));
    const url = `http://${bind}`;
    const notes = Array.from({ length: workers }, (_, i) => join(home, `worker-${i}.notes`));
    const crew = notes.map((file, i) => child(children, join(root, "tools/demo/worker.mjs"), [url, file, String(i)]));
    const client = connect({ url, timeoutMs: 60_000, tries: 1000 });

    const ids = new Array(jobs);
    let sent = 0;
    let acknowledged = 0;
    const agent = new Agent({ keepAlive: true, maxSockets: producers });
    const produce = async () => {
      while (sent < jobs) {
        const i = sent++;
        ids[i] = await deliver(agent, url, all[i % all.length], i, over.signal);
        acknowledged++;
      }
    };
    const producing = Promise.all(Array.from({ length: producers }, produce));
    producing.catch(() => {}); // whoever gives up before it is awaited says why
    const startMs = performance.now();
    let completed = 0;
    let killed = 0;
    while (completed < jobs) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const state = await client.queues().then(
        (list) => list.find((q) => q.name === queue),
        () => undefined,
      );
      completed = Math.max(completed, Number(state?.completed ?? 0));
      progress(acknowledged, completed, killed, startMs);
      if (killed < kills && completed > (jobs * (killed + 1)) / (kills + 1)) {
        server.kill("SIGKILL");
        await new Promise((resolve) => server.once("exit", resolve));
        killed++;
        ({ server } = await startServer(children, bind, join(home, "data")));
      }
      if (performance.now() - startMs > 110_000) throw new Error(`after 110 s only ${completed} of ${jobs} jobs are completed`);
    }
    await producing;
    agent.destroy();
    process.stderr.write("\n");

    for (const one of crew) one.kill("SIGTERM");
    await Promise.all(crew.map((one) => (one.exitCode === null ? new Promise((resolve) => one.once("exit", resolve)) : undefined)));

    const report = new Report();
    const found = new Set();
    for (let at = 0; at < jobs; at += 500) {
      for (const job of await client.jobs(ids.slice(at, at + 500))) {
        found.add(job.id);
        if (job.resultJson !== "") report.add(JSON.parse(job.resultJson));
      }
    }
    client.close();
    const delivered = new Map();
    const accepted = new Map();
    for (const file of notes) {
      for (const line of readFileSync(file, "utf8").split("\n")) {
        const [kind, id] = line.split(" ");
        if (kind === "D") delivered.set(id, (delivered.get(id) ?? 0) + 1);
        if (kind === "A") accepted.set(id, (accepted.get(id) ?? 0) + 1);
      }
    }
    const more = (counts) => [...counts.values()].filter((n) => n > 1).length;
    const lost = ids.filter((id) => !found.has(id)).length + (jobs - new Set(ids).size);
    const same = report.lines().join("\n") === expected.lines().join("\n");
    print(report, same);
    const line = `${jobs.toLocaleString("en-US")} acknowledged, ${lost} lost, ${more(delivered)} delivered more than once, ${more(accepted)} accepted twice`;
    process.stdout.write(`${line}\n(server killed with -9 ${killed} times, ${((performance.now() - startMs) / 1000).toFixed(1)} s)\n`);
    if (!same || lost > 0 || more(accepted) > 0 || killed < kills)
      throw new Error(same ? "the promise was broken" : "the report differs from the one computed without a queue");
  } finally {
    over.abort();
    for (const one of children) one.kill("SIGKILL");
    rmSync(home, { recursive: true, force: true });
  }
}

/** One delivery, sent until it is acknowledged; the idempotency key makes every try the same delivery. */
async function deliver(agent, url, { event, body }, number, over) {
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = await post(agent, `${url}/api/v1/webhooks/${queue}?tags=event:${event}`, body, { "idempotency-key": `delivery-${number}` });
      if (answer.status === 200 || answer.status === 201) return JSON.parse(answer.body).job_id;
      if (answer.status < 429 || attempt > 600) throw Object.assign(new Error(`delivery refused: ${answer.status} ${answer.body}`), { final: true });
    } catch (cause) {
      if (cause.final || attempt > 600 || over.aborted) throw cause;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(500, 20 * 2 ** Math.min(attempt, 10))));
  }
}

function post(agent, url, body, headers) {
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      { method: "POST", agent, timeout: 10_000, headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...headers } },
      (res) => {
        let text = "";
        res.setEncoding("utf8");
        res.on("data", (chunk) => {
          text += chunk;
        });
        res.on("end", () => resolve({ status: res.statusCode, body: text }));
        res.on("error", reject);
      },
    );
    call.on("timeout", () => call.destroy(new Error("timed out")));
    call.on("error", reject);
    call.end(body);
  });
}

function child(children, script, args) {
  const one = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  children.add(one);
  one.once("exit", () => children.delete(one));
  createInterface({ input: one.stderr }).on("line", (line) => process.stderr.write(`\n${line}\n`));
  return one;
}

/** Resolves with the server and the address that it says it listens on. */
function startServer(children, bind, dataDir) {
  return new Promise((resolve, reject) => {
    const args = ["server", "--bind", bind, "--data-dir", dataDir, "--log-format", "json"];
    const server = spawn(process.execPath, [join(root, "packages/cli/bin/corvo.mjs"), ...args], { stdio: ["ignore", "ignore", "pipe"] });
    children.add(server);
    const lines = [];
    server.once("exit", (code) => {
      children.delete(server);
      reject(new Error(`the server ended with ${code}:\n${lines.join("\n")}`));
    });
    createInterface({ input: server.stderr }).on("line", (line) => {
      lines.push(line);
      if (line.includes("corvo server ready")) resolve({ server, bind: JSON.parse(line).bind });
    });
  });
}

let lastLineMs = 0;
function progress(acknowledged, completed, killed, startMs) {
  const width = 30;
  const done = Math.floor((completed / jobs) * width);
  const text = `${"▓".repeat(done)}${"░".repeat(width - done)} ${completed.toLocaleString("en-US")}/${jobs.toLocaleString("en-US")} done, ${acknowledged.toLocaleString("en-US")} acknowledged, ${killed} kills, ${((performance.now() - startMs) / 1000).toFixed(0)} s`;
  if (process.stderr.isTTY) process.stderr.write(`\r${text} `);
  else if (performance.now() - lastLineMs > 5000) {
    lastLineMs = performance.now();
    process.stderr.write(`${text}\n`);
  }
}

function print(report, same) {
  const rows = report.lines().map((line) => line.split("\t"));
  const head = ["repository", "event", "deliveries", "bytes", "digest"];
  const widths = head.map((text, i) => Math.max(text.length, ...rows.map((row) => row[i].length)));
  for (const row of [head, ...rows])
    process.stdout.write(
      `${row
        .map((cell, i) => (i === 2 || i === 3 ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join("  ")
        .trimEnd()}\n`,
    );
  process.stdout.write(`\n${rows.length} rows: ${same ? "the same as computed without a queue" : "NOT the same as computed without a queue"}\n`);
}
