import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const corvo = fileURLToPath(new URL("../../../../packages/cli/bin/corvo.mjs", import.meta.url));

/** The real server as a process, on a data directory and a port of its own, both kept over restarts. */
export class TestServer {
  private readonly dataDir = mkdtempSync(join(tmpdir(), "corvo-sdk-"));
  private child: ChildProcess | undefined;
  private port = 0;

  static async start(): Promise<TestServer> {
    const server = new TestServer();
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }
  get address(): { host: string; port: number } {
    return { host: "127.0.0.1", port: this.port };
  }

  async start(): Promise<void> {
    const args = [corvo, "server", "--bind", `127.0.0.1:${this.port}`, "--data-dir", this.dataDir];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.child = child;
    const lines: string[] = [];
    this.port = await new Promise((resolve, reject) => {
      child.once("exit", (code, signal) => reject(new Error(`the server ended with ${code ?? signal}:\n${lines.join("\n")}`)));
      createInterface({ input: child.stderr as NodeJS.ReadableStream }).on("line", (line) => {
        lines.push(line);
        const ready = /corvo server ready.* bind=\S+:(\d+)/.exec(line);
        if (ready) resolve(Number(ready[1]));
      });
    });
  }

  /** As kill -9 does. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
