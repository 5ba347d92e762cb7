import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cleanUps } from "./clean-up.js";

const corvo = fileURLToPath(new URL("../../packages/cli/bin/corvo.mjs", import.meta.url));

/** `corvo server` as a process. Needs a build. */
export class ServerProcess {
  readonly lines: string[] = [];
  port = 0;
  readonly startedMs = performance.now();
  /** Exit code, or the signal that ended it. */
  readonly exit: Promise<number | NodeJS.Signals>;
  private seen = (): void => {};

  constructor(
    readonly child: ChildProcess,
    readonly dir: string,
  ) {
    cleanUps.push(() => child.kill("SIGKILL"));
    this.exit = new Promise((resolve) =>
      child.once("exit", (code, signal) => {
        resolve(code ?? (signal as NodeJS.Signals));
        this.seen();
      }),
    );
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on("line", (line) => {
      this.lines.push(line);
      this.seen();
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }
  get gone(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The first line, said or yet to come, that fits. Rejects when the process ends without it. */
  async line(fits: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      for (const line of this.lines) {
        const found = fits.exec(line);
        if (found) return found;
      }
      if (this.gone) throw new Error(`the server ended (${this.child.exitCode ?? this.child.signalCode}) without a line ${fits}:\n${this.lines.join("\n")}`);
      await new Promise<void>((resolve) => {
        this.seen = resolve;
      });
    }
  }

  signal(name: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    this.child.kill(name);
    return this.exit;
  }
}

/** Spawns it without waiting for anything. */
export function spawnServer(dir: string, flags: Record<string, string> = {}, env: Record<string, string> = {}): ServerProcess {
  const settings = { bind: "127.0.0.1:0", "data-dir": dir, "log-segment-size": "1MiB", ...flags };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(process.execPath, [corvo, "server", ...args], { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...env } });
  return new ServerProcess(child, dir);
}

/** Spawns it and waits until it serves. */
export async function startProcess(dir: string, flags: Record<string, string> = {}, env: Record<string, string> = {}): Promise<ServerProcess> {
  const server = spawnServer(dir, flags, env);
  const [, port] = await server.line(/corvo server ready.* bind=\S+:(\d+)/);
  server.port = Number(port);
  return server;
}
