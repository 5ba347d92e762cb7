import { putInt32, putRange, putUint32, putUint64Parts, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { AckBatchItemReader, EnqueueRequestReader, LifecycleStreamRequestReader, LifecycleStreamRequestTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { LifecycleStreamRequestSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { limits } from "../limits.js";
import { isRefusal, type Refusal } from "../refusal.js";
import { lookAtItem, mendItem } from "./ack.js";
import { type DoorOptions, doorDefaults, type Fault, faulty, malformed, rewrite } from "./door.js";
import { lookAtJob, mendJob, notAlone } from "./enqueue.js";
import { whoFault } from "./fetch.js";
import { mustBeUtf8, textFault } from "./fields.js";

/**
 * `corvo.v1.LifecycleStreamRequest`: one frame. Bad items do not fail it. Reusable, one per stream; what it says is valid until the next
 * `check`. Nothing is allocated for a good frame.
 */
export class FrameCheck {
  /** The bytes to log: the frame without what was refused. */
  bytes: Uint8Array = new Uint8Array(0);
  /** First error, worded for LifecycleStreamResponse.error (spec/rpc.md §4.4); empty: none. Acks come first, then the fetch, then the enqueues. */
  error = "";
  /** Positions of refused acks in the frame as it came, rising. */
  refusedAcks: number[] = [];
  /** Positions of refused jobs in the frame as it came, rising. */
  refusedEnqueues: number[] = [];
  /** The fetch was refused: the bytes to log ask for none. */
  refusedFetch = false;
  /** Reads `bytes`. The handler may use it to see what the frame asks for. */
  readonly frame = new LifecycleStreamRequestReader();

  /** A refusal of the whole frame when the bytes are not the message; undefined otherwise. */
  check(bytes: Uint8Array, options: DoorOptions = doorDefaults): Refusal | undefined {
    this.bytes = bytes;
    try {
      if (this.look(options)) return this.error === "" ? undefined : this.without();
    } catch (error) {
      return malformed(LifecycleStreamRequestSchema, error);
    }
    // Something unknown, or blank JSON: everything again on canonical bytes.
    const again = rewrite(LifecycleStreamRequestSchema, bytes, (message) => {
      message.acks.forEach(mendItem);
      message.enqueues.forEach(mendJob);
    });
    if (isRefusal(again)) return again;
    this.bytes = again;
    if (!this.look(options)) throw new Error("corvo.v1.LifecycleStreamRequest: still not canonical after it was encoded again");
    return this.error === "" ? undefined : this.without();
  }

  /** False: not canonical, look again after encoding anew. */
  private look(options: DoorOptions): boolean {
    this.error = "";
    if (this.refusedAcks.length > 0) this.refusedAcks = [];
    if (this.refusedEnqueues.length > 0) this.refusedEnqueues = [];
    this.refusedFetch = false;
    const r = this.frame.read(this.bytes, 0, this.bytes.length);
    if (r.hasUnknown) return false;
    mustBeUtf8(r.buf, r.workerIdStart, r.workerIdEnd, "worker_id");
    mustBeUtf8(r.buf, r.hostnameStart, r.hostnameEnd, "hostname");
    const long = textFault(r.buf, r.retryIdStart, r.retryIdEnd, limits.requestIdBytesMax, "retry_id");
    if (long !== undefined) this.fail("frame", long);
    for (let i = 0; i < r.queuesCount; i++) mustBeUtf8(r.buf, r.queuesStart[i], r.queuesEnd[i], "queues");
    if (r.acksCount > 0 && !this.lookAtAcks(r)) return false;
    if (r.fetchCount > 0) this.lookAtFetch(r);
    return r.enqueuesCount === 0 || this.lookAtEnqueues(r, options);
  }

  private lookAtAcks(r: LifecycleStreamRequestReader): boolean {
    const crowd = r.acksCount > limits.itemsMax ? tooMany(r.acksCount, "acks") : undefined;
    for (let i = 0; i < r.acksCount; i++) {
      const fault = lookAtItem(item.read(r.buf, r.acksStart[i], r.acksEnd[i]), "job_id is required") ?? crowd;
      if (item.hasUnknown) return false;
      if (fault === undefined) continue;
      this.refusedAcks.push(i);
      this.fail("ack", fault);
    }
    return true;
  }

  private lookAtFetch(r: LifecycleStreamRequestReader): void {
    const fault =
      whoFault(r, "at least one queue is required") ??
      (r.fetchCount > limits.itemsMax ? faulty("TOO_LARGE", "fetch_count", `fetch_count too large: ${r.fetchCount} (max ${limits.itemsMax})`) : undefined);
    if (fault === undefined) return;
    this.refusedFetch = true;
    this.fail("fetch", fault);
  }

  private lookAtEnqueues(r: LifecycleStreamRequestReader, options: DoorOptions): boolean {
    const crowd = r.enqueuesCount > limits.itemsMax ? tooMany(r.enqueuesCount, "enqueues") : undefined;
    for (let i = 0; i < r.enqueuesCount; i++) {
      const fault = lookAtJob(job.read(r.buf, r.enqueuesStart[i], r.enqueuesEnd[i]), options) ?? notAlone(job) ?? crowd;
      if (job.hasUnknown) return false;
      if (fault === undefined) continue;
      this.refusedEnqueues.push(i);
      this.fail("enqueue", fault);
    }
    return true;
  }

  private fail(part: string, fault: Fault): void {
    if (this.error === "") this.error = `${part}: ${fault.text}`;
  }

  /** Makes the bytes without what was refused; what stays is copied as it came. */
  private without(): undefined {
    const { frame: r } = this;
    const { buf } = r;
    const w = new Writer(r.end);
    if (r.requestId !== 0) putUint64Parts(w, LifecycleStreamRequestTag.requestId, r.requestIdLo, r.requestIdHi);
    if (!this.refusedFetch) {
      for (let i = 0; i < r.queuesCount; i++) putRange(w, LifecycleStreamRequestTag.queues, buf, r.queuesStart[i], r.queuesEnd[i]);
      if (r.workerIdEnd > r.workerIdStart) putRange(w, LifecycleStreamRequestTag.workerId, buf, r.workerIdStart, r.workerIdEnd);
      if (r.hostnameEnd > r.hostnameStart) putRange(w, LifecycleStreamRequestTag.hostname, buf, r.hostnameStart, r.hostnameEnd);
      if (r.leaseDuration !== 0) putInt32(w, LifecycleStreamRequestTag.leaseDuration, r.leaseDuration);
      if (r.fetchCount !== 0) putInt32(w, LifecycleStreamRequestTag.fetchCount, r.fetchCount);
    }
    copyAllBut(this.refusedAcks, r.acksCount, (i) => putRange(w, LifecycleStreamRequestTag.acks, buf, r.acksStart[i], r.acksEnd[i]));
    copyAllBut(this.refusedEnqueues, r.enqueuesCount, (i) => putRange(w, LifecycleStreamRequestTag.enqueues, buf, r.enqueuesStart[i], r.enqueuesEnd[i]));
    if (r.retryIdEnd > r.retryIdStart && r.retryIdEnd - r.retryIdStart <= limits.requestIdBytesMax)
      putRange(w, LifecycleStreamRequestTag.retryId, buf, r.retryIdStart, r.retryIdEnd);
    if (r.waitMs !== 0) putUint32(w, LifecycleStreamRequestTag.waitMs, r.waitMs);
    this.bytes = w.view();
    r.read(this.bytes, 0, this.bytes.length);
    return undefined;
  }
}

/** Calls `copy` for each of `count` positions that is not in `refused`, which rises. */
function copyAllBut(refused: readonly number[], count: number, copy: (i: number) => void): void {
  let next = 0;
  for (let i = 0; i < count; i++) {
    if (refused[next] === i) next++;
    else copy(i);
  }
}

const item = new AckBatchItemReader();
const job = new EnqueueRequestReader();

function tooMany(count: number, field: string): Fault {
  return faulty("TOO_LARGE", field, `too many items: ${count} (max ${limits.itemsMax})`);
}
