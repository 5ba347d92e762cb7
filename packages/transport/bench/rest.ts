// Cost of transcoding: JSON to protobuf and back, without sockets. Run: npx tsx packages/transport/bench/rest.ts
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AckRequestSchema,
  EnqueueBatchRequestSchema,
  EnqueueRequestSchema,
  EnqueueResponseSchema,
  FetchResponseSchema,
} from "@corvo/gen/corvo/v1/worker_pb.js";
import { JsonToProto, type ScanJson } from "../src/rest/decode.js";
import { ProtoToJson } from "../src/rest/encode.js";
import { type MessagePlan, planOf } from "../src/rest/plan.js";

/** Steps over values without checking them fully: the server's scanner costs about as much. */
const scan: ScanJson = (buf, start, end) => {
  let depth = 0;
  for (let i = start; i < end; i++) {
    const c = buf[i];
    if (c === 0x22) {
      for (i++; i < end && buf[i] !== 0x22; i++) if (buf[i] === 0x5c) i++;
      if (depth === 0) return i + 1;
    } else if (c === 0x7b || c === 0x5b) depth++;
    else if (c === 0x7d || c === 0x5d) {
      if (--depth === 0) return i + 1;
      if (depth < 0) return i;
    } else if (depth === 0 && c === 0x2c) return i;
  }
  return -1;
};
const decoder = new JsonToProto(scan);
const encoder = new ProtoToJson();

function measure(name: string, bytes: number, once: () => void): void {
  for (let i = 0; i < 20_000 && i * bytes < 20e6; i++) once();
  let runs = 0;
  const start = performance.now();
  while (performance.now() - start < 500) {
    for (let i = 0; i < 20; i++) once();
    runs += 20;
  }
  const us = ((performance.now() - start) * 1000) / runs;
  console.log(`${name.padEnd(34)} ${us.toFixed(2).padStart(9)} us ${((bytes / us) * 1).toFixed(0).padStart(6)} MB/s`);
}

function measureIn(name: string, plan: MessagePlan, json: string): void {
  const body = Buffer.from(json);
  measure(`in  ${name}`, body.length, () => {
    decoder.begin();
    decoder.body(plan, body);
    decoder.take();
  });
}

function measureOut(name: string, plan: MessagePlan, bytes: Uint8Array): void {
  measure(`out ${name}`, bytes.length, () => {
    encoder.open(plan, bytes);
    encoder.write(plan, undefined);
    if (encoder.length <= 16_384) encoder.takeText();
    else encoder.takeBytes();
  });
}

const job = { queue: "mail", payload: { to: "a@example.org", template: "welcome", n: 12345 }, priority: "high", max_retries: 5, tags: { tenant: "t1" } };
measureIn("enqueue, small", planOf(EnqueueRequestSchema), JSON.stringify(job));
measureIn("enqueue, payload 1 KiB", planOf(EnqueueRequestSchema), JSON.stringify({ ...job, payload: { text: "x".repeat(1000) } }));
measureIn("enqueue, payload 256 KiB", planOf(EnqueueRequestSchema), JSON.stringify({ ...job, payload: { text: "x".repeat(262_000) } }));
measureIn("enqueue batch of 100", planOf(EnqueueBatchRequestSchema), JSON.stringify({ jobs: Array.from({ length: 100 }, () => job) }));
measureIn("ack", planOf(AckRequestSchema), JSON.stringify({ result: { ok: true }, fence: 12345 }));
measureOut(
  "enqueue",
  planOf(EnqueueResponseSchema),
  toBinary(EnqueueResponseSchema, create(EnqueueResponseSchema, { jobId: "job_18a2b3c4d5e6f70000000000000001", status: "pending" })),
);
const fetched = {
  found: true,
  jobId: "job_18a2b3c4d5e6f70000000000000001",
  queue: "mail",
  payloadJson: JSON.stringify(job.payload),
  attempt: 1,
  maxRetries: 3,
  leaseDuration: 60,
  fence: 99n,
};
measureOut("fetch, small", planOf(FetchResponseSchema), toBinary(FetchResponseSchema, create(FetchResponseSchema, fetched)));
measureOut(
  "fetch, payload 256 KiB",
  planOf(FetchResponseSchema),
  toBinary(FetchResponseSchema, create(FetchResponseSchema, { ...fetched, payloadJson: JSON.stringify("x".repeat(262_000)) })),
);
