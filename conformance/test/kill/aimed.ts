import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, vi } from "vitest";
import { type ServerProcess, spawnServer, startProcess } from "../../../server/test/process.js";
import { Rest } from "../../../server/test/rest.js";

const corvoPath = fileURLToPath(new URL("../../../packages/cli/bin/corvo.mjs", import.meta.url));
// Each test starts a dozen processes.
vi.setConfig({ testTimeout: 900_000, hookTimeout: 300_000 });
const made: string[] = [];
afterAll(() => {
  for (const dir of made) rmSync(dir, { recursive: true, force: true });
});

export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "corvo-aimed-"));
  made.push(dir);
  return dir;
}

export type Flags = Record<string, string>;

/** A running server and its REST side. */
export interface Living {
  server: ServerProcess;
  rest: Rest;
}

/** Starts the server, lets `run` work with it, stops it. */
export async function living<T>(dir: string, flags: Flags, run: (living: Living) => Promise<T>): Promise<T> {
  const server = await startProcess(dir, flags);
  const rest = new Rest(server.port);
  try {
    return await run({ server, rest });
  } finally {
    rest.close();
    expect(await server.signal("SIGTERM")).toBe(0);
  }
}

/**
 * Starts the server, which dies at the `hit`-th time that it passes this place, whatever `run` does meanwhile. A call that dies with it fails in
 * `run`, and that is how it should be; any other failure counts.
 */
export async function killedAt(place: string, hit: number, dir: string, flags: Flags, run: (living: Living) => Promise<unknown>): Promise<void> {
  const server = spawnServer(dir, flags, { CORVO_FAILPOINT: `${place}:${hit}` });
  const serves = await server.line(/corvo server ready.* bind=\S+:(\d+)/).catch(() => undefined);
  if (serves !== undefined) {
    server.port = Number(serves[1]);
    const rest = new Rest(server.port);
    await run({ server, rest }).catch((cause: NodeJS.ErrnoException) => {
      if (!["ECONNRESET", "ECONNREFUSED", "EPIPE"].includes(cause.code ?? "") && cause.message !== "aborted") throw cause;
    });
    await server.exit;
    rest.close();
  }
  expect(await server.exit, `${place}:${hit} is reached:\n${server.lines.join("\n")}`).toBe("SIGKILL");
}

/** Runs the command line as a process of its own. */
export function corvo(args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number | string; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [corvoPath, ...args], { env: { ...process.env, ...env } }, (error, out, err) =>
      resolve({ code: error ? (error.signal ?? error.code ?? 1) : 0, out, err }),
    );
  });
}

/** Every file of the data directory is intact. */
export async function verified(dir: string): Promise<void> {
  expect(await corvo(["verify", dir])).toMatchObject({ code: 0 });
}

/** Adds so many jobs, 500 at a time; their ids. */
export async function add(rest: Rest, queue: string, count: number, more: object = {}): Promise<string[]> {
  const ids: string[] = [];
  for (let left = count; left > 0; left -= 500) {
    const jobs = Array.from({ length: Math.min(500, left) }, () => ({ queue, ...more }));
    ids.push(...(await rest.post("enqueue/batch", { jobs })).json.job_ids);
  }
  return ids;
}

/** The state of each of these jobs that is there. */
export async function statesOf(rest: Rest, ids: readonly string[]): Promise<Map<string, string>> {
  const states = new Map<string, string>();
  for (let at = 0; at < ids.length; at += 1000) {
    for (const { id, state } of (await rest.post("jobs/bulk-get", { job_ids: ids.slice(at, at + 1000) })).json.jobs) states.set(id, state);
  }
  return states;
}

/** How many jobs are in each state. */
export async function counts(rest: Rest, ids: readonly string[]): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const state of (await statesOf(rest, ids)).values()) found[state] = (found[state] ?? 0) + 1;
  return found;
}
