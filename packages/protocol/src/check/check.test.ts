// A transcript of the door: a request in short, and what is said to it.
import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import * as jobs from "@corvo/gen/corvo/v1/job_pb.js";
import * as queues from "@corvo/gen/corvo/v1/queue_pb.js";
import * as worker from "@corvo/gen/corvo/v1/worker_pb.js";
import { describe, expect, test } from "vitest";
import { limits } from "../limits.js";
import { isRefusal, type Refusal } from "../refusal.js";
import { type DoorOptions, doorDefaults } from "./door.js";
import * as door from "./index.js";

const encode = <Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>) => toBinary<DescMessage>(schema, create(schema, init));
type Check = (bytes: Uint8Array, options?: DoorOptions) => Uint8Array | Refusal;
const words = (verdict: Uint8Array | Refusal, bytes: Uint8Array) =>
  isRefusal(verdict) ? `${verdict.reason} ${verdict.field ?? "-"}: ${verdict.message}` : verdict === bytes ? "as it came" : "encoded again";
const rest: DoorOptions = { ...doorDefaults, rest: true };

/** Says what the door says; `options` in REST's words when given. */
function saysOf<Desc extends DescMessage>(schema: Desc, check: Check) {
  return (init: MessageInitShape<Desc>, options?: DoorOptions) => {
    const bytes = encode(schema, init);
    return words(check(bytes, options), bytes);
  };
}
const enqueue = saysOf(worker.EnqueueRequestSchema, door.checkEnqueue);
const batch = saysOf(worker.EnqueueBatchRequestSchema, door.checkEnqueueBatch);
const fetch = saysOf(worker.FetchRequestSchema, door.checkFetch);
const fetchBatch = saysOf(worker.FetchBatchRequestSchema, door.checkFetchBatch);
const ack = saysOf(worker.AckRequestSchema, door.checkAck);
const ackBatch = saysOf(worker.AckBatchRequestSchema, door.checkAckBatch);
const fail = saysOf(worker.FailRequestSchema, door.checkFail);
const heartbeat = saysOf(worker.HeartbeatRequestSchema, door.checkHeartbeat);

/** What goes into the log, decoded. */
function logged<Desc extends DescMessage>(schema: Desc, verdict: Uint8Array | Refusal): MessageShape<Desc> {
  if (isRefusal(verdict)) throw new Error(verdict.message);
  return fromBinary(schema, verdict);
}

describe("enqueue", () => {
  const q = { queue: "mail" };
  test("what is lenient: priorities, empty durations, backoff names, times in the past, negative counts", () => {
    expect(enqueue(q)).toBe("as it came");
    expect(enqueue({ ...q, payloadJson: "null" })).toBe("as it came");
    expect(enqueue({ ...q, priority: "low", retryBackoff: "whatever", retryBaseDelay: "", maxRetries: -3, uniquePeriod: -1n })).toBe("as it came");
    expect(enqueue({ ...q, scheduledAt: { seconds: -5n }, expireAfter: "24h", retryMaxDelay: "0s", retryBaseDelayMs: -1n })).toBe("as it came");
    expect(enqueue({ ...q, tagsJson: "[1]", checkpointJson: '"x"', agent: { maxIterations: -1, maxCostUsd: -1, iterationTimeout: "2m" } })).toBe("as it came");
  });

  test("what is required and what is too large", () => {
    expect(enqueue({})).toBe("REQUIRED queue: queue is required");
    expect(enqueue({ queue: "q".repeat(255), uniqueKey: "k".repeat(255), requestId: "r".repeat(128), parentId: "p".repeat(64) })).toBe("as it came");
    expect(enqueue({ queue: "q".repeat(256) })).toBe("TOO_LARGE queue: queue too long: 256 bytes (max 255)");
    expect(enqueue({ queue: "é".repeat(128) })).toBe("TOO_LARGE queue: queue too long: 256 bytes (max 255)");
    expect(enqueue({ ...q, uniqueKey: "k".repeat(256) })).toBe("TOO_LARGE unique_key: unique_key too long: 256 bytes (max 255)");
    expect(enqueue({ ...q, requestId: "r".repeat(129) })).toBe("TOO_LARGE request_id: request_id too long: 129 bytes (max 128)");
    expect(enqueue({ ...q, parentId: "p".repeat(65) })).toBe("TOO_LARGE parent_id: parent_id too long: 65 bytes (max 64)");
    expect(enqueue({ ...q, maxRetries: 1_000_001 })).toBe("TOO_LARGE max_retries: max_retries too large: 1000001 (max 1000000)");
    expect(enqueue({ ...q, uniquePeriod: 2n ** 62n })).toContain("TOO_LARGE unique_period");
    expect(enqueue({ ...q, expireAfterMs: BigInt(limits.delayMsMax) + 1n })).toContain("TOO_LARGE expire_after_ms");
    expect(enqueue({ ...q, expireAfter: "9000h" })).toBe("TOO_LARGE expire_after: expire_after too long: 9000h (max 8784h0m0s)");
    expect(enqueue({ ...q, tagsJson: JSON.stringify("t".repeat(limits.tagsBytesMax)) })).toContain(
      "TOO_LARGE tags_json: tags_json too large: 16386 bytes (max 16384)",
    );
  });

  test("payloads: the limit is on the bytes as they came, 0 switches it off", () => {
    const payloadJson = JSON.stringify("x".repeat(18));
    expect(enqueue({ ...q, payloadJson }, { ...doorDefaults, payloadBytesMax: 20 })).toBe("as it came");
    expect(enqueue({ ...q, payloadJson }, { ...doorDefaults, payloadBytesMax: 19 })).toBe(
      "PAYLOAD_TOO_LARGE payload_json: payload too large: 20 bytes (max 19)",
    );
    expect(enqueue({ ...q, payloadJson: JSON.stringify("x".repeat(300_000)) }, { ...doorDefaults, payloadBytesMax: 0 })).toBe("as it came");
    expect(enqueue({ ...q, payloadJson: JSON.stringify("x".repeat(300_000)) })).toContain("PAYLOAD_TOO_LARGE");
    expect(door.checkEnqueue(encode(worker.EnqueueRequestSchema, { ...q, payloadJson }), { ...doorDefaults, payloadBytesMax: 1 })).toMatchObject({
      code: "invalid_argument",
    });
  });

  test("what cannot be understood names its field", () => {
    expect(enqueue({ ...q, payloadJson: "{a:1}" })).toBe("INVALID_JSON payload_json: invalid payload_json: expected a name or } at byte 1");
    expect(enqueue({ ...q, tagsJson: "{" })).toBe("INVALID_JSON tags_json: invalid tags_json: expected a name or } at byte 1");
    expect(enqueue({ ...q, checkpointJson: "1 1" })).toBe("INVALID_JSON checkpoint_json: invalid checkpoint_json: expected nothing more at byte 2");
    expect(enqueue({ ...q, retryBaseDelay: "5" })).toBe(
      'INVALID_VALUE retry_base_delay: invalid retry_base_delay: "5" is not a duration like 90s, 1.5h or 1m30s',
    );
    expect(enqueue({ ...q, expireAfter: "-5s" })).toContain('INVALID_VALUE expire_after: invalid expire_after: "-5s"');
    expect(enqueue({ ...q, agent: { iterationTimeout: "7d" } })).toContain("INVALID_VALUE agent.iteration_timeout: ");
    expect(enqueue({ ...q, agent: { maxCostUsd: Number.NaN } })).toBe("INVALID_VALUE agent.max_cost_usd: invalid agent.max_cost_usd: not a finite number");
    expect(enqueue({ ...q, scheduledAt: { seconds: 253402300800n } })).toBe(
      "INVALID_VALUE scheduled_at: invalid scheduled_at: not a time between the years 1 and 9999",
    );
    expect(enqueue({ ...q, scheduledAt: { nanos: -1 } })).toContain("INVALID_VALUE scheduled_at");
  });

  test("chains and dependencies: too many, empty, and what is no id name their field", () => {
    const id = `job_${"0".repeat(26)}`;
    const steps = (...queues: string[]) => ({ ...q, chain: { steps: queues.map((queue) => ({ queue })) } });
    expect(enqueue({ ...q, dependsOn: [id, `s00_${id}`] })).toBe("as it came");
    expect(enqueue({ ...q, dependsOn: [id, ` ${id} `, "", id] })).toBe("encoded again");
    expect(enqueue({ ...q, dependsOn: [id, "nope"] })).toBe("INVALID_VALUE depends_on[1]: depends_on[1] is not a job id");
    expect(enqueue({ ...q, dependsOn: [`${id}0`] })).toContain("INVALID_VALUE depends_on[0]");
    expect(enqueue({ ...q, dependsOn: ["x".repeat(65)] })).toContain("TOO_LARGE depends_on[0]");
    expect(enqueue({ ...q, chainConfigJson: `{"depends_on":["nope"]}` })).toContain("INVALID_VALUE depends_on[0]");
    // What a backup or an older client gives in the raw form, empty or null, is taken out of it.
    for (const none of ["[]", "null", '["", " "]']) expect(enqueue({ ...q, chainConfigJson: `{"depends_on":${none},"x":1}` })).toBe("encoded again");
    expect(enqueue({ ...q, chainConfigJson: '{"depends_on":"nope"}' })).toBe("INVALID_VALUE chain_config_json: chain_config: depends_on is no list of job ids");
    expect(enqueue({ ...q, chainConfigJson: `{"depends_on":["${id}",7]}` })).toBe("INVALID_VALUE chain_config_json: chain_config: depends_on [1] is no job id");
    expect(enqueue({ ...q, chainConfigJson: '{"steps":[{"queue":"mail"},{"queue":"b"}],"depends_on":7}' })).toContain("depends_on is no list");
    expect(enqueue({ ...q, chainConfigJson: `{"steps":[{"queue":"mail"},{"queue":"b"}],"depends_on":["${id}"]}` })).toBe("encoded again");
    const many = Array.from({ length: limits.dependsOnMax + 1 }, (_, i) => `job_${String(i).padStart(26, "0")}`);
    expect(enqueue({ ...q, dependsOn: many })).toBe("TOO_LARGE depends_on: too many dependencies: 1001 (max 1000)");
    expect(enqueue({ ...q, dependsOn: many.map(() => id) })).toBe("encoded again");
    expect(enqueue(steps("mail", "b"))).toBe("as it came");
    expect(enqueue(steps("mail"))).toBe("INVALID_VALUE chain.steps: a chain needs at least 2 steps");
    expect(enqueue(steps())).toBe("INVALID_VALUE chain.steps: a chain needs at least 2 steps");
    expect(enqueue(steps("mail", ""))).toBe("REQUIRED chain.steps[1].queue: chain step has empty queue");
    expect(enqueue(steps("other", "b"))).toContain("INVALID_VALUE chain.steps[0].queue");
    expect(enqueue(steps("mail", "q".repeat(256)))).toContain("TOO_LARGE chain.steps[1].queue");
    expect(enqueue(steps("mail", ...Array.from({ length: limits.chainStepsMax }, () => "b")))).toBe(
      "TOO_LARGE chain.steps: too many chain steps: 1001 (max 1000)",
    );
    expect(enqueue({ ...q, chain: { steps: [q, { queue: "b", payloadJson: "{" }] } })).toContain("INVALID_JSON chain.steps[1].payload_json");
    expect(enqueue({ ...q, chain: { steps: [q, q], onFailure: {} } })).toBe("REQUIRED chain.on_failure.queue: chain on_failure has empty queue");
    expect(enqueue({ ...q, chain: { steps: [q, q], onExit: {} } })).toBe("REQUIRED chain.on_exit.queue: chain on_exit has empty queue");
    expect(batch({ jobs: [q, { ...q, dependsOn: ["nope"] }] })).toBe("INVALID_VALUE jobs[1].depends_on[0]: job 1: depends_on[0] is not a job id");
  });

  test("the order of refusals: by field, as they stand in this file", () => {
    expect(enqueue({ payloadJson: "x", uniqueKey: "k".repeat(300) })).toContain("REQUIRED queue");
    expect(enqueue({ ...q, payloadJson: "x", uniqueKey: "k".repeat(300) })).toContain("payload_json");
    expect(enqueue({ ...q, uniqueKey: "k".repeat(300), tagsJson: "x" })).toContain("unique_key");
  });

  test("bytes that are not the message", () => {
    const raw = (hex: string) => words(door.checkEnqueue(Buffer.from(hex, "hex")), new Uint8Array());
    expect(raw("0a05")).toBe("INVALID_MESSAGE -: invalid EnqueueRequest: truncated field at offset 2");
    expect(raw("0a01ff")).toBe("INVALID_MESSAGE -: invalid EnqueueRequest: queue is not UTF-8 at offset 2");
    expect(raw("0a01711a03080a")).toContain("INVALID_MESSAGE"); // agent runs past the end
    expect(raw("0a0171f2ffffffff")).toContain("INVALID_MESSAGE");
    expect(raw("0a01711202c328")).toContain("INVALID_JSON payload_json");
    expect(raw("0a017112042232ff22")).toContain("expected UTF-8 at byte 2");
  });

  test("unknown fields do not get into the log, at any depth; the rest does as it is", () => {
    const known = encode(worker.EnqueueRequestSchema, { ...q, payloadJson: '{"a": 1.50}', agent: { maxIterations: 3 } });
    const bytes = Buffer.concat([known, Buffer.from("a03f01", "hex")]);
    expect(door.checkEnqueue(bytes)).toEqual(known);
    const inside = Buffer.from("0a046d61696c1a05080320a01f", "hex");
    expect(logged(worker.EnqueueRequestSchema, door.checkEnqueue(inside))).toMatchObject({ queue: "mail", agent: { maxIterations: 3 } });
    expect(logged(worker.EnqueueRequestSchema, door.checkEnqueue(inside)).agent?.$unknown).toBeUndefined();
    const mergedAgent = Buffer.from("0a046d61696c1a0208031a09110000000000000040", "hex");
    expect(logged(worker.EnqueueRequestSchema, door.checkEnqueue(mergedAgent)).agent).toMatchObject({ maxIterations: 3, maxCostUsd: 2 });
    expect(door.checkEnqueue(Buffer.concat([encode(worker.EnqueueRequestSchema, { payloadJson: "x" }), Buffer.from("a03f01", "hex")]))).toMatchObject({
      field: "queue",
    });
    expect(isRefusal(door.checkEnqueue(Buffer.from("0a046d61696ca43f", "hex")))).toBe(true); // a group that only ends
  });

  test("a byte order mark stays, also in what is encoded again", () => {
    const known = encode(worker.EnqueueRequestSchema, { queue: "\ufeffmail", uniqueKey: "\ufeff" });
    expect(door.checkEnqueue(known)).toBe(known);
    expect(door.checkEnqueue(Buffer.concat([known, Buffer.from("a03f01", "hex")]))).toEqual(known);
  });

  test("JSON of white space is absent", () => {
    const verdict = door.checkEnqueue(encode(worker.EnqueueRequestSchema, { ...q, payloadJson: " \n", tagsJson: "\t", checkpointJson: " " }));
    expect(verdict).toEqual(encode(worker.EnqueueRequestSchema, q));
  });
});

describe("enqueue batch", () => {
  test("words of spec/rest.md §4 and §6.1", () => {
    expect(batch({ jobs: [{ queue: "a" }, { queue: "b", payloadJson: "[]" }] })).toBe("as it came");
    expect(batch({})).toBe("REQUIRED jobs: jobs array is required");
    expect(batch({ jobs: [{ queue: "a" }, {}] })).toBe("REQUIRED jobs[1].queue: queue is required for each job");
    expect(batch({ jobs: [{ queue: "a" }, { queue: "b", payloadJson: '"xx"' }] }, { ...doorDefaults, payloadBytesMax: 3 })).toBe(
      "PAYLOAD_TOO_LARGE jobs[1].payload_json: job 1 payload too large: 4 bytes (max 3)",
    );
    expect(batch({ jobs: [{ queue: "a", expireAfter: "x" }] })).toContain("INVALID_VALUE jobs[0].expire_after: job 0: invalid expire_after");
    expect(batch({ jobs: Array.from({ length: 10_001 }, () => ({ queue: "a" })) })).toBe("TOO_LARGE jobs: too many jobs: 10001 (max 10000)");
    expect(batch({ jobs: [{ queue: "a" }], requestId: "r".repeat(129) })).toContain("TOO_LARGE request_id");
    expect(batch({ jobs: [{ queue: "a", payloadJson: " " }] })).toBe("encoded again");
  });
});

describe("fetch", () => {
  test("queues, names, leases", () => {
    expect(fetch({ queues: ["a"], workerId: "w", hostname: "h", leaseDuration: 86_400 })).toBe("as it came");
    expect(fetch({ queues: ["a"], leaseDuration: -1 })).toBe("as it came");
    expect(fetch({})).toBe("REQUIRED queues: queues is required");
    expect(fetch({ queues: ["a", ""] })).toBe("REQUIRED queues[1]: queues[1] is required");
    expect(fetch({ queues: ["a", "q".repeat(256)] })).toBe("TOO_LARGE queues[1]: queues[1] too long: 256 bytes (max 255)");
    expect(fetch({ queues: Array.from({ length: 101 }, (_, i) => `q${i}`) })).toBe("TOO_LARGE queues: too many queues: 101 (max 100)");
    expect(fetch({ queues: ["a"], workerId: "w".repeat(256) })).toContain("TOO_LARGE worker_id");
    expect(fetch({ queues: ["a"], leaseDuration: 86_401 })).toBe("TOO_LARGE lease_duration: lease_duration too long: 86401 s (max 86400)");
  });
  test("counts: any in RPC, at most 512 in REST", () => {
    expect(fetchBatch({ queues: ["a"], count: 1_000_000 })).toBe("as it came");
    expect(fetchBatch({ queues: ["a"], count: 512 }, rest)).toBe("as it came");
    expect(
      logged(worker.FetchBatchRequestSchema, door.checkFetchBatch(encode(worker.FetchBatchRequestSchema, { queues: ["a"], count: 513 }), rest)).count,
    ).toBe(512);
  });
});

describe("ack and fail", () => {
  const id = "job_17979cfe362a00000000000001";
  test("ack", () => {
    expect(ack({ jobId: id, resultJson: "{}", checkpointJson: "1", usage: { model: "m" }, agentStatus: " Done ", traceJson: "not json" })).toBe("as it came");
    expect(ack({})).toBe("REQUIRED job_id: job_id is required");
    expect(ack({ jobId: id, resultJson: "{" })).toBe(`INVALID_JSON result_json: invalid result_json for ${id}: expected a name or } at byte 1`);
    expect(ack({ jobId: id, agentStatus: " Continue " })).toBe("as it came");
    expect(ack({ jobId: id, agentStatus: "hold", holdReason: "look" })).toBe("as it came");
    expect(ack({ jobId: id, ackStatus: "no" })).toBe('INVALID_VALUE ack_status: invalid ack_status "no"');
    expect(ack({ jobId: id, usage: { costUsd: Number.NaN } })).toContain("INVALID_VALUE usage.cost_usd");
    expect(ack({ jobId: id, usage: { costUsd: -1, inputTokens: -5n } })).toBe("as it came");
    expect(ack({ jobId: id, agentStatus: "maybe" })).toBe('INVALID_VALUE agent_status: invalid agent_status "maybe"');
    expect(ack({ jobId: id, resultJson: " " })).toBe("encoded again");
  });
  test("ack batch, in RPC's words and in REST's", () => {
    const items = (n: number) => ({ items: Array.from({ length: n }, () => ({ jobId: id })) });
    expect(ackBatch(items(10_000))).toBe("as it came");
    expect(ackBatch(items(10_001))).toBe("TOO_LARGE items: too many items: 10001 (max 10000)");
    expect(ackBatch({})).toBe("REQUIRED items: items is required");
    expect(ackBatch({}, rest)).toBe("REQUIRED acks: acks array is required");
    expect(ackBatch(items(512), rest)).toBe("as it came");
    expect(ackBatch(items(513), rest)).toBe("TOO_LARGE acks: ack batch exceeds maximum of 512 items");
    expect(ackBatch({ items: [{ jobId: id }, {}] })).toBe("REQUIRED items[1].job_id: job_id is required");
    expect(ackBatch({ items: [{ jobId: id }, {}] }, rest)).toBe("REQUIRED acks[1].job_id: job_id is required for each ack");
    expect(ackBatch({ items: [{ jobId: id, resultJson: "}" }] })).toBe(
      `INVALID_JSON items[0].result_json: invalid result_json for ${id}: expected a value at byte 0`,
    );
  });
  test("fail: long texts are cut between characters", () => {
    expect(fail({ jobId: id, error: "boom", backtrace: "at" })).toBe("as it came");
    expect(fail({ error: "boom" })).toBe("REQUIRED job_id: job_id is required");
    const long = `a${"é".repeat(40_000)}`;
    const { error } = logged(worker.FailRequestSchema, door.checkFail(encode(worker.FailRequestSchema, { jobId: id, error: long })));
    expect(Buffer.byteLength(error)).toBe(65_535);
    expect(long.startsWith(error)).toBe(true);
  });
});

describe("heartbeat", () => {
  test("objects only, and the job is named", () => {
    expect(heartbeat({ jobs: { a: { progressJson: '{"p":1}', checkpointJson: "{}", streamDelta: "x", usage: { inputTokens: 1n } }, b: {} } })).toBe(
      "as it came",
    );
    expect(heartbeat({})).toBe("as it came");
    expect(heartbeat({ jobs: { a: {}, b: { progressJson: "[1]" } } })).toBe(
      'INVALID_JSON jobs["b"].progress_json: invalid progress_json for b: expected an object',
    );
    expect(heartbeat({ jobs: { b: { checkpointJson: "{" } } })).toBe(
      'INVALID_JSON jobs["b"].checkpoint_json: invalid checkpoint_json for b: expected a name or } at byte 1',
    );
    expect(heartbeat({ jobs: { b: { progressJson: JSON.stringify({ p: "x".repeat(70_000) }) } } })).toContain("TOO_LARGE");
    expect(heartbeat({ jobs: { b: { progressJson: " " } } })).toBe("encoded again");
  });
  test("of a job that is named twice the last update counts, among few and among many", () => {
    const entry = (key: string, init: object) => encode(worker.HeartbeatRequestSchema, { jobs: { [key]: init } });
    for (const n of [0, 5, 40]) {
      const bytes = Buffer.concat([entry("a", { progressJson: "{}" }), ...Array.from({ length: n }, (_, i) => entry(`j${i}`, {})), entry("a", { fence: 7n })]);
      const { jobs: updates } = logged(worker.HeartbeatRequestSchema, door.checkHeartbeat(bytes));
      expect(Object.keys(updates)).toHaveLength(n + 1);
      expect(updates.a).toMatchObject({ progressJson: "", fence: 7n });
    }
  });
});

describe("steering", () => {
  test("jobs", () => {
    const cancel = saysOf(jobs.CancelJobRequestSchema, door.checkCancelJob);
    expect(cancel({ jobId: "x", requestId: "r" })).toBe("as it came");
    expect(cancel({})).toBe("REQUIRED job_id: job_id is required");
    expect(cancel({ jobId: "x", requestId: "r".repeat(200) })).toContain("TOO_LARGE request_id");
    const move = saysOf(jobs.MoveJobRequestSchema, door.checkMoveJob);
    expect(move({ jobId: "x", queue: "q" })).toBe("as it came");
    expect(move({ jobId: "x" })).toBe("REQUIRED queue: queue is required");
  });
  test("queues", () => {
    const pause = saysOf(queues.PauseQueueRequestSchema, door.checkPauseQueue);
    expect(pause({ name: "q" })).toBe("as it came");
    expect(pause({})).toBe("REQUIRED name: name is required");
    expect(pause({ name: "q".repeat(256) })).toContain("TOO_LARGE name");
    const concurrency = saysOf(queues.SetConcurrencyRequestSchema, door.checkSetConcurrency);
    expect(concurrency({ name: "q", max: -1 })).toBe("as it came");
    expect(concurrency({ name: "q", max: 1_000_001 })).toBe("TOO_LARGE max: max too large: 1000001 (max 1000000)");
    const throttle = saysOf(queues.SetThrottleRequestSchema, door.checkSetThrottle);
    expect(throttle({ name: "q", rate: 1, windowMs: 1 })).toBe("as it came");
    expect(throttle({ name: "q", rate: 1 })).toBe("INVALID_VALUE window_ms: rate and window_ms must be positive");
    expect(throttle({ name: "q", rate: 1, windowMs: 86_400_001 })).toContain("TOO_LARGE window_ms");
  });
});

describe("webhook", () => {
  const job = (init: MessageInitShape<typeof worker.EnqueueWebhookRequestSchema>) =>
    logged(worker.EnqueueRequestSchema, door.checkEnqueueWebhook(encode(worker.EnqueueWebhookRequestSchema, init)));
  test("becomes an EnqueueRequest", () => {
    expect(
      job({
        queue: "hooks",
        payloadJson: '{"a": 1}',
        tags: "env:prod, team : core,nothing,:x",
        priority: "high",
        uniqueKey: "k",
        maxRetries: 2,
        requestId: "r",
      }),
    ).toMatchObject({
      queue: "hooks",
      payloadJson: '{"a": 1}',
      tagsJson: '{"env":"prod","team":"core"}',
      priority: "high",
      uniqueKey: "k",
      maxRetries: 2,
      requestId: "r",
    });
    expect(job({ queue: "q", payloadJson: "plain <text>" }).payloadJson).toBe('"plain <text>"');
    expect(job({ queue: "q", payloadJson: " \n" }).payloadJson).toBe("");
    expect(job({ queue: "q", tags: "__proto__:x" }).tagsJson).toBe('{"__proto__":"x"}');
  });
  test("refusals", () => {
    const says = saysOf(worker.EnqueueWebhookRequestSchema, door.checkEnqueueWebhook);
    expect(says({})).toBe("REQUIRED queue: queue is required");
    expect(says({ queue: "q", payloadJson: "xxxx" }, { ...doorDefaults, payloadBytesMax: 3 })).toBe(
      "PAYLOAD_TOO_LARGE payload_json: payload too large: 4 bytes (max 3)",
    );
    expect(says({ queue: "q", payloadJson: "[".repeat(300) + "]".repeat(300) })).toContain("INVALID_JSON payload_json");
  });
});
