import { type Disk, errorCode, readWholeFile } from "./disk.js";
import { DataDirectoryError } from "./identity.js";

/** Who opens a data directory, and how to tell whether whoever held it before still runs. `thisProcess` is the real one. */
export interface Holder {
  pid: number;
  /** Tells a process from an earlier one with the same number; "" where the system does not say. */
  started: string;
  isRunning(pid: number, started: string): boolean;
}

const path = "lock";

/**
 * Takes the directory for this process. A lock that a dead process left is taken over. Returns what gives it back.
 * Two processes that find the same dead lock in the same instant are told apart by moving it aside: only one can move it.
 */
export async function lockDirectory(disk: Disk, holder: Holder): Promise<() => Promise<void>> {
  const own = `${holder.pid} ${holder.started}\n`;
  for (let attempt = 0; ; attempt++) {
    if (await create(disk, own)) {
      return () => disk.remove(path);
    }
    const found = await content(disk, path);
    if (found === undefined) continue; // given back this moment
    const [pid, started] = parse(found);
    const ourselves = pid === holder.pid && started === ""; // an earlier process with our number: we do not hold it
    if (attempt > 3 || (pid !== undefined && !ourselves && holder.isRunning(pid, started))) {
      throw new DataDirectoryError(path, `the data directory is in use by process ${pid}; two servers cannot share one`);
    }
    const aside = `${path}.stale-${holder.pid}`;
    await disk.rename(path, aside).catch((error) => {
      if (errorCode(error) !== "ENOENT") throw error; // somebody else moved it
    });
    const moved = await content(disk, aside);
    if (moved === undefined) continue;
    if (moved === found) await disk.remove(aside);
    else await disk.rename(aside, path); // not the dead one: somebody took the directory in between
  }
}

/** Throws when a process that runs holds the directory. */
export async function assertNotInUse(disk: Disk, holder: Holder): Promise<void> {
  const found = await content(disk, path);
  if (found === undefined) return;
  const [pid, started] = parse(found);
  if (pid === undefined || (pid === holder.pid && started === "") || !holder.isRunning(pid, started)) return;
  throw new DataDirectoryError(path, `the data directory is in use by process ${pid}: stop it first`);
}

async function create(disk: Disk, text: string): Promise<boolean> {
  try {
    const file = await disk.open(path, "create");
    await file.write([Buffer.from(text)], 0);
    await file.close();
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

async function content(disk: Disk, name: string): Promise<string | undefined> {
  const bytes = await readWholeFile(disk, name);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("latin1");
}

function parse(text: string): [pid: number | undefined, started: string] {
  const match = /^(\d+) (\S*)\n$/.exec(text);
  return match === null ? [undefined, ""] : [Number(match[1]), match[2]];
}
