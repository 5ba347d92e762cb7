import { type ChildProcess, spawn } from "node:child_process";
import { get } from "node:http";
import { createInterface } from "node:readline";

/** Longest time from the start of a server to its first answer: replaying a full log takes some seconds. */
const readyMsMax = 120_000;

/** A server of our own for one row of the table: started on a free port over a directory, and ended by whoever started it. */
export class ServerProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    /** From the start of the process to its first answer. */
    readonly startMs: number,
  ) {}

  static async start(corvo: string, dataDir: string, flags: readonly string[] = [], env: Record<string, string> = {}): Promise<ServerProcess> {
    const startedMs = performance.now();
    const child = spawn(process.execPath, [corvo, "server", "--bind", "127.0.0.1:0", "--data-dir", dataDir, ...flags], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...env },
    });
    const lines: string[] = [];
    let late: NodeJS.Timeout | undefined;
    const url = await new Promise<string>((resolve, reject) => {
      late = setTimeout(() => {
        child.kill("SIGKILL");
        reject(new Error(`the server did not say within ${readyMsMax / 1000} s that it is ready:\n${lines.join("\n")}`));
      }, readyMsMax);
      child.on("error", reject);
      child.on("exit", (code) => reject(new Error(`the server ended with code ${code}:\n${lines.join("\n")}`)));
      createInterface({ input: child.stderr as NodeJS.ReadableStream }).on("line", (line) => {
        lines.push(line);
        if (lines.length > 50) lines.shift();
        const bound = /corvo server ready.* bind=(\S+)/.exec(line);
        if (bound) resolve(`http://${bound[1]}`);
      });
    });
    while ((await status(`${url}/readyz`)) !== 200 && child.exitCode === null && child.signalCode === null)
      await new Promise((resolve) => setTimeout(resolve, 2));
    clearTimeout(late);
    return new ServerProcess(child, url, performance.now() - startedMs);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.child.once("exit", () => resolve());
      this.child.kill(signal);
    });
  }
}

export interface RuntimeFacts {
  heap_inuse_bytes: number;
  gc_pause_p99_ns: number;
  cpu_user_ns: number;
  cpu_sys_ns: number;
  gomaxprocs: number;
  stack_inuse_bytes: number;
  event_loop_delay_max_ns?: number;
}

/** `GET /api/v1/debug/runtime`, or undefined where the server has none. */
export async function runtimeFacts(url: string): Promise<RuntimeFacts | undefined> {
  try {
    return JSON.parse((await fetchText(`${url}/api/v1/debug/runtime`)).body) as RuntimeFacts;
  } catch {
    return undefined; // optional by spec/cli.md §8.2: figures that need it are left out
  }
}

export function fetchText(url: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, (res) => {
      let body = "";
      res.setEncoding("utf8");
      res.on("data", (chunk: string) => {
        body += chunk;
      });
      res.on("end", () => resolve({ status: res.statusCode ?? 0, body }));
    }).on("error", reject);
  });
}

async function status(url: string): Promise<number> {
  try {
    return (await fetchText(url)).status;
  } catch {
    return 0; // not listening yet: asked again
  }
}
