import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it, test } from "vitest";
import { startFailure } from "../src/start-failure.js";
import { temporaryDirectory } from "./harness.js";
import { spawnServer, startProcess } from "./process.js";
import { Rest } from "./rest.js";

const rests: Rest[] = [];
afterAll(() => {
  for (const rest of rests) rest.close();
});
function restOf(port: number): Rest {
  const rest = new Rest(port);
  rests.push(rest);
  return rest;
}

describe("a start that fails says why and ends", () => {
  it("a wrong flag", async () => {
    const server = spawnServer(temporaryDirectory(), { retention: "7d", "log-level": "loud" });
    expect(await server.exit).toBe(2);
    expect(server.lines).toEqual([
      'error: --retention: "7d" is not a duration like 500ms, 30s or 1h30m',
      expect.stringMatching(/^error: --log-level: /),
      "hint:  corvo server --help",
    ]);
  });

  it("settings come from the environment too", async () => {
    const dir = temporaryDirectory();
    writeFileSync(join(dir, "corvo.yaml"), "docs-enabled: false\nnode-id: from-file\n");
    const server = await startProcess(join(dir, "data"), {}, { CORVO_CONFIG: join(dir, "corvo.yaml"), CORVO_NODE_ID: "from-env" });
    const rest = restOf(server.port);
    expect((await rest.get("cluster/status")).json.node_id).toBe("from-env");
    expect((await rest.get("/docs")).status).toBe(404);
    await server.signal("SIGTERM");
  });

  it("what is on disk is not everybody's to read, also where an older version let everybody in", async () => {
    const data = join(temporaryDirectory(), "data");
    mkdirSync(data, { mode: 0o750 });
    mkdirSync(join(data, "view"), { mode: 0o755 });
    const server = await startProcess(data);
    for (const name of readdirSync(data, { withFileTypes: true })) {
      if (name.isDirectory()) expect([name.name, statSync(join(data, name.name)).mode & 0o007]).toEqual([name.name, 0]);
    }
    await server.signal("SIGTERM");
  });

  it("a port that is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const data = join(temporaryDirectory(), "data");
    const server = spawnServer(data, { bind: `127.0.0.1:${port}` });
    expect(await server.exit).toBe(1);
    expect(existsSync(data)).toBe(false);
    expect(server.lines.join("\n")).toMatch(new RegExp(`error: 127.0.0.1:${port} is in use \\(EADDRINUSE\\)\nhint:  .*--bind`));
    other.close();
  });

  it("a data directory that another server holds", async () => {
    const dir = temporaryDirectory();
    const first = await startProcess(dir);
    const second = spawnServer(dir);
    expect(await second.exit).toBe(1);
    expect(second.lines.join("\n")).toMatch(new RegExp(`error: .*${first.child.pid}.*\nhint:  stop that server`));
    expect((await restOf(first.port).get("/healthz")).status).toBe(200);
    await first.signal("SIGTERM");
  });

  it("a data directory that is a file, or damaged", async () => {
    const dir = temporaryDirectory();
    writeFileSync(join(dir, "file"), "x");
    const onFile = spawnServer(join(dir, "file"));
    expect(await onFile.exit).toBe(1);
    expect(onFile.lines.join("\n")).toMatch(/error: .* cannot be made: a file is in its way .*\nhint: {2}take another directory with --data-dir/);
    const data = join(dir, "data");
    await (await startProcess(data)).signal("SIGTERM");
    writeFileSync(join(data, "identity"), "not an identity");
    const damaged = spawnServer(data);
    expect(await damaged.exit).toBe(1);
    expect(damaged.lines.join("\n")).toMatch(/error: .*identity.*\nhint: {2}keep a copy of .*corvo verify/);
  });

  it("data of a newer format", async () => {
    const dir = temporaryDirectory();
    await (await startProcess(dir)).signal("SIGTERM");
    const { checksum } = await import("../../packages/storage/src/checksum.js");
    const [line] = readFileSync(join(dir, "identity"), "utf8").split("\n");
    const newer = `${line.replace('"format":1', '"format":2')}\n`;
    writeFileSync(join(dir, "identity"), `${newer}${checksum(Buffer.from(newer)).toString(16).padStart(8, "0")}\n`);
    const server = spawnServer(dir);
    expect(await server.exit).toBe(1);
    expect(server.lines.join("\n")).toMatch(/error: identity: its format is 2; this program reads format 1\nhint: {2}a newer Corvo wrote it/);
  });

  it("a log that ends before its snapshot: what came after it is lost, and that is said", { timeout: 60_000 }, async () => {
    const dir = temporaryDirectory();
    const first = await startProcess(dir);
    const rest = restOf(first.port);
    for (let i = 0; i < 100; i++) await rest.add("long");
    await rest.get("admin/backup?format=archive"); // a backup is made from a snapshot
    first.child.kill("SIGKILL");
    await first.exit;
    const [segment] = readdirSync(join(dir, "log")).sort();
    const path = join(dir, "log", segment);
    expect(statSync(path).size).toBeGreaterThan(8192);
    truncateSync(path, 8192);
    expect(readdirSync(join(dir, "snapshots"))).toHaveLength(1);
    const again = spawnServer(dir);
    expect(await again.exit).toBe(1);
    expect(again.lines.join("\n")).toMatch(
      /error: log: it ends at index \d+, and a snapshot holds what it had up to \d+: .*\nhint: {2}restore a backup, or go on without/,
    );
    const lossy = await startProcess(dir, { durable: "false" });
    expect(lossy.lines.join("\n")).toContain("the log lost its end; the snapshot is used");
    expect((await restOf(lossy.port).get("queues")).json).toMatchObject([{ name: "long" }]);
    expect(await lossy.signal("SIGTERM")).toBe(0);
  });
});

const system = (code: string, more: object) => Object.assign(new Error(code), { code, ...more });
const named = (name: string, message: string) => Object.assign(new Error(message), { name });

test.each([
  [system("EADDRNOTAVAIL", { syscall: "listen", address: "8.8.8.8", port: 80 }), "this machine has no address 8.8.8.8 (EADDRNOTAVAIL)", /--bind :8080/],
  [system("EADDRINUSE", { syscall: "listen", address: "::1", port: 80 }), "[::1]:80 is in use (EADDRINUSE)", /stop it, or/],
  [system("EACCES", { syscall: "listen", address: "::", port: 80 }), "this user may not listen on [::]:80 (EACCES)", /below 1024/],
  [system("ENOTFOUND", { syscall: "getaddrinfo", hostname: "nohost" }), '--bind: there is no host "nohost" (ENOTFOUND)', /--bind :8080/],
  [system("EACCES", { syscall: "mkdir", path: "/srv/data" }), "the data directory /srv/data cannot be written by this user (EACCES)", /--data-dir/],
  [system("EROFS", { syscall: "open", path: "/srv/data/lock" }), "/srv/data/lock cannot be written by this user (EROFS)", /--data-dir/],
  [system("ENOTDIR", { syscall: "mkdir", path: "/srv/data" }), "the data directory /srv/data cannot be made: a file is in its way (ENOTDIR)", /--data-dir/],
  [system("ENOENT", { syscall: "mkdir", path: "/srv/data" }), "the data directory /srv/data cannot be made (ENOENT)", /--data-dir/],
  [system("ENOSPC", { syscall: "fallocate", path: undefined }), "there is no room for the data directory /srv/data (ENOSPC)", /free space/],
  [system("EMFILE", { syscall: "open", path: "/srv/data/x" }), "too many files are open (EMFILE)", /ulimit -n/],
  [system("EIO", { syscall: "read" }), "the disk below the data directory /srv/data fails (EIO)", /do not go on/],
  [named("LogDamaged", "log/1.seg at offset 0: x"), "log/1.seg at offset 0: x", /corvo verify \/srv\/data$/],
  [named("LogDamaged", "1.seg at offset 0: the header's version 2 is not known here"), /version 2/, /a newer Corvo/],
  [new Error("something else"), "something else", /--log-level debug/],
])("%s is said as a sentence, with what to do next", (cause, message, hint) => {
  const failure = startFailure(cause, { dataDir: "/srv/data" });
  if (typeof message === "string") expect(failure.message).toBe(message);
  else expect(failure.message).toMatch(message);
  expect(failure.hint).toMatch(hint);
});
