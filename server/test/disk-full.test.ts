import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorDetailSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { afterAll, expect, it } from "vitest";
import { type Clients, clients, temporaryDirectory } from "./harness.js";
import { type ServerProcess, startProcess } from "./process.js";
import { Rest } from "./rest.js";

/** Room for the archive's reserve (64 MiB) and a few log segments. */
const sizeMiB = 80;
const mountPoint = temporaryDirectory();
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMiB}m,mode=700`, "corvo-test", mountPoint]);
const possible = mounted.status === 0;
if (!possible) console.warn(`skipped: a small disk cannot be mounted here (${(mounted.error?.message ?? String(mounted.stderr)).trim()})`);
let server: ServerProcess | undefined;
afterAll(async () => {
  if (server && !server.gone) await server.signal("SIGKILL");
  if (possible) spawnSync("umount", ["--lazy", mountPoint]);
});

const dir = join(mountPoint, "data");
const filler = join(mountPoint, "filler");
let rest: Rest;
let rpc: Clients;

async function start(): Promise<void> {
  rest?.close();
  rpc?.close();
  server = await startProcess(dir, { "log-segment-size": "64KiB", "shutdown-timeout": "2s" });
  rest = new Rest(server.port);
  rpc = clients(server.url);
}

/** Takes all the room there is. */
function fill(): void {
  const block = Buffer.alloc(4096);
  const file = openSync(filler, "w");
  try {
    for (;;) writeSync(file, block);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ENOSPC") throw thrown;
  } finally {
    closeSync(file);
  }
}

/** Behind the start the server makes its reserve: until then a full disk would meet it without one. */
async function reserveMade(): Promise<void> {
  while (!existsSync(join(dir, "archive", "reserve"))) await rest.get("/livez");
}

const status = async (): Promise<string> => (await rest.get("cluster/status")).json.status;

it.skipIf(!possible)("a full disk refuses new jobs, lets everything else go on, and is forgotten when there is room again", async () => {
  mkdirSync(dir);
  await start();
  await reserveMade();
  const ids: string[] = [];
  for (let i = 0; i < 8; i++) ids.push(await rest.add("full", { payload: i }));
  const leases = [await rest.take("full", 60), await rest.take("full", 60), await rest.take("full", 60)];
  fill();

  // New jobs are taken until the log needs a segment that the disk has no room for.
  let refused = await rest.post("enqueue", { queue: "full", payload: "x".repeat(8000) });
  for (let i = 0; refused.status === 201 && i < 100; i++) {
    ids.push(refused.json.job_id);
    refused = await rest.post("enqueue", { queue: "full", payload: "x".repeat(8000) });
  }
  expect([refused.status, refused.json.code, refused.headers["retry-after"]]).toEqual([503, "DISK_FULL", "1.000"]);
  expect(await status()).toBe("read_only");
  for (const [path, body] of [
    ["enqueue/batch", { jobs: [{ queue: "full" }] }],
    ["webhooks/full", { a: 1 }],
  ] as const)
    expect([(await rest.post(path, body)).status, (await rest.post(path, body)).json.code]).toEqual([503, "DISK_FULL"]);
  const error = await rpc.worker.enqueue({ queue: "full" }).catch((thrown) => ConnectError.from(thrown));
  if (!(error instanceof ConnectError)) throw new Error("the enqueue was accepted");
  expect(error.code).toBe(Code.ResourceExhausted);
  expect(error.findDetails(ErrorDetailSchema)[0]).toMatchObject({ reason: "DISK_FULL", retryAfterMs: 1000 });

  // Reads, acks, failures, fetches, cancels, deletes and the queues' own verbs go on.
  expect((await rest.post(`ack/${leases[0].job_id}`, { result: 1, fence: leases[0].fence })).status).toBe(200);
  expect((await rest.job(leases[0].job_id)).state).toBe("completed");
  expect((await rest.post(`fail/${leases[1].job_id}`, { error: "e" })).status).toBe(200);
  expect((await rest.post("heartbeat", { jobs: { [leases[2].job_id]: { progress: { p: 1 } } } })).json.jobs[leases[2].job_id].status).toBe("ok");
  expect((await rest.take("full")).job_id).toBe(ids[3]);
  expect((await rest.post(`jobs/${ids[4]}/cancel`)).json).toEqual({ status: "cancelled" });
  expect((await rest.delete(`jobs/${ids[5]}`)).json).toEqual({ status: "deleted" });
  expect((await rest.post("queues/full/pause")).status).toBe(200);
  expect((await rest.get("queues")).json[0]).toMatchObject({ name: "full", paused: true, completed: 1, cancelled: 1 });
  async function* frames() {
    yield { requestId: 1n, acks: [{ jobId: leases[2].job_id }], enqueues: [{ queue: "full" }] };
  }
  for await (const answer of rpc.worker.streamLifecycle(frames())) {
    expect(answer).toMatchObject({ requestId: 1n, acked: 1, enqueuedJobIds: [] });
    expect(answer.error).toMatch(/^enqueue: the data disk is full/);
  }

  // A restart on the full disk: everything is there, and the same holds.
  await server?.signal("SIGKILL");
  await start();
  expect((await rest.job(leases[0].job_id)).state).toBe("completed");
  expect((await rest.job(ids[7])).state).toBe("pending");
  expect((await rest.post("enqueue", { queue: "full" })).json.code).toBe("DISK_FULL");
  expect((await rest.post(`jobs/${ids[6]}/cancel`)).status).toBe(200);
  expect((await rest.post("queues/full/resume")).status).toBe(200);

  // Room again: new jobs are taken without a restart.
  await server?.line(/level=WARN msg="the disk is full/); // also when it is so from the start
  rmSync(filler);

  await server?.line(/level=INFO msg="there is room on the disk again/);
  expect(await status()).toBe("healthy");
  expect(await rest.add("full")).toMatch(/^job_/);
  for (const id of ids) expect((await rest.get(`jobs/${id}`)).status).toBe(id === ids[5] ? 404 : 200);
  expect(await server?.signal("SIGTERM")).toBe(0);
});

it.skipIf(!possible)("when the reserve is used up too the process stops, and a restart with room has everything that was acknowledged", async () => {
  await start();
  await reserveMade();
  await rest.post("enqueue/batch", { jobs: Array.from({ length: 200 }, () => ({ queue: "end" })) });
  const { jobs } = (await rest.post("fetch/batch", { queues: ["end"], count: 200, timeout: 60 })).json;
  fill();
  const beats: Record<string, number> = {};
  let beat = 0;
  try {
    // Each heartbeat writes 30 KiB; what was acknowledged last must be the checkpoint that is found.
    for (; beat < 10_000; beat++) {
      const id = jobs[beat % jobs.length].job_id;
      const answer = await rest.post("heartbeat", { jobs: { [id]: { checkpoint: { beat, fill: "x".repeat(30_000) } } } });
      if (answer.status === 200 && answer.json.jobs[id].status === "ok") beats[id] = beat;
    }
  } catch {
    // The server is gone.
  }
  expect(beat).toBeGreaterThan(2);
  expect(await server?.exit).toBe(1);
  expect(server?.lines.join("\n")).toMatch(/a promise cannot be kept, the server stops at once/);
  console.log(`  ${beat} heartbeats of 30 KiB on the reserve, then it stopped`);
  rmSync(filler);
  await start();
  for (const [id, last] of Object.entries(beats)) expect((await rest.job(id)).checkpoint.beat).toBeGreaterThanOrEqual(last);
  expect(await server?.signal("SIGTERM")).toBe(0);
});
