import type { Engine } from "@corvo/engine";
import type { Clock } from "@corvo/protocol";
import { failpoint } from "@corvo/protocol";
import type { RaftNode } from "@corvo/raft";
import { type ArchiveStore, DiskFull, type LogStore, type SnapshotStore, type StoredSnapshot } from "@corvo/storage";

export interface SnapshotterOptions {
  engine: Engine;
  raft: RaftNode;
  log: LogStore;
  archive: ArchiveStore;
  snapshots: SnapshotStore;
  clock: Clock;
  /** Fewest entries between two cuts. Default 4,096. */
  thresholdEntries: number;
  /** Fewest log bytes between two cuts; above it the size rule decides: the log since the last cut outweighs the state. 0: entries alone count. */
  logBytesMin: number;
  /** The newest snapshot at start. */
  latest: StoredSnapshot | undefined;
  onFatal: (cause: unknown) => void;
  /** The disk had no room for a snapshot: the log behind the last one stays, and grows. */
  onNoRoom?: (cause: unknown) => void;
}

/**
 * Cuts snapshots while the node works. Order of promises: the archive is synced, the snapshot is durable and re-read, only then
 * the log behind it goes (reliability §1: what is derived carries its index).
 */
export class Snapshotter {
  latest: StoredSnapshot | undefined;
  kept = 0;
  private running: Promise<void> | undefined;
  private lastIndex: number;
  private logBytesAtLast: number;
  private appended = 0;

  constructor(private readonly o: SnapshotterOptions) {
    this.latest = o.latest;
    this.kept = o.latest ? 1 : 0;
    this.lastIndex = o.latest?.index ?? 1;
    this.logBytesAtLast = 0;
    this.appended = o.log.bytes;
  }

  /** Called after entries were applied up to `index`; cheap when there is nothing to do. */
  entriesApplied(index: number, bytes: number): void {
    this.appended += bytes;
    if (this.running || index - this.lastIndex < this.o.thresholdEntries) return;
    const since = this.appended - this.logBytesAtLast;
    if (this.o.logBytesMin > 0 && since < Math.max(this.o.logBytesMin, this.o.engine.stateBytes)) return;
    void this.cut();
  }

  /** Cuts one now; resolves when it is durable and the log behind it was let go. */
  cut(): Promise<void> {
    this.running ??= this.cutOnce()
      .catch((cause: unknown) => {
        // A full disk costs this cut, not the node: the log stays as it is, and another cut follows when as much again was logged.
        if (isDiskFull(cause)) this.o.onNoRoom?.(cause);
        else this.o.onFatal(cause);
      })
      .finally(() => {
        this.running = undefined;
      });
    return this.running;
  }

  /** Waits for a cut that is under way. */
  async settled(): Promise<void> {
    await this.running;
  }

  private async cutOnce(): Promise<void> {
    const { engine, raft, archive, snapshots } = this.o;
    const index = engine.appliedIndex;
    const term = engine.appliedTerm;
    if (index <= this.lastIndex) return;
    failpoint("snapshot-before-cut");
    const conf = raft.confState;
    this.lastIndex = index;
    this.logBytesAtLast = this.appended;
    const previous = this.latest;
    const cut = engine.cut();
    try {
      const writer = await snapshots.create({ index, term, conf });
      try {
        for (let chunk = cut.next(); chunk; chunk = cut.next()) {
          await writer.write(chunk);
          failpoint("snapshot-mid-write");
          await new Promise<void>((resolve) => this.o.clock.soon(resolve));
        }
        failpoint("archive-sync-before");
        await archive.sync();
        failpoint("archive-sync-after");
        failpoint("snapshot-before-finish");
        this.latest = await writer.finish();
        failpoint("snapshot-after-finish");
      } catch (cause) {
        await writer.abort().catch(() => {
          /* the first failure is the one to report */
        });
        throw cause;
      }
    } finally {
      cut.release();
    }
    await snapshots.prune();
    this.kept = Math.min(this.kept + 1, 2);
    // The log behind the older of the two snapshots goes: whichever of them is damaged, the other one and the log are whole.
    failpoint("log-drop-before");
    if (previous) await raft.compact(previous.index);
    failpoint("log-drop-after");
  }
}

function isDiskFull(cause: unknown): boolean {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return cause instanceof DiskFull || code === "ENOSPC" || code === "EDQUOT";
}
