import { BulkState, type BulkTaskRecord } from "@corvo/engine";
import { bulkActions, failpoint, readBulkBlock } from "@corvo/protocol";
import type { Replica } from "@corvo/replica";
import type { ArchiveStore } from "@corvo/storage";
import type { Log } from "../log.js";
import { type BulkWork, type Item, itemsOf, runChunk } from "./chunks.js";

/** After a step that failed, it is tried again this much later. */
const againMs = 500;

/** A block that is prepared before its turn. */
interface Ahead {
  block: number;
  items: Promise<Item[]>;
}

/**
 * Carries tasks out, block by block, while this node leads. What is done is in the log, so whoever leads next goes on where this one
 * stopped. Tasks run side by side; between two blocks of one everybody else has their turn.
 */
export class BulkRunner {
  private readonly running = new Set<number>();
  private stopped = false;

  constructor(
    private readonly replica: Replica,
    private readonly archive: ArchiveStore,
    private readonly log: Log,
  ) {}

  /** There may be tasks to carry out. */
  wake(): void {
    if (this.stopped) return;
    for (const task of this.replica.engine.bulkTasks()) {
      if (task.state !== BulkState.running || this.running.has(task.serial)) continue;
      this.running.add(task.serial);
      void this.run(task.id).finally(() => this.running.delete(task.serial));
    }
  }

  stop(): void {
    this.stopped = true;
  }

  private async run(id: string): Promise<void> {
    let ahead: Ahead | undefined;
    for (;;) {
      const task = this.replica.engine.bulkTask(id);
      if (this.stopped || task === undefined || task.state !== BulkState.running) return;
      try {
        ahead = await this.step(task, ahead);
      } catch (cause) {
        ahead = undefined;
        if (this.stopped) return;
        this.log.warn("a step of a bulk operation was refused, it is tried again", { bulk: id, error: (cause as Error).message });
        await new Promise((resolve) => setTimeout(resolve, againMs));
      }
    }
  }

  /** Carries the next block out. While it is on its way through the log, the one after it is prepared. */
  private async step(task: BulkTaskRecord, ahead: Ahead | undefined): Promise<Ahead | undefined> {
    const block = task.nextBlock;
    failpoint("bulk-block-before");
    const done = runChunk(this.replica, this.archive, this.workOf(task, block), ahead?.block === block ? ahead.items : undefined);
    if (block + 1 === task.blocks) {
      await done;
      failpoint("bulk-block-after");
      return undefined;
    }
    const items = itemsOf(this.replica, this.archive, this.workOf(task, block + 1));
    items.catch(() => {
      // the next step says so
    });
    await done;
    failpoint("bulk-block-after");
    return { block: block + 1, items };
  }

  private workOf(task: BulkTaskRecord, block: number): BulkWork {
    const { seqs, times, outcomes } = readBulkBlock(this.replica.engine.bulkBlock(task.serial, block));
    return {
      verb: bulkActions[task.action],
      more: task.action === "move" ? task.queue : task.action === "change_priority" ? task.priority : "",
      seqs,
      times,
      places: seqs.map((_, at) => at).filter((at) => outcomes[at] === 0),
      task: task.serial,
      block,
      principal: task.principal,
    };
  }
}
