import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { exitCodes, Failure } from "./failure.js";
import type { Io } from "./io.js";
import type { Loaders } from "./loaders.js";

/** This process: its streams, its files, its clock. */
export function nodeIo(): Io {
  // A reader that went away (`corvo queues | head -1`) is no failure: nobody is left to tell.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? exitCodes.ok : exitCodes.failed));
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    stdoutIsTty: process.stdout.isTTY === true,
    stderrIsTty: process.stderr.isTTY === true,
    stdinIsTty: process.stdin.isTTY === true,
    columns: process.stdout.columns ?? 80,
    env: process.env,
    nowMs: () => Date.now(),
    hostname,
    readStdin,
    readFile: (path) => readFile(path, "utf8"),
    ask,
    load: {
      server: async () => endsWith(await load("server", () => import("@corvo/server/bundle"))),
      bench: () => load("bench", () => import("@corvo/bench")),
      storage: () => load("storage", () => import("@corvo/storage")),
    },
  };
}

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

/** A server that has ended ends the process, also when something of it is left open: 2 s are plenty for the last lines of its log. */
function endsWith({ serverFlags, runServer }: Awaited<ReturnType<Loaders["server"]>>): Awaited<ReturnType<Loaders["server"]>> {
  return {
    serverFlags,
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
