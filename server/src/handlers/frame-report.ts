import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { LifecycleStreamResponseReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { AckOutcome, EnqueueOutcome, LifecycleStreamRequestSchema, LifecycleStreamResponseSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { type FrameCheck, type Refusal, requestHash } from "@corvo/protocol";

const reader = new LifecycleStreamResponseReader();

/** One frame: what of it may go into the log, and how its answer is put together from what the door and the engine say. */
export class FrameReport {
  /** The bytes are not a frame at all. */
  readonly refused: Refusal | undefined;
  /** To be logged. */
  readonly body: Uint8Array;
  /** First error of the frame; empty: none. */
  error: string;
  /** Of the whole frame, when it may come again. */
  readonly hash: Uint8Array | undefined;
  readonly waitMs: number;
  readonly fetchOnly: boolean;
  readonly hasWork: boolean;
  private readonly requestIdHi: number;
  private readonly requestIdLo: number;
  private readonly refusedAcks: readonly number[];
  private readonly refusedEnqueues: readonly number[];
  readonly fetches: boolean;
  private readonly enqueues: number;

  constructor(
    private readonly check: FrameCheck,
    request: Uint8Array,
    payloadBytesMax: number,
    noNewWork: Refusal | undefined,
  ) {
    this.refused = check.check(request, { payloadBytesMax, rest: false });
    this.refusedAcks = check.refusedAcks;
    this.refusedEnqueues = check.refusedEnqueues;
    this.error = check.error;
    this.body = check.bytes;
    if (noNewWork && !this.refused && check.frame.enqueuesCount > 0) {
      const count = check.frame.enqueuesCount + check.refusedEnqueues.length;
      this.refusedEnqueues = Array.from({ length: count }, (_, i) => i);
      this.error ||= `enqueue: ${noNewWork.message}`;
      this.body = withoutEnqueues(check.bytes);
      check.check(this.body, { payloadBytesMax, rest: false });
    }
    const frame = check.frame;
    this.requestIdHi = frame.requestIdHi;
    this.requestIdLo = frame.requestIdLo;
    this.hash = frame.retryIdEnd > frame.retryIdStart ? requestHash(LifecycleStreamRequestSchema, this.body) : undefined;
    this.waitMs = frame.waitMs;
    this.fetches = frame.fetchCount > 0;
    this.enqueues = frame.enqueuesCount;
    this.fetchOnly = this.fetches && frame.acksCount === 0 && frame.enqueuesCount === 0;
    this.hasWork = this.fetches || frame.acksCount > 0 || frame.enqueuesCount > 0;
  }

  /** It adds jobs. */
  get adds(): boolean {
    return this.enqueues > 0;
  }

  /** Queues to fetch from. */
  get queues(): string[] {
    const { frame } = this.check;
    const text = Buffer.from(frame.buf.buffer, frame.buf.byteOffset, frame.buf.byteLength);
    return Array.from({ length: frame.queuesCount }, (_, i) => text.toString("utf8", frame.queuesStart[i], frame.queuesEnd[i]));
  }

  /** Who fetches. */
  get workerId(): string {
    const { frame } = this.check;
    return Buffer.from(frame.buf.subarray(frame.workerIdStart, frame.workerIdEnd)).toString();
  }

  /** What may go into the log of a worker that may not fetch. */
  withoutFetch(): Uint8Array {
    const message = fromBinary(LifecycleStreamRequestSchema, this.body);
    message.fetchCount = 0;
    return toBinary(LifecycleStreamRequestSchema, message);
  }

  /** A fetch was asked for, and nothing was granted, completed or added: the answer waits a little. */
  isIdle(answer: Uint8Array): boolean {
    return this.fetches && this.enqueues === 0 && reader.read(answer, 0, answer.length).acked === 0;
  }

  /** The engine's answer (undefined: nothing happened), with what the door refused put in its places. May be `bytes` themselves. */
  answer(bytes: Uint8Array | undefined): Uint8Array {
    const plain = this.error === "" && this.refusedAcks.length === 0 && this.refusedEnqueues.length === 0;
    if (bytes && plain) return bytes;
    const message = bytes
      ? fromBinary(LifecycleStreamResponseSchema, bytes)
      : create(LifecycleStreamResponseSchema, { requestId: (BigInt(this.requestIdHi) << 32n) | BigInt(this.requestIdLo) });
    const doors = this.error;
    const engines = message.error;
    for (const at of this.refusedAcks) message.outcomes.splice(at, 0, AckOutcome.REFUSED);
    for (const at of this.refusedEnqueues) message.enqueueOutcomes.splice(at, 0, EnqueueOutcome.REFUSED);
    const doorsFirst =
      partOf(doors) === partOf(engines) ? this.refusedEnqueues[0] === message.enqueueOutcomes.indexOf(EnqueueOutcome.REFUSED) : partOf(doors) < partOf(engines);
    message.error = engines === "" || (doors !== "" && doorsFirst) ? doors : engines;
    return toBinary(LifecycleStreamResponseSchema, message);
  }

  /** The whole frame was refused by the replica or the engine. */
  refusedAnswer(refusal: Refusal): Uint8Array {
    const what = this.fetches ? "fetch" : this.enqueues > 0 ? "enqueue" : "ack";
    this.error ||= `${refusal.reason === "OVERLOADED" ? "OVERLOADED: " : ""}${what}: ${refusal.message}`;
    return this.answer(undefined);
  }
}

/** Parts of a frame are worked on in this order, and its first error is told. */
function partOf(error: string): number {
  return ["ack", "fetch", "enqueue"].indexOf(/^(?:OVERLOADED: )?(\w+):/.exec(error)?.[1] ?? "");
}

function withoutEnqueues(bytes: Uint8Array): Uint8Array {
  const message = fromBinary(LifecycleStreamRequestSchema, bytes);
  message.enqueues = [];
  return toBinary(LifecycleStreamRequestSchema, message);
}
