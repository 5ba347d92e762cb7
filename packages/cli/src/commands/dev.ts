import { NotReached } from "../client.js";
import type { CommandSpec } from "../command.js";
import { exitCodes, Failure, usageFailure } from "../failure.js";
import { printFailure } from "../print-failure.js";
import { Session } from "../session.js";
import { seedDemo } from "./seed.js";
import { readFlags } from "./server.js";

/** A server for trying things out: reachable from this machine alone, and nothing is left of it afterwards. */
export const dev: CommandSpec = {
  name: "dev",
  usage: "[--seed]",
  group: "Server",
  summary: "run a server for trying things out: its data is gone when it ends",
  client: false,
  raw: true,
  examples: ["corvo dev", "corvo dev --seed", "corvo dev --bind 127.0.0.1:9090 --data-dir kept"],
  async run(session, args) {
    const { serverFlags, runServer } = await session.io.load.server();
    if (args.includes("--help") || args.includes("-h")) return printHelp(session);
    const given = readFlags(
      serverFlags,
      args.filter((arg) => arg !== "--seed"),
    );
    if (/:0?$/.test(given.bind ?? "")) throw usageFailure("--bind needs a port", "for example 127.0.0.1:9090");
    const kept = given["data-dir"] ?? session.io.env.CORVO_DATA_DIR;
    const bind = given.bind ?? session.io.env.CORVO_BIND ?? "127.0.0.1:8080";
    const url = urlOf(bind);
    const there = new Session(session.io, { ...session.flags, server: url });
    if (await somebodyListens(there)) throw new Failure(exitCodes.failed, `another program listens on ${bind}`, { hint: "corvo dev --bind 127.0.0.1:9090" });
    const folder = kept ?? (await session.io.temporaryFolder("corvo-dev-"));
    try {
      const ended = runServer({ "log-level": session.flags.logLevel ?? "error", ...given, "data-dir": folder, bind });
      try {
        if (await serves(there, ended)) await welcome(there, url, folder, kept !== undefined, args.includes("--seed"));
      } catch (error) {
        printFailure(session.io, error, session.flags); // the server runs all the same
      } finally {
        there.close();
      }
      return await ended;
    } finally {
      if (kept === undefined) await session.io.removeFolder(folder);
    }
  },
};

function printHelp(session: Session): void {
  const lines = [
    `Examples:\n${dev.examples.map((line) => `  ${line}`).join("\n")}`,
    "Usage: corvo dev [--seed] [server flags]",
    "Run a server for trying things out: its data is gone when it ends.",
    "Flags:\n  --seed    fill it with jobs in every state and one of everything else, as corvo seed demo does",
    "It listens on 127.0.0.1:8080 and keeps its data in a temporary folder that is removed when it ends; with --data-dir it is kept. It takes all\nflags of corvo server and logs errors alone unless --log-level says otherwise.",
  ];
  session.line(lines.join("\n\n"));
}

/** Where this machine reaches a server that listens there. */
function urlOf(bind: string): string {
  const host = bind.slice(0, bind.lastIndexOf(":"));
  const here = host === "" || host === "0.0.0.0" || host === "[::]" ? "127.0.0.1" : host;
  return `http://${here}${bind.slice(bind.lastIndexOf(":"))}`;
}

/** Its answers would be taken for the new server's, and the seed would go there. */
async function somebodyListens(there: Session): Promise<boolean> {
  try {
    await there.client.call("GET", "/readyz");
    return true;
  } catch (error) {
    return !(error instanceof NotReached);
  }
}

/** Waits until the server takes calls; false: it has ended before. */
async function serves(there: Session, ended: Promise<number>): Promise<boolean> {
  const over = new AbortController();
  void ended.catch(() => {}).finally(() => over.abort());
  while (!over.signal.aborted) {
    try {
      await there.client.call("GET", "/readyz");
      return true;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      await there.io.sleep(50, over.signal);
    }
  }
  return false;
}

async function welcome(there: Session, url: string, folder: string, kept: boolean, seed: boolean): Promise<void> {
  there.line(`server   ${url}`);
  there.line(`data     ${folder}${kept ? "" : "   (removed when it ends; kept with --data-dir)"}`);
  if (seed) {
    const jobs = Object.values(await seedDemo(there, 48)).flat();
    there.line(`seeded   ${jobs.length} jobs: corvo status, corvo top, corvo list --state dead`);
  }
  if (url !== "http://127.0.0.1:8080") there.line(`first    export CORVO_SERVER=${url}`);
  there.line(`try      corvo run -q hello -- cat      and then      corvo enqueue hello '{"hi":1}' --wait`);
}
