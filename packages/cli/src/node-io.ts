import { constants, createReadStream, existsSync } from "node:fs";
import { access, chmod, link, mkdir, mkdtemp, open, readFile, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { exitCodes, Failure } from "./failure.js";
import type { Io, Machine } from "./io.js";
import type { Loaders } from "./loaders.js";
import { isProgram, startProgram } from "./programs.js";

/** This process: its streams, its files, its clock. */
export function nodeIo(): Io {
  // A reader that went away (`corvo queues | head -1`) is no failure: nobody is left to tell.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCodes.ok);
    process.stderr.write(`error: standard output cannot be written: ${error.message}\n`);
    process.exit(exitCodes.failed);
  });
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    stdoutIsTty: process.stdout.isTTY === true,
    stderrIsTty: process.stderr.isTTY === true,
    stdinIsTty: process.stdin.isTTY === true,
    get columns() {
      return process.stdout.columns ?? 80;
    },
    get rows() {
      return process.stdout.rows ?? 24;
    },
    env: process.env,
    nowMs: () => Date.now(),
    hostname,
    machine,
    readStdin,
    readFile: (path) => readFile(path, "utf8"),
    fileMode: async (path) => (await stat(path)).mode & 0o777,
    writeFile: writePrivately,
    isFile: async (path) => (await stat(path).catch(() => undefined))?.isFile() === true,
    receive,
    readParts: (path) => createReadStream(path),
    runShell,
    startProgram,
    isProgram,
    temporaryFolder: (prefix) => mkdtemp(join(tmpdir(), prefix)),
    removeFolder: (path) => rm(path, { recursive: true, force: true }),
    ask,
    sleep,
    interruption,
    onKey,
    onResize: (listener) => {
      process.stdout.on("resize", listener);
      return () => process.stdout.off("resize", listener);
    },
    load: {
      server: async () => endsWith(await load("server", () => import("@corvo/server/bundle"))),
      backups: () => load("server", () => import("@corvo/server/bundle")),
      bench: () => load("bench", () => import("@corvo/bench")),
      storage: () => load("storage", () => import("@corvo/storage")),
      yaml: () => load("reader of settings", () => import("yaml")),
    },
  };
}

/** File systems by their number in Linux; others count as disks. */
const kinds: Readonly<Record<number, "memory" | "network">> = {
  16914836: "memory",
  2240043254: "memory",
  26985: "network",
  4283649346: "network",
  4266872130: "network",
};

const machine: Machine = {
  version: process.versions.node,
  async room(path) {
    if ((await stat(path).catch(() => undefined))?.isDirectory() !== true) return undefined;
    const { bavail, blocks, bsize, type } = await statfs(path);
    const writable = await access(path, constants.W_OK).then(
      () => true,
      () => false,
    );
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, writable, kind: kinds[type] ?? "disk" };
  },
  runs(pid) {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      // It is there, and somebody else's.
      return (error as NodeJS.ErrnoException).code === "EPERM";
    }
  },
};

async function readStdin(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write("reading standard input, end it with Ctrl-D\n");
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** An end of input is an empty answer; Ctrl-C ends the process, as it does everywhere else. */
async function ask(question: string): Promise<string> {
  const { createInterface } = await import("node:readline");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  lines.once("SIGINT", () => process.exit(exitCodes.interrupted));
  const answer = await new Promise<string>((resolve) => {
    lines.once("close", () => resolve(""));
    lines.question(question, resolve);
  });
  lines.close();
  return answer;
}

async function writePrivately(path: string, text: string): Promise<void> {
  await makeFolder(dirname(path));
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path);
}

/** Node's own way to make the folders above one goes round for ever below /proc, which says of every new folder that there is nothing above it. */
async function makeFolder(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined))?.isDirectory()) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error; // another one made it in this moment
  });
}

/** There is nothing under the name until all of it is on the disk; what was broken off stays beside it as `.incoming` at most. */
async function receive(path: string, parts: AsyncIterable<Uint8Array>): Promise<number> {
  const incoming = `${path}.incoming`;
  const taken = (): Error => Object.assign(new Error(`${path} is there already`), { code: "EEXIST" });
  if (existsSync(path)) throw taken();
  let bytes = 0;
  try {
    const file = await open(incoming, "w", 0o600);
    try {
      for await (const part of parts) {
        await file.write(part, 0, part.length, bytes);
        bytes += part.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await link(incoming, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST" || existsSync(path)) throw taken();
      await rename(incoming, path); // a file system without links
    });
    await syncFolder(dirname(path));
    return bytes;
  } finally {
    await rm(incoming, { force: true });
  }
}

/** What has a name in it keeps it when the power goes. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function runShell(line: string): Promise<string> {
  const { execFile } = await import("node:child_process");
  return await new Promise((resolve, reject) => {
    const child = execFile("/bin/sh", ["-c", line], { encoding: "utf8" }, (error, out) => (error ? reject(error) : resolve(out)));
    child.stderr?.pipe(process.stderr);
  });
}

function sleep(ms: number, until?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (until?.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      until?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    until?.addEventListener("abort", end);
  });
}

let interrupted: AbortController | undefined;
function interruption(): AbortSignal {
  if (interrupted) return interrupted.signal;
  const controller = new AbortController();
  interrupted = controller;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(exitCodes.interrupted);
      controller.abort();
    });
  }
  return controller.signal;
}

/** Raw mode takes Ctrl-C away from the terminal, so it comes as a key, too. */
function onKey(listener: (key: string) => void): () => void {
  const { stdin } = process;
  if (stdin.isTTY !== true) return () => {};
  const read = (bytes: Buffer): void => listener(bytes.toString("utf8"));
  stdin.setRawMode(true);
  stdin.on("data", read);
  stdin.resume();
  return () => {
    stdin.off("data", read);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

/** A server that has ended ends the process, also when something of it is left open: 2 s are plenty for the last lines of its log. */
function endsWith({ serverFlags, runServer, resolveServerOptions }: Awaited<ReturnType<Loaders["server"]>>): Awaited<ReturnType<Loaders["server"]>> {
  return {
    serverFlags,
    resolveServerOptions,
    async runServer(given) {
      const code = await runServer(given);
      setTimeout(() => process.exit(), 2000).unref();
      return code;
    },
  };
}

async function load<T>(part: string, importIt: () => Promise<T>): Promise<T> {
  try {
    return await importIt();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Failure(exitCodes.failed, `the ${part} is not built: ${(error as Error).message.split("\n")[0]}`, { hint: "npm run build" });
  }
}
