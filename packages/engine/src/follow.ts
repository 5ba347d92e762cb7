import { Writer } from "@corvo/gen/corvo/fast/runtime.js";

/** A job to add, or (where its sequence is not 0) a completed job for which others wait. */
interface Wanted {
  start: number;
  end: number;
  /** Serial of the batch that is complete; then there may be no job to add. 0: none. */
  batch: number;
  completedSeq: number;
  completedCreatedMs: number;
}

/**
 * What the end of jobs calls for: callbacks of batches, next steps of chains, the release of jobs that wait. It is written down while a job ends, and done
 * by `addFollowers` when that is done with: at the end of the command, of a frame's acks, of a sweep.
 */
export class Follow {
  readonly w = new Writer(4096);
  readonly wanted: Wanted[] = [];
  private startedAt = 0;

  /** Write an EnqueueRequest, then call `end`. */
  begin(): Writer {
    this.startedAt = this.w.pos;
    return this.w;
  }

  /** `batch`: serial of the batch that is complete, whose callback this is, if anything was written; 0: none. */
  end(batch: number): void {
    this.wanted.push({ start: this.startedAt, end: this.w.pos, batch, completedSeq: 0, completedCreatedMs: 0 });
  }

  /** Others wait for this job, which is completed. */
  completed(seq: number, createdMs: number): void {
    this.wanted.push({ start: 0, end: 0, batch: 0, completedSeq: seq, completedCreatedMs: createdMs });
  }
}
