import type { Session } from "../session.js";
import { type Finding, fail, ok, warn } from "./finding.js";

const mib = 1024 * 1024;
/** Below it the server's reserve is used up soon: it stops taking jobs. */
const freeBytesMin = 256 * mib;
/** Below it somebody should look. */
const freeBytesLow = 2048 * mib;

export interface Wanted {
  /** Undefined: where the settings say, or `data`. */
  dataDir: string | undefined;
  config: string | undefined;
}

/** What a server on this machine would find: its settings, its directory, room on the disk. */
export async function machineChecks(session: Session, wanted: Wanted): Promise<Finding[]> {
  const findings = [program(session)];
  const settings = await readSettings(session, wanted);
  findings.push(...settings.findings);
  findings.push(...(await dataDirectory(session, wanted.dataDir ?? settings.dataDir ?? "data", wanted.dataDir !== undefined)));
  return findings;
}

function program(session: Session): Finding {
  const { version } = session.io.machine;
  const [major, minor] = version.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) return fail("program", `Node ${version} is too old`, "20.19 or newer is needed");
  if (major === 20) return warn("program", `Node ${version} gets no security fixes any more`, "run a newer line in production");
  return ok("program", `Node ${version}`);
}

/** The settings of `corvo server` as the file and the environment give them. */
async function readSettings(session: Session, { config }: Wanted): Promise<{ findings: Finding[]; dataDir?: string }> {
  const { resolveServerOptions } = await session.io.load.server();
  const path = config ?? session.io.env.CORVO_CONFIG;
  try {
    const { dataDir } = resolveServerOptions(config === undefined ? {} : { config }, session.io.env);
    return { findings: [ok("settings", `${path ? `${path} and the environment are` : "the environment is"} valid for corvo server`)], dataDir };
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "OptionError") throw error;
    return { findings: error.message.split("\n").map((line) => fail("settings", line, "corvo server --help lists the flags; settings are named like them")) };
  }
}

async function dataDirectory(session: Session, path: string, named: boolean): Promise<Finding[]> {
  const { io } = session;
  const room = await io.machine.room(path);
  if (room === undefined) {
    if (!named) return [ok("data", `no data directory here (${path}): its disk is looked at where the server runs, or with --data-dir`)];
    return [fail("data", `there is no directory ${path}`, "give the server's --data-dir; it is made at the first start")];
  }
  const findings: Finding[] = [];
  if (!(await io.isFile(`${path}/identity`))) findings.push(warn("data", `${path} holds no files of a server`, "give the server's --data-dir"));
  else findings.push(await holder(session, path));
  if (!room.writable) findings.push(fail("data", `${path} cannot be written to by this user`, "run the server as the owner of the directory"));
  if (room.kind === "memory") findings.push(warn("data", `${path} is in memory: a restart of the machine loses it`, "put it on a disk"));
  if (room.kind === "network") findings.push(warn("data", `${path} is on a network file system`, "a local disk: locks and syncs may not hold there"));
  findings.push(freeRoom(path, room));
  return findings;
}

/** Who has the directory, by its lock. */
async function holder(session: Session, path: string): Promise<Finding> {
  const { io } = session;
  if (!(await io.isFile(`${path}/lock`))) return ok("data", `${path} was stopped in order; check its files: corvo verify ${path}`);
  const pid = Number((await io.readFile(`${path}/lock`)).split(" ")[0]);
  if (pid > 0 && io.machine.runs(pid)) return ok("data", `${path} is in use by process ${pid}`);
  return warn("data", `the server of ${path} ended without stopping`, `start it: it goes on where it was   ·   or look first: corvo verify ${path}`);
}

function freeRoom(path: string, { freeBytes, totalBytes }: { freeBytes: number; totalBytes: number }): Finding {
  const gib = (bytes: number): string => (bytes < 1024 * mib ? `${Math.floor(bytes / mib)} MiB` : `${(bytes / 1024 / mib).toFixed(1)} GiB`);
  const words = `${gib(freeBytes)} of ${gib(totalBytes)} are free at ${path}`;
  const advice = "free space or move the directory: a full disk takes no new jobs";
  if (freeBytes < freeBytesMin) return fail("room", words, advice);
  return freeBytes < freeBytesLow ? warn("room", words, advice) : ok("room", words);
}
