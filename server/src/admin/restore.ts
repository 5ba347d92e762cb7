import { existsSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { failpoint, refuse } from "@corvo/protocol";
import { examineBackup, type RestoredBackup, restoreBackup } from "@corvo/replica";
import { BackupDamaged, DiskFull, nodeDisk, openStorage, type Storage } from "@corvo/storage";
import { RpcError } from "@corvo/transport";
import { killAtFailpoint } from "../kill-switch.js";
import type { Log } from "../log.js";
import { nodeRandom } from "../node-seams.js";
import { type AdminContext, OneAtATime } from "./context.js";

/**
 * Restoring while a server runs: the archive is received into `restore/` of the data directory and made a data directory of its own beside
 * the running one; a file `ready` says that it is whole. At the next start `takeUpRestored` puts it into place. A crash at any point leaves
 * either the old content or the new one.
 */
const staging = "restore";
const restores = new WeakMap<AdminContext, OneAtATime>();

/** One archive that is coming in. */
export class IncomingBackup {
  private at = 0;
  private constructor(
    private readonly context: AdminContext,
    private readonly dir: string,
    private readonly file: FileHandle,
    private readonly leave: () => void,
  ) {}

  static async begin(context: AdminContext): Promise<IncomingBackup> {
    let gate = restores.get(context);
    if (!gate) restores.set(context, (gate = new OneAtATime("RESTORE_RUNNING", "a restore")));
    const leave = gate.enter();
    const dir = join(resolve(context.options.dataDir), staging);
    try {
      await rm(dir, { recursive: true, force: true });
      await mkdir(dir, { recursive: true });
      return new IncomingBackup(context, dir, await open(join(dir, "archive"), "wx"), leave);
    } catch (cause) {
      leave();
      throw asRefusal(cause);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.context.stores.space.pressure !== "none") throw noRoom();
    try {
      await this.file.write(bytes, 0, bytes.length, this.at);
    } catch (cause) {
      throw asRefusal(cause);
    }
    this.at += bytes.length;
  }

  /** All of it is here: looks at it, and unless that was all that was asked, makes it the content of this node. */
  async finish(wish: { cluster?: string; validateOnly: boolean }): Promise<RestoredBackup> {
    const { context, dir } = this;
    const { replica, log } = context;
    try {
      assertUnused(context);
      failpoint("restore-received");
      const file = await nodeDisk(dir).open("archive", "read");
      let found: RestoredBackup;
      try {
        if (wish.validateOnly) return await examineBackup(file, wish.cluster);
        found = await restoreBackup(file, () => openFresh(join(dir, "data"), context.options.logBackend), wish.cluster);
      } finally {
        await file.close();
      }
      failpoint("restore-made");
      await replica.close(refuse("unavailable", "SHUTTING_DOWN", "a backup is being taken up", { retryAfterMs: 1000 }));
      try {
        assertUnused(context); // work may have come while the backup was read
        await writeSynced(join(dir, "ready"));
        failpoint("restore-ready");
      } catch (cause) {
        await replica.close(undefined);
        throw cause;
      }
      log.info("backup restored, the server starts anew with it", {
        cluster_id: found.meta.clusterId,
        log_index: found.meta.index,
        live_jobs: found.liveJobs,
        finished_jobs: found.finishedJobs,
        content_digest: found.contentDigest,
      });
      return found;
    } catch (cause) {
      throw asRefusal(cause);
    } finally {
      await this.end();
    }
  }

  private ended = false;
  /** Lets go; what is not `ready` is gone. */
  async end(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    await this.file.close();
    if (!existsSync(join(this.dir, "ready"))) await rm(this.dir, { recursive: true, force: true });
    this.leave();
  }
}

function assertUnused({ replica }: AdminContext): void {
  if (replica.engine.unused) return;
  throw new RpcError("failed_precondition", "NOT_EMPTY", "this node is not empty: a backup is restored into a node that never had a job or a queue", {
    restStatus: 409,
    restCode: "NOT_EMPTY",
  });
}

const noRoom = (): RpcError => new RpcError("resource_exhausted", "DISK_FULL", "the disk has no room for the backup and what is made of it");

function asRefusal(cause: unknown): unknown {
  if (cause instanceof DiskFull || ["ENOSPC", "EDQUOT"].includes((cause as { code?: string }).code ?? "")) return noRoom();
  if (!(cause instanceof BackupDamaged)) return cause;
  return new RpcError("invalid_argument", "BACKUP_DAMAGED", cause.message, { restStatus: 400, restCode: "BACKUP_DAMAGED" });
}

/** `corvo restore`: into a directory that does not exist yet or is empty. Nothing is left of one that fails. */
export async function restoreDirectory(
  path: string,
  dataDir: string,
  wish: { cluster?: string; logBackend?: "segments" | "level" } = {},
): Promise<RestoredBackup> {
  killAtFailpoint(process.env.CORVO_FAILPOINT);
  const target = resolve(dataDir);
  if (existsSync(target) && (await readdir(target)).length > 0)
    throw new RestoreRefused(`${dataDir} is not empty: a backup is restored into a new data directory`);
  const file = await openFile(path);
  const made = `${target}.restoring`;
  try {
    await rm(made, { recursive: true, force: true });
    const found = await restoreBackup(file, () => openFresh(made, wish.logBackend ?? "segments"), wish.cluster);
    if (existsSync(target)) await rm(target, { recursive: true });
    failpoint("restore-before-rename");
    await rename(made, target);
    failpoint("restore-after-rename");
    await syncDirectory(resolve(target, ".."));
    return found;
  } finally {
    await file.close();
    await rm(made, { recursive: true, force: true });
  }
}

/** `corvo verify FILE`: throws BackupDamaged. */
export async function examineBackupFile(path: string): Promise<RestoredBackup> {
  const file = await openFile(path);
  try {
    const { engine: _, ...found } = await examineBackup(file);
    return found;
  } finally {
    await file.close();
  }
}

/** The place is not one that can be restored into, or there is no such file. */
export class RestoreRefused extends Error {
  override name = "RestoreRefused";
}

async function openFile(path: string) {
  const full = resolve(path);
  try {
    return await nodeDisk(resolve(full, "..")).open(full.slice(full.lastIndexOf("/") + 1), "read");
  } catch (cause) {
    throw new RestoreRefused(`${path} cannot be read: ${(cause as Error).message}`);
  }
}

function openFresh(root: string, logBackend: "segments" | "level"): Promise<Storage> {
  return openStorage({
    disk: nodeDisk(root),
    random: nodeRandom,
    logBackend,
    levelPath: `${root}/log-level`,
    durable: true,
    monotonicMs: () => performance.now(),
    archiveReserveBytes: 0,
  });
}

/**
 * At start: when a restored backup lies ready, it takes the place of what is there. Every step can be repeated after a crash; tests crash
 * in `stepDone`.
 */
export async function takeUpRestored(dataDir: string, log: Pick<Log, "info">, stepDone: () => void = () => {}): Promise<void> {
  const root = resolve(dataDir);
  const dir = join(root, staging);
  if (!existsSync(dir)) return;
  if (!existsSync(join(dir, "ready"))) return rm(dir, { recursive: true, force: true });
  const before = join(dir, "before");
  if (!existsSync(join(dir, "moved"))) {
    await mkdir(before, { recursive: true });
    await moveAll(root, before, stepDone);
    await syncDirectory(root);
    await writeSynced(join(dir, "moved"));
    stepDone();
  }
  await moveAll(join(dir, "data"), root, stepDone);
  await syncDirectory(root);
  stepDone();
  // From here on the directory is whole without this one. Its mark goes first, so that what is left of it is never taken up again.
  await rm(join(dir, "ready"));
  await syncDirectory(dir);
  stepDone();
  await rm(dir, { recursive: true, force: true });
  log.info("a restored backup was taken up", { data_dir: root });
}

/** Everything but the staging directory. */
async function moveAll(from: string, to: string, moved: () => void): Promise<void> {
  for (const name of await readdir(from)) {
    if (name === staging) continue;
    await rename(join(from, name), join(to, name));
    moved();
  }
}

async function writeSynced(path: string): Promise<void> {
  await writeFile(path, "");
  await syncDirectory(path);
  await syncDirectory(resolve(path, ".."));
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
