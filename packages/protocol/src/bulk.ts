import { putRange, putText, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { BulkBlockReader, encodeBulkBlock } from "@corvo/gen/corvo/internal/v1/bulk_fast.js";
import { Verb } from "./entry.js";
import { jobIdBytes, putJobId } from "./ids.js";

/** What can be done in bulk: each is the verb of the single action. */
export const bulkActions: Readonly<Record<string, Verb>> = {
  retry: Verb.RETRY,
  delete: Verb.DELETE,
  cancel: Verb.CANCEL,
  move: Verb.MOVE,
  requeue: Verb.REQUEUE,
  change_priority: Verb.CHANGE_PRIORITY,
  hold: Verb.HOLD,
  approve: Verb.APPROVE,
  reject: Verb.REJECT,
};

/** Numbers of states that an action fits. */
export const bulkFits: Readonly<Record<string, readonly number[]>> = {
  retry: [4, 6, 7, 8],
  delete: [1, 2, 3, 4, 5, 6, 7, 8],
  cancel: [1, 2, 5, 8],
  move: [1, 2, 3, 4, 5, 6, 7, 8],
  requeue: [6],
  change_priority: [1, 8],
  hold: [1, 2, 5, 8],
  approve: [3],
  reject: [3],
};

/** Jobs of one block. */
export const bulkBlockJobs = 500;

const w = new Writer(64 * 1024);
const parts = new Writer(16 * 1024);
const idBytes = new Uint8Array(jobIdBytes);

/** Jobs from one place up to another as a BulkBlock. Both lists rise. */
export function packBulkBlock(seqs: ArrayLike<number>, times: ArrayLike<number>, start: number, end: number): Uint8Array {
  const packed = [seqs, times].map((values) => {
    parts.reset();
    for (let i = start, before = 0; i < end; i++) {
      let rest = values[i] - before;
      before = values[i];
      parts.ensure(10);
      for (; rest > 127; rest = Math.floor(rest / 128)) parts.buf[parts.pos++] = (rest % 128) | 128;
      parts.buf[parts.pos++] = rest;
    }
    return parts.copy();
  });
  w.reset();
  encodeBulkBlock(w, { seqs: packed[0], times: packed[1], count: end - start });
  return w.copy();
}

/** Jobs of a BulkBlock with what became of them. */
export function readBulkBlock(bytes: Uint8Array): { seqs: number[]; times: number[]; outcomes: Uint8Array } {
  const r = new BulkBlockReader().read(bytes, 0, bytes.length);
  const unpack = (start: number, end: number): number[] => {
    const values: number[] = [];
    for (let at = start, before = 0; at < end; ) {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++];
        value += (byte & 127) * scale;
        if (byte < 128) break;
      }
      before += value;
      values.push(before);
    }
    return values;
  };
  const outcomes = new Uint8Array(r.count);
  outcomes.set(bytes.subarray(r.outcomesStart, r.outcomesEnd));
  return { seqs: unpack(r.seqsStart, r.seqsEnd), times: unpack(r.timesStart, r.timesEnd), outcomes };
}

/** The single action on one job: its request in protobuf. `more`: the target queue of a move, the new priority. */
export function bulkRequestBody(createdMs: number, seq: number, more: string): Uint8Array {
  w.reset();
  putJobId(idBytes, 0, createdMs, seq);
  putRange(w, 10, idBytes, 0, jobIdBytes);
  if (more !== "") putText(w, 18, more);
  return w.copy();
}
