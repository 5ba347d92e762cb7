import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { type Outcome, runCli, type Surroundings, shellWords } from "../../packages/cli/src/testing/run-cli.js";
import { serve, type TestServer } from "../../server/test/harness.js";

/** A server for the tests of `corvo run`, and a folder for its programs. */
export class RunTools {
  server!: TestServer;
  readonly folder = mkdtempSync(join(tmpdir(), "corvo-run-"));

  constructor() {
    beforeAll(async () => {
      this.server = await serve();
    });
    afterAll(() => rmSync(this.folder, { recursive: true }));
  }

  corvo(line: string | readonly string[], around: Surroundings = {}): Promise<Outcome> {
    const argv = typeof line === "string" ? shellWords(line) : line;
    return runCli(argv, { nowMs: Date.now, ...around, env: { CORVO_SERVER: this.server.url, ...around.env } });
  }

  async added(queue: string, more: object = {}): Promise<string> {
    return String((await this.server.rest.post("enqueue", { queue, ...more })).json?.job_id);
  }

  async jobIs(id: string): Promise<Record<string, unknown>> {
    return (await this.server.rest.get(`jobs/${id}`)).json as Record<string, unknown>;
  }

  async untilState(id: string, state: string): Promise<void> {
    await until(async () => (await this.jobIs(id)).state === state);
  }

  /** A program of a few lines of shell. */
  script(name: string, lines: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
    return path;
  }
}

/** Looks again and again; the test's own time limit ends it. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Whether a process does something still: one that has ended and that nobody waits for is a zombie. */
export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync("/proc/self/stat") || !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
