import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { LifecycleStreamRequestSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isRefusal } from "../refusal.js";
import { checkAckBatch } from "./ack.js";
import { doorDefaults } from "./door.js";
import { checkEnqueue } from "./enqueue.js";
import { FrameCheck } from "./frame.js";

type Frame = MessageInitShape<typeof LifecycleStreamRequestSchema>;
const encode = (frame: Frame) => toBinary(LifecycleStreamRequestSchema, create(LifecycleStreamRequestSchema, frame));
const check = new FrameCheck();

/** What the door says to a frame, and what is left of it. */
function say(frame: Frame | Uint8Array, options = doorDefaults) {
  const bytes = frame instanceof Uint8Array ? frame : encode(frame);
  const refusal = check.check(bytes, options);
  if (refusal !== undefined) return refusal.message;
  const { error, refusedAcks, refusedEnqueues, refusedFetch } = check;
  return {
    same: check.bytes === bytes,
    error,
    acks: [...refusedAcks],
    enqueues: [...refusedEnqueues],
    fetch: refusedFetch,
    left: fromBinary(LifecycleStreamRequestSchema, check.bytes),
  };
}
const good = { error: "", acks: [], enqueues: [], fetch: false };

describe("frames", () => {
  test("a good frame stays as it is", () => {
    const frame = {
      requestId: 2n ** 64n - 1n,
      queues: ["a"],
      workerId: "w",
      fetchCount: 2,
      acks: [{ jobId: "x", resultJson: "1", fence: 3n }],
      enqueues: [{ queue: "q", payloadJson: "{}" }],
      waitMs: 5,
    };
    expect(say(frame)).toMatchObject({ same: true, ...good });
    expect(say({})).toMatchObject({ same: true, ...good });
    expect(say({ workerId: "w".repeat(300) })).toMatchObject({ same: true, ...good }); // nothing is fetched: nobody uses it
  });

  test("bad items are left out, the others stay byte for byte", () => {
    const frame: Frame = {
      requestId: 2n ** 63n + 5n,
      queues: ["a", "b"],
      workerId: "w",
      hostname: "h",
      leaseDuration: -1,
      fetchCount: 3,
      waitMs: 9,
      acks: [{}, { jobId: "x", resultJson: "1.50", fence: 2n ** 60n }, { jobId: "y", resultJson: "}" }],
      enqueues: [{ queue: "q", payloadJson: "[ 1 ]" }, { payloadJson: "{}" }, { queue: "q", payloadJson: "x" }, { queue: "z", maxRetries: 0 }],
    };
    expect(say(frame)).toEqual({
      same: false,
      error: "ack: job_id is required",
      acks: [0, 2],
      enqueues: [1, 2],
      fetch: false,
      left: create(LifecycleStreamRequestSchema, {
        ...frame,
        acks: [{ jobId: "x", resultJson: "1.50", fence: 2n ** 60n }],
        enqueues: [
          { queue: "q", payloadJson: "[ 1 ]" },
          { queue: "z", maxRetries: 0 },
        ],
      }),
    });
    expect(check.frame.acksCount).toBe(1); // the reader shows what is left
  });

  test("words of spec/rpc.md §4.4: the first error, acks before the fetch before the enqueues", () => {
    const error = (frame: Frame, options = doorDefaults) => (say(frame, options) as { error: string }).error;
    expect(error({ acks: [{ jobId: "x", resultJson: "{" }], fetchCount: 1, enqueues: [{}] })).toBe(
      "ack: invalid result_json for x: expected a name or } at byte 1",
    );
    expect(error({ fetchCount: 1, enqueues: [{}] })).toBe("fetch: at least one queue is required");
    expect(error({ fetchCount: 10_001, queues: ["a"] })).toBe("fetch: fetch_count too large: 10001 (max 10000)");
    expect(error({ enqueues: [{ queue: "q" }, {}] })).toBe("enqueue: queue is required");
    expect(error({ enqueues: [{ queue: "q", payloadJson: '"xx"' }] }, { ...doorDefaults, payloadBytesMax: 3 })).toBe(
      "enqueue: payload too large: 4 bytes (max 3)",
    );
    expect(say({ fetchCount: 1, queues: [""], enqueues: [{ queue: "q" }] })).toMatchObject({
      fetch: true,
      error: "fetch: queues[0] is required",
      left: { fetchCount: 0, queues: [], enqueues: [{ queue: "q" }] },
    });
  });

  test("more items than allowed: all of their kind are refused", () => {
    const many = say({ acks: Array.from({ length: 10_001 }, () => ({ jobId: "x" })), enqueues: [{ queue: "q" }] });
    expect(many).toMatchObject({ error: "ack: too many items: 10001 (max 10000)", left: { acks: [], enqueues: [{ queue: "q" }] } });
    expect((many as { acks: number[] }).acks).toHaveLength(10_001);
  });

  test("unknown fields go, also together with bad items; white space is absent", () => {
    const frame = Buffer.concat([encode({ requestId: 4n, acks: [{}], enqueues: [{ queue: "q", payloadJson: " " }] }), Buffer.from("a03f01", "hex")]);
    expect(say(frame)).toMatchObject({
      same: false,
      error: "ack: job_id is required",
      acks: [0],
      left: create(LifecycleStreamRequestSchema, { requestId: 4n, enqueues: [{ queue: "q" }] }),
    });
  });

  test("bytes that are no frame", () => {
    expect(say(Buffer.from("3a05", "hex"))).toBe("invalid LifecycleStreamRequest: truncated field at offset 2");
    expect(say(Buffer.from("1a01ff", "hex"))).toBe("invalid LifecycleStreamRequest: worker_id is not UTF-8 at offset 2");
    expect(say(Buffer.from("42030a01ff", "hex"))).toBe("invalid LifecycleStreamRequest: queue is not UTF-8 at offset 4");
  });

  test("an item is judged like a request of its own, and what is left passes", () => {
    const text = fc.constantFrom("", "a", "{}", "{", " ", "1", "\ufeff", "\ufeff1", "é");
    const ack = fc.record({ jobId: text, resultJson: text });
    const job = fc.record({ queue: text, payloadJson: text, tagsJson: text, expireAfter: fc.constantFrom("", "5s", "5") });
    fc.assert(
      fc.property(
        fc.record({ acks: fc.array(ack), enqueues: fc.array(job), fetchCount: fc.integer({ min: -1, max: 2 }), queues: fc.array(text) }),
        fc.boolean(),
        (frame, odd) => {
          const bytes = odd ? Buffer.concat([encode(frame), Buffer.from("a03f01", "hex")]) : encode(frame);
          const verdict = say(bytes);
          if (typeof verdict === "string") throw new Error(verdict);
          if (!odd) {
            const batchOf = (item: (typeof frame.acks)[number]) => create(LifecycleStreamRequestSchema, { acks: [item] });
            expect(verdict.acks).toEqual(frame.acks.flatMap((item, i) => (isRefusal(checkAckBatch(encodeItems(batchOf(item)))) ? [i] : [])));
            expect(verdict.enqueues).toEqual(frame.enqueues.flatMap((item, i) => (isRefusal(checkEnqueue(encodeJob(item))) ? [i] : [])));
          }
          const left = check.bytes.slice();
          expect(say(left)).toMatchObject({ same: true, ...good });
        },
      ),
      { numRuns: 500 },
    );
  });
});

/** A frame's acks as an AckBatchRequest, whose items have another number. */
function encodeItems(frame: { acks: { jobId: string; resultJson: string }[] }): Uint8Array {
  return Buffer.concat(frame.acks.map((item) => Buffer.concat([Buffer.from([0x0a]), sized(item.jobId, item.resultJson)])));
}
function sized(jobId: string, resultJson: string): Buffer {
  const body = Buffer.concat([field(1, jobId), field(2, resultJson)]);
  return Buffer.concat([Buffer.from([body.length]), body]);
}
function field(no: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([no * 8 + 2, Buffer.byteLength(text)]), Buffer.from(text)]);
}
function encodeJob(item: { queue: string; payloadJson: string; tagsJson: string; expireAfter: string }): Uint8Array {
  const frame = encode({ enqueues: [item] });
  return frame.subarray(2); // one item below 128 bytes: tag and length are a byte each
}
