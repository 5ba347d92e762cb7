import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const corvo = fileURLToPath(new URL("../../../packages/cli/bin/corvo.mjs", import.meta.url));

/** The real server as a process, on a free port. */
export class RealServer {
  private killed = false;
  private constructor(
    readonly child: ChildProcess,
    readonly url: string,
    readonly gone: Promise<void>,
  ) {}

  /** Resolves when it serves, or with undefined when it was killed before that (a failpoint on the way up). */
  static async start(dataDir: string, flags: readonly string[], env: Record<string, string> = {}): Promise<RealServer | undefined> {
    const child = spawn(process.execPath, [corvo, "server", "--bind", "127.0.0.1:0", "--data-dir", dataDir, ...flags], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...env },
    });
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const lines: string[] = [];
    const url = await new Promise<string | undefined>((resolve, reject) => {
      child.once("exit", (code, signal) => {
        if (signal === "SIGKILL") resolve(undefined);
        else reject(new Error(`the server ended with ${code ?? signal}:\n${lines.join("\n")}`));
      });
      createInterface({ input: child.stderr as NodeJS.ReadableStream }).on("line", (line) => {
        lines.push(line);
        const ready = /corvo server ready.* bind=(\S+)/.exec(line);
        if (ready) resolve(`http://${ready[1]}`);
      });
    });
    return url === undefined ? undefined : new RealServer(child, url, gone);
  }

  async kill(): Promise<void> {
    this.killed ||= this.alive;
    this.child.kill("SIGKILL");
    await this.gone;
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    await this.gone;
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** A failpoint killed it: before it was asked to end, or on the way of a clean stop. */
  get killedItself(): boolean {
    return this.child.signalCode === "SIGKILL" && !this.killed;
  }
}
