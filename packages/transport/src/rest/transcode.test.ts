import { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { EnqueueRequestSchema, FetchResponseSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { scanJsonValue } from "@corvo/protocol";
import { expect, test } from "vitest";
import { JsonToProto } from "./decode.js";
import { ProtoToJson } from "./encode.js";
import { planOf } from "./plan.js";

const decoder = new JsonToProto(scanJsonValue);
const encoder = new ProtoToJson();

test("in", () => {
  decoder.begin();
  decoder.body(
    planOf(EnqueueRequestSchema),
    Buffer.from(
      ' { "queue" : "mail\\u00e9\\n😀 é", "payload": { "a" : 1.50 , "b":null }, "maxRetries": 0, "UNIQUE_PERIOD": 90071992547409931, "agent":{"max_cost_usd":1.5,"max_iterations":-3}, "scheduled_at":"2026-01-02T03:04:05.5+01:00","tags":null, "unknown":[1,{"x":"}"}]} trailing',
    ),
  );
  const m = fromBinary(EnqueueRequestSchema, decoder.take());
  expect(toJson(EnqueueRequestSchema, m)).toMatchInlineSnapshot(`
    {
      "agent": {
        "maxCostUsd": 1.5,
        "maxIterations": -3,
      },
      "maxRetries": 0,
      "payloadJson": "{ "a" : 1.50 , "b":null }",
      "queue": "mailé
    😀 é",
      "scheduledAt": "2026-01-02T02:04:05.500Z",
      "uniquePeriod": "90071992547409931",
    }
  `);
});
test("out", () => {
  const m = create(FetchResponseSchema, {
    found: true,
    jobId: "job_1<",
    payloadJson: ' { "a" : [1, 2] , "<&>" : "\\"<" }',
    attempt: 0,
    maxRetries: 3,
    leaseDuration: 60,
    fence: 2n ** 63n + 1n,
    tagsJson: "[]",
  });
  encoder.open(planOf(FetchResponseSchema), toBinary(FetchResponseSchema, m));
  encoder.write(planOf(FetchResponseSchema), undefined);
  expect(encoder.takeText()).toMatchInlineSnapshot(`
    "{"job_id":"job_1\\u003c","queue":"","payload":{"a":[1,2],"\\u003c\\u0026\\u003e":"\\"\\u003c"},"attempt":0,"max_retries":3,"lease_duration":60,"tags":[],"fence":9223372036854775809}
    "
  `);
});
