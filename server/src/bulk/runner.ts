import { BulkState, type BulkTaskRecord } from "@corvo/engine";
import { bulkActions, readBulkBlock } from "@corvo/protocol";
import type { Replica } from "@corvo/replica";
import type { ArchiveStore } from "@corvo/storage";
import type { Log } from "../log.js";
import { runChunk } from "./chunks.js";

/** After a step that failed, it is tried again this much later. */
const againMs = 500;

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
    for (;;) {
      const task = this.replica.engine.bulkTask(id);
      if (this.stopped || task === undefined || task.state !== BulkState.running) return;
      try {
        await this.step(task);
      } catch (cause) {
        if (this.stopped) return;
        this.log.warn("a step of a bulk operation was refused, it is tried again", { bulk: id, error: (cause as Error).message });
        await new Promise((resolve) => setTimeout(resolve, againMs));
      }
    }
  }

  private async step(task: BulkTaskRecord): Promise<void> {
    const { seqs, times, outcomes } = readBulkBlock(this.replica.engine.bulkBlock(task.serial, task.nextBlock));
    const places = seqs.map((_, at) => at).filter((at) => outcomes[at] === 0);
    await runChunk(this.replica, this.archive, {
      verb: bulkActions[task.action],
      more: task.action === "move" ? task.queue : task.action === "change_priority" ? task.priority : "",
      seqs,
      times,
      places,
      task: task.serial,
      block: task.nextBlock,
      principal: "",
    });
  }
}
