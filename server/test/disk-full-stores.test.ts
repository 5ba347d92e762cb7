import { execFile, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { temporaryDirectory } from "./harness.js";
import { type ServerProcess, startProcess } from "./process.js";
import { Rest } from "./rest.js";

/** Each store on a small disk of its own, which becomes full while the others have room. */
const home = temporaryDirectory();
const mounts: string[] = [];
const servers: ServerProcess[] = [];
function mount(path: string, sizeKiB: number): boolean {
  mkdirSync(path, { recursive: true });
  const done = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${sizeKiB}k,mode=700`, "corvo-test", path]).status === 0;
  if (done) mounts.push(path);
  return done;
}
const grow = (path: string, sizeKiB: number): void => void spawnSync("mount", ["-o", `remount,size=${sizeKiB}k`, path]);
const possible = mount(join(home, "probe"), 64);
if (!possible) console.warn("skipped: a small disk cannot be mounted here");
beforeAll(() => vi.setConfig({ testTimeout: 300_000 }));
afterAll(async () => {
  for (const server of servers) if (!server.gone) await server.signal("SIGKILL");
  for (const path of mounts) spawnSync("umount", ["--lazy", path]);
});

async function start(dir: string, flags: Record<string, string> = {}): Promise<{ server: ServerProcess; rest: Rest }> {
  const server = await startProcess(dir, { "log-segment-size": "64KiB", "shutdown-timeout": "2s", ...flags });
  servers.push(server);
  return { server, rest: new Rest(server.port) };
}

/** Takes all the room there is. */
function fill(path: string): string {
  const filler = join(path, "filler");
  const file = openSync(filler, "w");
  try {
    for (const block = Buffer.alloc(4096); ; ) writeSync(file, block);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ENOSPC") throw thrown;
  } finally {
    closeSync(file);
  }
  return filler;
}

async function until(true_: () => Promise<boolean>): Promise<void> {
  while (!(await true_())) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function add(rest: Rest, count: number, payload = ""): Promise<string[]> {
  const { status, json, text } = await rest.post("enqueue/batch", { jobs: Array.from({ length: count }, () => ({ queue: "q", payload })) });
  if (status !== 201) throw new Error(`${status} ${text}`);
  return json.job_ids;
}

it.skipIf(!possible)("a full archive: new jobs are refused, acks go on, and with room again everything does", async () => {
  const dir = join(home, "a");
  const archive = join(dir, "archive");
  mount(archive, 68 * 1024); // its reserve, and a little
  const flags = { "snapshot-threshold": "20", "snapshot-log-min": "64KiB" };
  const { server, rest } = await start(dir, flags);
  await until(async () => existsSync(join(archive, "reserve")));
  const ids = await add(rest, 200);
  const filler = fill(archive);
  const acked: string[] = [];
  const ackOne = async (): Promise<void> => {
    const job = await rest.take("q");
    const done = await rest.post(`ack/${job.job_id}`, { result: "r".repeat(50_000), fence: job.fence });
    expect([done.status, done.text]).toEqual([200, expect.anything()]);
    acked.push(job.job_id);
  };
  let refused = await rest.post("enqueue", { queue: "q" });
  while (refused.status === 201) {
    ids.push(refused.json.job_id);
    await ackOne();
    refused = await rest.post("enqueue", { queue: "q" });
  }
  expect([refused.status, refused.json.code]).toEqual([503, "DISK_FULL"]);
  for (let i = 0; i < 20; i++) await ackOne();
  expect((await rest.job(acked[0])).result).toBe("r".repeat(50_000));
  rmSync(filler);
  await server.line(/there is room on the disk again/);
  ids.push(await rest.add("q"));
  await ackOne();
  expect(await server.signal("SIGKILL")).toBe("SIGKILL");
  const again = await start(dir, flags);
  for (const id of ids) expect((await again.rest.job(id)).state).toBe(acked.includes(id) ? "completed" : "pending");
  expect(await again.server.signal("SIGTERM")).toBe(0);
});

it.skipIf(!possible)("no room for snapshots: jobs go on, the log keeps all of it, and with room again snapshots are cut", async () => {
  const dir = join(home, "s");
  const snapshots = join(dir, "snapshots");
  mount(snapshots, 128);
  const flags = { "snapshot-threshold": "20", "snapshot-log-min": "64KiB" };
  const { server, rest } = await start(dir, flags);
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push(...(await add(rest, 100, "x".repeat(2000))));
  // A cut is due when the log outweighs the state: jobs come and go.
  const churn = async (one: Rest): Promise<void> => {
    const job_ids = await add(one, 100, "x".repeat(2000));
    expect((await one.post("jobs/bulk", { action: "delete", job_ids })).json.affected).toBe(100);
  };
  const told = (): boolean => server.lines.some((line) => line.includes('level=WARN msg="the disk has no room for a snapshot'));
  while (!told()) await churn(rest);
  const { job_id, fence } = await rest.take("q");
  expect((await rest.post(`ack/${job_id}`, { fence })).status).toBe(200);
  expect(await server.signal("SIGKILL")).toBe("SIGKILL");

  const again = await start(dir, flags);
  expect((await again.rest.get("queues")).json).toMatchObject([{ name: "q", pending: ids.length - 1, completed: 1 }]);
  const index = async (): Promise<number> => (await again.rest.get("cluster/status")).json.snapshot.latest_index ?? 0;
  const before = await index();
  grow(snapshots, 64 * 1024);
  while ((await index()) <= before) await churn(again.rest);
  expect(await again.server.signal("SIGTERM")).toBe(0);
  const last = await start(dir, flags);
  expect((await last.rest.get("queues")).json).toMatchObject([{ name: "q", pending: ids.length - 1, completed: 1 }]);
  expect(await last.server.signal("SIGTERM")).toBe(0);
});

it.skipIf(!possible)("no room for the read view: searches are refused, nothing else is, and with room again it is made anew without a restart", async () => {
  const dir = join(home, "v");
  const view = join(dir, "view");
  mount(view, 1024);
  const { server, rest } = await start(dir);
  const ids: string[] = [];
  const search = (): ReturnType<Rest["post"]> => rest.post("jobs/search", { queue: "q", limit: 1 });
  while ((await search()).status === 200) ids.push(...(await add(rest, 100, "x".repeat(1000))));
  const refused = await search();
  expect([refused.status, refused.json.code]).toEqual([503, "UNAVAILABLE"]);
  await server.line(/the read view cannot be written/);
  ids.push(...(await add(rest, 100)));
  const { job_id, fence } = await rest.take("q");
  expect((await rest.post(`ack/${job_id}`, { fence })).status).toBe(200);
  expect((await rest.job(job_id)).state).toBe("completed");
  grow(view, 64 * 1024);
  await until(async () => (await search()).status === 200);
  await until(async () => (await search()).json.total === ids.length);
  expect(await server.signal("SIGTERM")).toBe(0);
});

const corvoPath = fileURLToPath(new URL("../../packages/cli/bin/corvo.mjs", import.meta.url));
const corvo = (...args: string[]): Promise<{ code: number; err: string }> =>
  new Promise((resolve) => execFile(process.execPath, [corvoPath, ...args], (error, _out, err) => resolve({ code: error ? Number(error.code) : 0, err })));

it.skipIf(!possible)("no room for a backup, or for what is restored: a sentence, nothing is left, and the server goes on", async () => {
  const source = await start(join(home, "b"));
  for (let i = 0; i < 20; i++) await add(source.rest, 20, "x".repeat(20_000));
  const small = join(home, "small");
  mount(small, 1024);
  const url = `http://127.0.0.1:${source.server.port}`;
  expect(await corvo("backup", join(small, "one.backup"), "--server", url)).toMatchObject({ code: 1, err: expect.stringMatching(/cannot be written: ENOSPC/) });
  expect(readdirSync(small)).toEqual([]);
  const backup = join(home, "one.backup");
  expect((await corvo("backup", backup, "--server", url)).code).toBe(0);
  const offline = await corvo("restore", backup, "--data-dir", join(small, "data"));
  expect(offline.code).not.toBe(0);
  expect(offline.err).toMatch(/^error: .*(ENOSPC|room|full)/);
  expect(readdirSync(small)).toEqual([]);

  // An empty server on disks that hold the backup, but not what is made of it, and not even the backup.
  for (const sizeKiB of [80 * 1024, 72 * 1024]) {
    const dir = join(home, `into-${sizeKiB}`);
    mount(dir, sizeKiB);
    const target = await start(dir);
    await until(async () => existsSync(join(dir, "archive", "reserve")));
    const told = await corvo("restore", backup, "--server", `http://127.0.0.1:${target.server.port}`);
    expect(told.code).not.toBe(0);
    expect(told.err).toMatch(/room|full/);
    expect(readdirSync(dir)).not.toContain("restore");
    await until(async () => (await target.rest.post("enqueue", { queue: "q" })).status === 201);
    expect(await target.server.signal("SIGTERM")).toBe(0);
  }
});
