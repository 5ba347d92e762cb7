import { create, toBinary } from "@bufbuild/protobuf";
import { AckRequestSchema, EnqueueBatchRequestSchema, EnqueueRequestSchema, LifecycleStreamRequestSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { expect, test } from "vitest";
import { requestHash, requestHashBytes } from "./request-id.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const job = (init: object) => hex(requestHash(EnqueueRequestSchema, toBinary(EnqueueRequestSchema, create(EnqueueRequestSchema, init))));

test("the request id itself does not count, everything else does", () => {
  const one = job({ queue: "mail", payloadJson: "{}", requestId: "a", parentId: "p" });
  expect(one).toHaveLength(requestHashBytes * 2);
  expect(job({ queue: "mail", payloadJson: "{}", requestId: "b", parentId: "p" })).toBe(one);
  expect(job({ queue: "mail", payloadJson: "{}", parentId: "p" })).toBe(one);
  expect(job({ queue: "mail", payloadJson: "{ }", requestId: "a", parentId: "p" })).not.toBe(one);
  expect(job({ queue: "mail", payloadJson: "{}", requestId: "a" })).not.toBe(one);
});

test("golden: the hash is in the log, so it never changes", () => {
  expect(job({ queue: "mail", payloadJson: "{}", requestId: "a" })).toMatchInlineSnapshot(`"da6e6f1aa74bb34ae7feb9b3c5f7b4b6"`);
});

test("the order of the fields does not count", () => {
  const queue = Buffer.from("0a046d61696c", "hex");
  const payload = Buffer.from("12027b7d", "hex");
  const id = Buffer.from("f2060161", "hex");
  const hash = (...parts: Buffer[]) => hex(requestHash(EnqueueRequestSchema, Buffer.concat(parts)));
  expect(hash(payload, id, queue)).toBe(hash(queue, payload, id));
});

test("the same bytes as another message ask for something else", () => {
  const bytes = toBinary(AckRequestSchema, create(AckRequestSchema, { jobId: "mail" }));
  expect(hex(requestHash(AckRequestSchema, bytes))).not.toBe(hex(requestHash(EnqueueRequestSchema, bytes)));
});

test("ids of items inside count; the correlation number of a frame is no request id", () => {
  const batch = (requestId: string) =>
    hex(requestHash(EnqueueBatchRequestSchema, toBinary(EnqueueBatchRequestSchema, create(EnqueueBatchRequestSchema, { jobs: [{ queue: "q", requestId }] }))));
  expect(batch("a")).not.toBe(batch("b"));
  const frame = (requestId: bigint) =>
    hex(requestHash(LifecycleStreamRequestSchema, toBinary(LifecycleStreamRequestSchema, create(LifecycleStreamRequestSchema, { requestId }))));
  expect(frame(1n)).not.toBe(frame(2n));
});
