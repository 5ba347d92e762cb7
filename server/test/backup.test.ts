import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { BackupEncoder, type BackupMeta, nodeDisk, openBackup, readBackup } from "@corvo/storage";
import { expect, it } from "vitest";
import { examineBackupFile, restoreDirectory } from "../src/index.js";
import { serve, type TestServer, temporaryDirectory } from "./harness.js";

/** Every state of a job, with history, and queues with settings. */
async function fill(server: TestServer): Promise<Record<string, string>> {
  const { rest } = server;
  const ids: Record<string, string> = {};
  ids.completed = await rest.add("mail", { payload: { n: 1 }, tags: { team: "a" } });
  const done = await rest.take("mail");
  await rest.post(`ack/${done.job_id}`, { result: { sent: true }, fence: done.fence });
  ids.dead = await rest.add("mail", { payload: { n: 2 }, max_retries: 0 });
  const failing = await rest.take("mail");
  await rest.post(`fail/${failing.job_id}`, { error: "no such address", backtrace: "at mail.ts:1" });
  ids.cancelled = await rest.add("mail");
  await rest.post(`jobs/${ids.cancelled}/cancel`);
  ids.active = await rest.add("work", { payload: { long: "x".repeat(5000) } });
  await rest.take("work", 600);
  ids.held = await rest.add("work");
  await rest.post(`jobs/${ids.held}/hold`);
  ids.scheduled = await rest.add("work", { scheduled_at: new Date(Date.now() + 3_600_000).toISOString() });
  ids.retrying = await rest.add("slow", { max_retries: 5, retry_base_delay: "1h" });
  const again = await rest.take("slow");
  await rest.post(`fail/${again.job_id}`, { error: "later" });
  ids.pending = await rest.add("mail", { unique_key: "only", priority: "high" });
  await rest.post("queues/work/concurrency", { max: 3 });
  await rest.post("queues/mail/pause");
  return ids;
}

function download(server: TestServer, path = "/api/v1/admin/backup?format=archive"): Promise<{ status: number; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port: server.port, path }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, bytes: Buffer.concat(parts) }));
    })
      .on("error", reject)
      .end();
  });
}

async function everything(server: TestServer, ids: Record<string, string>) {
  const jobs: Record<string, unknown> = {};
  for (const [state, id] of Object.entries(ids)) {
    const job = await server.rest.job(id);
    expect(job.state).toBe(state);
    delete job.lease_expires_at; // serving time goes on where it stood
    jobs[state] = job;
  }
  return { jobs, queues: (await server.rest.get("queues")).json };
}

it("a backup made while the node works is restored to the same content, offline and over HTTP", async () => {
  const source = await serve();
  const ids = await fill(source);
  const before = await everything(source, ids);
  const { status, bytes } = await download(source);
  expect(status).toBe(200);
  const dir = temporaryDirectory();
  const file = join(dir, "a.backup");
  writeFileSync(file, bytes);
  const examined = await examineBackupFile(file);
  expect(examined).toMatchObject({ liveJobs: 5, finishedJobs: 3, queues: 3 });

  const target = join(dir, "data");
  const restored = await restoreDirectory(file, target);
  expect(restored.contentDigest).toBe(examined.contentDigest);
  await expect(restoreDirectory(file, target)).rejects.toThrow("not empty");
  const offline = await serve({}, target);
  expect(await everything(offline, ids)).toEqual(before);
  // Its own cluster, and fences that the old one never gives.
  await offline.rest.post("queues/mail/resume");
  const taken = await offline.rest.take("mail");
  expect(taken.job_id).toBe(ids.pending);
  expect(taken.fence).toBeGreaterThan(2 ** 32);
  await offline.stop();
  const whose = (path: string): string => JSON.parse(readFileSync(join(path, "identity"), "utf8").split("\n")[0]).clusterId;
  expect(whose(target)).not.toBe(whose(source.dir));

  const empty = await serve();
  const answer = await empty.rest.post("admin/restore", bytes);
  expect(answer.json).toMatchObject({ status: "ok", live_jobs: 5, finished_jobs: 3, content_digest: examined.contentDigest, cluster_id: whose(source.dir) });
  expect((await empty.rest.post("enqueue", { queue: "mail" })).status).toBe(503);
  await empty.restart;
  await empty.stop();
  const online = await serve({}, empty.dir);
  expect(await everything(online, ids)).toEqual(before);
  expect(existsSync(join(empty.dir, "restore"))).toBe(false);
  await online.stop();
  await source.stop();
});

/** The good backup of `dir`, tampered with and sealed again by somebody who knows how. */
async function forged(dir: string, tamper: (chunk: Uint8Array, view: DataView) => unknown, meant = (meta: BackupMeta): BackupMeta => meta): Promise<Buffer> {
  const file = await nodeDisk(dir).open("good", "read");
  const encoder = new BackupEncoder(meant(await openBackup(file)), "0123456789abcdef");
  const parts = [...encoder.begin()];
  for await (const step of readBackup(file)) {
    if (step.type === "chunk") {
      const chunk = new Uint8Array(step.bytes);
      tamper(chunk, new DataView(chunk.buffer));
      parts.push(encoder.chunk(chunk));
    } else if (step.type === "record") parts.push(encoder.record(step.record) ?? new Uint8Array(0));
  }
  await file.close();
  return Buffer.concat([...parts, ...encoder.end()]);
}

it("a hostile archive changes nothing", async () => {
  const source = await serve();
  await fill(source);
  const { bytes } = await download(source);
  const other = await serve();
  await fill(other);
  const { bytes: foreign } = await download(other);
  await other.stop();
  const empty = await serve();
  const content = (): string[] =>
    readdirSync(empty.dir, { recursive: true })
      .map(String)
      .filter((name) => !/reserve|^log\/|^view\b/.test(name)) // filled at leisure
      .sort();
  const at = content();
  const tar = Buffer.alloc(1024);
  tar.write("../../etc/passwd", 0);
  tar.write("ustar", 257);
  const parts = (b: Buffer): Buffer => Buffer.from(b);
  const hostile: Record<string, Buffer> = {
    "cut off": bytes.subarray(0, bytes.length - 1),
    "cut in the middle": bytes.subarray(0, bytes.length >> 1),
    "its header only": bytes.subarray(0, 4096),
    "more behind its end": Buffer.concat([bytes, Buffer.from("x")]),
    twice: Buffer.concat([bytes, bytes]),
    "the end of another cluster's": Buffer.concat([bytes.subarray(0, 8192), foreign.subarray(8192)]),
    "the header of another cluster": Buffer.concat([foreign.subarray(0, 4096), bytes.subarray(4096)]),
    "a file of a data directory": readFileSync(join(source.dir, "log", readdirSync(join(source.dir, "log")).find((name) => name.endsWith(".seg"))!)),
  };
  // A bit here and there, some in every kind of record.
  for (let i = 0; i < 60; i++) {
    const flipped = parts(bytes);
    const byte = 8 + Math.floor((i * (bytes.length - 9)) / 59);
    flipped[byte] ^= 1 << (i % 8);
    hostile[`bit ${i % 8} of byte ${byte} of ${bytes.length}`] = flipped;
  }
  // A record that says that it is 4 GiB long.
  const bomb = parts(bytes);
  bomb.writeUInt32LE(0xffffffff, 4096 + 4);
  hostile.bomb = bomb;
  // Whole and with every checksum right, but of a state that cannot be: rows without pages, a list in a circle, text that was never there.
  const dir = temporaryDirectory();
  writeFileSync(join(dir, "good"), bytes);
  hostile["rows without pages"] = await forged(dir, (_chunk, view) => view.getUint32(4, true) === 1 && view.setFloat64(16 + 12 * 8, 1e15, true));
  hostile["text without end"] = await forged(dir, (_chunk, view) => view.getUint32(4, true) === 4 && view.setUint32(12, 0xfffffff8, true));
  hostile["pages of noise"] = await forged(dir, (chunk, view) => view.getUint32(4, true) === 3 && view.getUint32(8, true) === 0 && chunk.fill(1, 16, 4000));
  hostile["another index"] = await forged(
    dir,
    () => {},
    (meta) => ({ ...meta, index: meta.index + 1 }),
  );
  for (const [what, archive] of Object.entries(hostile)) {
    const { status, json } = await empty.rest.post("admin/restore", archive);
    expect([what, status, json.code]).toEqual([what, 400, "BACKUP_DAMAGED"]);
  }
  const wrong = await empty.rest.post(`admin/restore?cluster_id=${"0".repeat(32)}`, bytes);
  expect([wrong.status, wrong.json.code]).toEqual([400, "BACKUP_DAMAGED"]);
  // Formats that carry paths and links are none.
  for (const foreign of [tar, Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]), Buffer.from("PK\u0003\u0004rest")]) {
    expect((await empty.rest.post("admin/restore", foreign)).status).toBe(400);
  }
  expect(content()).toEqual(at);
  const id = await empty.rest.add("mail");
  const full = await empty.rest.post("admin/restore", bytes);
  expect([full.status, full.json.code]).toEqual([409, "NOT_EMPTY"]);
  expect((await empty.rest.job(id)).state).toBe("pending");
  rmSync(join(dir, "good"));
  writeFileSync(join(dir, "bad"), hostile.bomb);
  await expect(restoreDirectory(join(dir, "bad"), join(dir, "data"))).rejects.toThrow("cannot be used");
  mkdirSync(join(dir, "used"));
  writeFileSync(join(dir, "used", "x"), "");
  await expect(restoreDirectory(join(dir, "bad"), join(dir, "used"))).rejects.toThrow("not empty");
  expect(readdirSync(dir).sort()).toEqual(["bad", "used"]);
  await empty.stop();
  await source.stop();
});

it("Corvo's JSON: all jobs, with and without documents; every one comes back as a new pending job", async () => {
  const source = await serve();
  const ids = await fill(source);
  const { json } = await source.rest.get("admin/backup");
  expect(json.meta).toEqual({ format: 1 });
  expect(json.namespace).toBe("default");
  expect(json.jobs.map((job: { id: string }) => job.id).sort()).toEqual(Object.values(ids).sort());
  const completed = json.jobs.find((job: { id: string }) => job.id === ids.completed);
  expect(completed).toMatchObject({ queue: "mail", state: "completed", payload: { n: 1 }, tags: { team: "a" }, result: { sent: true }, checkpoint: null });
  expect(json.queues.map((queue: { name: string }) => queue.name)).toEqual(["mail", "slow", "work"]);
  const target = await serve();
  const answer = await target.rest.post("admin/restore", json);
  expect(answer.json).toEqual({ status: "ok", restored_jobs: 8, namespace: "default" });
  const queues = (await target.rest.get("queues")).json;
  expect(queues.map((queue: { name: string; pending: number }) => [queue.name, queue.pending])).toEqual([
    ["mail", 4],
    ["slow", 1],
    ["work", 3],
  ]);
  expect((await target.rest.post("admin/restore", { jobs: [{ queue: "a" }, {}] })).json).toMatchObject({ error: "queue is required for each job" });
  expect((await target.rest.get("admin/backup?format=tar")).json).toMatchObject({ code: "VALIDATION_ERROR" });
  await target.stop();
  await source.stop();
});

it("profiles: one at a time, bounded, of all kinds", async () => {
  const server = await serve();
  const [first, second] = await Promise.all([
    server.rest.get("debug/profile?seconds=1"),
    new Promise<void>((resolve) => setImmediate(resolve)).then(() => server.rest.get("/debug/pprof/heap?seconds=1")),
  ]);
  const [ok, refused] = first.status === 200 ? [first, second] : [second, first];
  expect([ok.status, refused.status, refused.json.code]).toEqual([200, 409, "PROFILE_RUNNING"]);
  expect((await server.rest.get("debug/profile?kind=heap&seconds=1")).json.head).toBeDefined();
  expect((await server.rest.get("debug/profile?seconds=61")).json).toMatchObject({ code: "VALIDATION_ERROR", field: "seconds" });
  expect((await server.rest.get("debug/profile?kind=all")).status).toBe(400);
  expect((await server.rest.post("debug/profile")).status).toBe(405);
  await server.stop();
});
