import type { EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { limits, type Refusal, refuse } from "@corvo/protocol";
import { EnqueueOutcome, inserted } from "./enqueue.js";
import type { State } from "./state.js";
import { hashBytes } from "./tables/hash-index.js";
import { requestHashBytes } from "./tables/remembered.js";

/** Key of an entry: verb, length of the namespace, namespace, id. */
const key = new Uint8Array(2 + 255 + limits.requestIdBytesMax);

/** Writes the key; returns its length, 0 when there is no id that can be remembered. */
function makeKey(verb: number, buf: Uint8Array, idStart: number, idEnd: number, nsBuf: Uint8Array, nsStart: number, nsEnd: number): number {
  const nsBytes = nsEnd - nsStart;
  if (idEnd === idStart || idEnd - idStart > limits.requestIdBytesMax || nsBytes > 255) return 0;
  key[0] = verb;
  key[1] = nsBytes;
  let at = 2;
  for (let i = nsStart; i < nsEnd; i++) key[at++] = nsBuf[i];
  for (let i = idStart; i < idEnd; i++) key[at++] = buf[i];
  return at;
}

/**
 * Requests with an id: the same id and the same content within an hour get the first answer again. Ids count per verb and namespace.
 * Only successes are remembered: a refused request changed nothing and may be tried again; so may a fetch that found nothing.
 */
export class RequestMemory {
  private keyBytes = 0;
  private readonly kept = new Uint8Array(key.length);
  private range = { start: 0, end: 0 };

  /** Does this command carry an id? Then `find` and `keep` mean it. */
  begin(verb: number, nsBuf: Uint8Array, nsStart: number, nsEnd: number, bodyStart: number, bodyEnd: number, buf = nsBuf): boolean {
    findRequestId(buf, bodyStart, bodyEnd, this.range);
    this.keyBytes = makeKey(verb, buf, this.range.start, this.range.end, nsBuf, nsStart, nsEnd);
    this.kept.set(key.subarray(0, this.keyBytes));
    return this.keyBytes > 0;
  }

  /** The entry, or -1. */
  find(s: State): number {
    return s.remembered.find(this.kept, this.keyBytes);
  }

  keep(s: State, hashBuf: Uint8Array, hashStart: number): void {
    s.remembered.add(this.kept, this.keyBytes, hashBuf, hashStart, s.out.buf, 0, s.out.pos, s.logTimeMs);
    s.hash.mix(80, s.appliedIndex, s.out.pos);
  }
}

export function reused(): Refusal {
  return refuse("invalid_argument", "REQUEST_ID_REUSED", "request_id was used for another request", { field: "request_id" });
}

/** Finds `string request_id = 110` in a message without reading the rest. The last one counts. */
function findRequestId(buf: Uint8Array, start: number, end: number, range: { start: number; end: number }): void {
  range.start = range.end = 0;
  let pos = start;
  while (pos < end) {
    let tag = 0;
    for (let shift = 0; pos < end && shift < 35; shift += 7) {
      const b = buf[pos++];
      tag |= (b & 127) << shift;
      if (b < 128) break;
    }
    switch (tag & 7) {
      case 0:
        while (pos < end && buf[pos++] > 127);
        break;
      case 1:
        pos += 8;
        break;
      case 2: {
        let n = 0;
        for (let shift = 0; pos < end && shift < 35; shift += 7) {
          const b = buf[pos++];
          n |= (b & 127) << shift;
          if (b < 128) break;
        }
        n >>>= 0;
        if (n > end - pos) return;
        if (tag === requestIdTag) {
          range.start = pos;
          range.end = pos + n;
        }
        pos += n;
        break;
      }
      case 5:
        pos += 4;
        break;
      default:
        return; // groups are unknown fields: the door has re-encoded such a request without them
    }
  }
}
const requestIdTag = (110 << 3) | 2;

/** Number under which ids of items in frames and batches are kept: one for all, so that an item may be sent again in another frame. */
const itemVerb = 255;
const hash = new Uint8Array(requestHashBytes);
const hashWords = new Uint32Array(hash.buffer);
/** Answer of an item: outcome, then the job's creation time and sequence as doubles. */
const answer = new Uint8Array(24);
const answerNumbers = new Float64Array(answer.buffer);
let keyBytes = 0;

const owner = new Uint8Array(2);

/** Ids of items count per namespace, too. Writes its number; nothing for `default`, and in logs of level 1. */
function ownerBytes({ level, entities: { adding } }: State): number {
  owner[0] = adding & 255;
  owner[1] = adding >>> 8;
  return adding === 0 || level < 2 ? 0 : owner.length;
}

/** The same for items of batches and frames. They come without a hash, so four 32-bit hashes of the item's bytes stand for it. */
export const ItemMemory = {
  /** 0: no id, or a new one; 1: known, see `recall`; -1: the id was another item's. */
  find(s: State, r: EnqueueRequestReader): number {
    keyBytes = r.requestIdEnd === r.requestIdStart ? 0 : makeKey(itemVerb, r.buf, r.requestIdStart, r.requestIdEnd, owner, 0, ownerBytes(s));
    if (keyBytes === 0) return 0;
    for (let i = 0; i < 4; i++) hashWords[i] = hashBytes(0x1000193 * (i + 1), r.buf, r.start, r.end);
    const entry = s.remembered.find(key, keyBytes);
    if (entry === -1) return 0;
    if (!s.remembered.sameHash(entry, hash, 0)) return -1;
    answer.set(s.remembered.answer(entry));
    return 1;
  },

  /** Outcome of the item that `find` found; its job into `inserted`. */
  recall(): number {
    inserted.createdMs = answerNumbers[1];
    inserted.seq = answerNumbers[2];
    return answerNumbers[0];
  },

  /** What `find` compares, as text. */
  fingerprint(): string {
    return hashWords.join();
  },

  /** After `find` gave 0 and the item was inserted. */
  keep(s: State, r: EnqueueRequestReader, outcome: number): void {
    if (r.requestIdEnd === r.requestIdStart || outcome === EnqueueOutcome.refused) return;
    answerNumbers[0] = outcome;
    answerNumbers[1] = inserted.createdMs;
    answerNumbers[2] = inserted.seq;
    s.remembered.add(key, keyBytes, hash, 0, answer, 0, answer.length, s.logTimeMs);
    s.hash.mix(81, inserted.seq, outcome);
  },
};
