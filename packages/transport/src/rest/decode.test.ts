import { fromBinary, toJson } from "@bufbuild/protobuf";
import {
  AckRequestSchema,
  EnqueueBatchRequestSchema,
  EnqueueRequestSchema,
  FailRequestSchema,
  FetchRequestSchema,
  HeartbeatRequestSchema,
} from "@corvo/gen/corvo/v1/worker_pb.js";
import { scanJsonValue } from "@corvo/protocol";
import { describe, expect, test } from "vitest";
import { JsonToProto } from "./decode.js";
import { BodyError } from "./errors.js";
import { planOf } from "./plan.js";

const decoder = new JsonToProto(scanJsonValue);

type Schema =
  | typeof EnqueueRequestSchema
  | typeof EnqueueBatchRequestSchema
  | typeof HeartbeatRequestSchema
  | typeof FetchRequestSchema
  | typeof AckRequestSchema
  | typeof FailRequestSchema;

function read(schema: Schema, json: string | Uint8Array): unknown {
  decoder.begin();
  decoder.body(planOf(schema), typeof json === "string" ? Buffer.from(json) : json);
  return toJson(schema, fromBinary(schema as typeof EnqueueRequestSchema, decoder.take()) as never, { useProtoFieldName: true });
}

function refusal(schema: Schema, json: string | Uint8Array): { error: string; field?: string; detail?: string } {
  try {
    read(schema, json);
  } catch (e) {
    if (!(e instanceof BodyError)) throw e;
    return { error: e.message, ...(e.more.field === undefined ? {} : { field: e.more.field }), ...(e.detail === undefined ? {} : { detail: e.detail }) };
  }
  throw new Error("it was accepted");
}

describe("names (spec/rest.md §1)", () => {
  test.each(["max_retries", "maxRetries", "MAX_RETRIES", "MaxRetries", "maxretries", "m\\u0061x_retries"])("%s is max_retries", (name) => {
    expect(read(EnqueueRequestSchema, `{"${name}":7}`)).toEqual({ max_retries: 7 });
  });
  test.each(["max_retriess", "max_retrie", "", "__proto__", "constructor", "payload_json", "max retries"])("%s is unknown and passed over", (name) => {
    expect(read(EnqueueRequestSchema, `{"${name}":{"x":[1,{"queue":"no"}]},"queue":"q"}`)).toEqual({ queue: "q" });
  });
  test("rest_name replaces the proto name", () => {
    expect(read(FetchRequestSchema, '{"timeout":5,"lease_duration":9}')).toEqual({ lease_duration: 5 });
  });
  test("of a name given twice the last value counts, whatever its type", () => {
    expect(read(EnqueueRequestSchema, '{"queue":"a","Queue":"b"}')).toEqual({ queue: "b" });
    expect(read(EnqueueRequestSchema, '{"queue":"a","priority":"high","queue":"","unique_key":"u"}')).toEqual({ priority: "high", unique_key: "u" });
    expect(read(EnqueueRequestSchema, '{"agent":{"max_iterations":1},"queue":"q","agent":{"max_cost_usd":2}}')).toEqual({
      queue: "q",
      agent: { max_cost_usd: 2 },
    });
    expect(read(FetchRequestSchema, '{"queues":["a","b"],"worker_id":"w","queues":["c"]}')).toEqual({ queues: ["c"], worker_id: "w" });
    expect(read(EnqueueRequestSchema, '{"max_retries":4,"max_retries":null}')).toEqual({});
    expect(read(EnqueueBatchRequestSchema, '{"jobs":[{"queue":"a","queue":"b","payload":1},{"payload":2,"payload":3}]}')).toEqual({
      jobs: [{ queue: "b", payload_json: "1" }, { payload_json: "3" }],
    });
  });
});

describe("JSON texts", () => {
  test("are kept byte for byte", () => {
    const text = '{ "b" : 1.50,"a":[ 1e400 , -0 , "\\u00e9é<&>" ] ,\t"b":2\n}';
    expect(read(EnqueueRequestSchema, `{"payload": ${text} }`)).toEqual({ payload_json: text });
    for (const scalar of ["1", "true", '"x"', "[]", "12345678901234567890"])
      expect(read(EnqueueRequestSchema, `{"payload":${scalar}}`)).toEqual({ payload_json: scalar });
  });
  test("null is a payload, but no result, tags or checkpoint", () => {
    expect(read(EnqueueRequestSchema, '{"payload":null,"tags":null,"checkpoint":null}')).toEqual({ payload_json: "null" });
    expect(read(AckRequestSchema, '{"result":null}')).toEqual({});
  });
  test("json_object refuses what is no object and names it", () => {
    expect(read(HeartbeatRequestSchema, '{"jobs":{"job_1":{"progress":{"p":1},"checkpoint":null},"job_2":{},"job_3":null}}')).toEqual({
      jobs: { job_1: { progress_json: '{"p":1}' }, job_2: {}, job_3: {} },
    });
    expect(refusal(HeartbeatRequestSchema, '{"jobs":{"job_1":{"progress":5}}}')).toEqual({
      error: "invalid JSON: jobs.job_1.progress must be an object",
      field: "jobs.job_1.progress",
    });
  });
});

describe("a map that comes as a list", () => {
  const jobs = (text: string) => read(HeartbeatRequestSchema, `{"worker_id":"w","jobs":${text}}`);
  test("each object holds its key; the rest of it is read as ever", () => {
    expect(jobs('[{"job_id":"job_1","progress":{"p":1}},{"fence":7,"jobId":"job_2","checkpoint":null}]')).toEqual({
      jobs: { job_1: { progress_json: '{"p":1}' }, job_2: { fence: "7" } },
    });
    expect(jobs("[ ]")).toEqual({});
    expect(jobs('[{"job_id":"a","job_id":"b"}]')).toEqual({ jobs: { b: {} } });
  });
  test("objects may come as text; other texts are kept as one", () => {
    expect(jobs('[{"job_id":"a","progress":" {\\"n\\": 1.50} ","checkpoint":"half"},{"job_id":"b","progress":"","checkpoint":"{\\"x\\""}]')).toEqual({
      jobs: { a: { progress_json: '{"n": 1.50}', checkpoint_json: '{"text":"half"}' }, b: { checkpoint_json: '{"text":"{\\"x\\""}' } },
    });
  });
  test("what is wrong names its place; as a map texts stay refused", () => {
    expect(refusal(HeartbeatRequestSchema, '{"jobs":[7]}')).toMatchObject({ field: "jobs[0]", error: "invalid JSON: jobs[0] must be an object" });
    expect(refusal(HeartbeatRequestSchema, '{"jobs":[{"job_id":"a"},{"progress":{}}]}')).toMatchObject({ field: "jobs[1]" });
    expect(refusal(HeartbeatRequestSchema, '{"jobs":[{"job_id":1}]}')).toMatchObject({ field: "jobs[0]" });
    expect(refusal(HeartbeatRequestSchema, '{"jobs":[{"job_id":"a","progress":1}]}')).toMatchObject({ field: "jobs[0].progress" });
    expect(refusal(HeartbeatRequestSchema, '{"jobs":[{"job_id":"a"}').error).toBe("invalid JSON");
    expect(refusal(HeartbeatRequestSchema, '{"jobs":[{"job_id" "a"}]}').error).toBe("invalid JSON");
    expect(refusal(HeartbeatRequestSchema, '{"jobs":{"a":{"progress":"{}"}}}')).toMatchObject({ field: "jobs.a.progress" });
    expect(refusal(HeartbeatRequestSchema, '{"jobs":[{"job_id":"a","progress":"{}"}],"jobs":{"a":{"progress":"{}"}}}')).toMatchObject({
      field: "jobs.a.progress",
    });
  });
});

describe("values", () => {
  test("64-bit integers are exact as number and as string", () => {
    expect(read(AckRequestSchema, '{"fence":18446744073709551615}')).toEqual({ fence: "18446744073709551615" });
    expect(read(AckRequestSchema, '{"fence":"9007199254740993"}')).toEqual({ fence: "9007199254740993" });
    expect(read(EnqueueRequestSchema, '{"unique_period":-9223372036854775808}')).toEqual({ unique_period: "-9223372036854775808" });
    expect(read(EnqueueRequestSchema, '{"unique_period":3.6e3}')).toEqual({ unique_period: "3600" });
  });
  test("strings lose their escapes and nothing else", () => {
    expect(read(EnqueueRequestSchema, '{"queue":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\\u0000 é😀"}')).toEqual({ queue: '"\\/\b\f\n\r\té😀\0 é😀' });
  });
  test("null is absent; max_retries knows zero from absent", () => {
    expect(read(EnqueueRequestSchema, '{"queue":null,"agent":null,"scheduled_at":null,"max_retries":null,"unique_period":null}')).toEqual({});
    expect(read(EnqueueRequestSchema, '{"max_retries":0,"agent":{}}')).toEqual({ max_retries: 0, agent: {} });
    expect(read(EnqueueRequestSchema, "null")).toEqual({});
  });
  test("long messages get long lengths", () => {
    for (const size of [100, 127, 128, 200, 16_383, 16_384, 70_000, 2_100_000]) {
      const text = "x".repeat(size);
      expect(read(EnqueueBatchRequestSchema, JSON.stringify({ jobs: [{ queue: text }, { unique_key: `${text}\n` }] }))).toEqual({
        jobs: [{ queue: text }, { unique_key: `${text}\n` }],
      });
    }
  });
  test.each([
    ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"],
    ["2026-01-02T03:04:05.120000000Z", "2026-01-02T03:04:05.120Z"],
    ["2026-01-02T03:04:05.123456789123Z", "2026-01-02T03:04:05.123456789Z"],
    ["2024-02-29t23:59:59+05:30", "2024-02-29T18:29:59Z"],
    ["1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"],
    ["9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"],
  ])("the time %s", (text, expected) => {
    expect(read(EnqueueRequestSchema, JSON.stringify({ scheduled_at: text }))).toEqual({ scheduled_at: expected });
  });
  test.each([
    "",
    "soon",
    "2026-01-02",
    "2026-13-02T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-01-02T24:00:00Z",
    "2026-01-02T00:00:60Z",
    "2026-01-02T00:00:00",
    "2026-01-02T00:00:00.Z",
    "0001-01-01T00:00:00+01:00",
    "2026-01-02 00:00:00Z",
    "2026-01-02T00:00:00Zz",
  ])("the time %j is refused and named", (text) => {
    expect(refusal(EnqueueRequestSchema, JSON.stringify({ scheduled_at: text })).field).toBe("scheduled_at");
  });
});

describe("refusals name the field", () => {
  test.each<[string, string]>([
    ['{"jobs":[{"queue":"a"},{"queue":7}]}', "jobs[1].queue"],
    ['{"jobs":[{"queue":{}}]}', "jobs[0].queue"],
    ['{"jobs":{}}', "jobs"],
    ['{"jobs":[null]}', "jobs[0]"],
    ['{"jobs":["x"]}', "jobs[0]"],
    ['{"jobs":[{"max_retries":"3"}]}', "jobs[0].max_retries"],
    ['{"jobs":[{"max_retries":1.5}]}', "jobs[0].max_retries"],
    ['{"jobs":[{"max_retries":2147483648}]}', "jobs[0].max_retries"],
    ['{"jobs":[{"max_retries":1e999}]}', "jobs[0].max_retries"],
    ['{"jobs":[{"unique_period":9223372036854775808}]}', "jobs[0].unique_period"],
    ['{"jobs":[{"unique_period":1e300}]}', "jobs[0].unique_period"],
    ['{"jobs":[{"unique_period":"x"}]}', "jobs[0].unique_period"],
    ['{"jobs":[{"agent":{"max_cost_usd":"1"}}]}', "jobs[0].agent.max_cost_usd"],
    ['{"jobs":[{"agent":{"max_cost_usd":1e999}}]}', "jobs[0].agent.max_cost_usd"],
    ['{"jobs":[{"queue":"\\ud800"}]}', "jobs[0].queue"],
    ['{"jobs":[{"queue":"\\ud800\\u0041"}]}', "jobs[0].queue"],
    ['{"jobs":[{"queue":"\\udc00"}]}', "jobs[0].queue"],
  ])("%s", (json, field) => {
    const e = refusal(EnqueueBatchRequestSchema, json);
    expect(e.field).toBe(field);
    expect(e.error).toContain(`invalid JSON: ${field} `);
  });

  test.each<[string, string]>([
    ["", "the body is empty"],
    ["  ", "the body is empty"],
    ["{", "it ends too early at byte 1"],
    ['{"queue"', "it ends too early at byte 8"],
    ['{"queue":', "it ends too early at byte 9"],
    ['{"queue":"a', "it ends too early at byte 11"],
    ['{"queue":"a"', "it ends too early at byte 12"],
    ['{"queue":a}', "unexpected character at byte 9"],
    ['{"queue":"a",}', "unexpected character at byte 13"],
    ['{"queue":"a" "x":1}', "unexpected character at byte 13"],
    ["{queue:1}", "unexpected character at byte 1"],
    ['{"queue":"\\x"}', "unexpected character at byte 11"],
    ['{"queue":"\\u12"}', "unexpected character at byte 14"],
    ['{"queue":"a\nb"}', "unexpected character at byte 11"],
    ['{"max_retries":01}', "unexpected character at byte 16"],
    ['{"max_retries":1.}', "unexpected character at byte 17"],
    ['{"payload":{"a":}}', "unexpected character at byte 11"],
    ["\ufeff{}", "unexpected character at byte 0"],
    ["nul", "it ends too early at byte 3"],
  ])("%j is not JSON: %s", (json, detail) => {
    expect(refusal(EnqueueRequestSchema, json)).toEqual({ error: "invalid JSON", detail });
  });

  test("what is JSON but no object", () => {
    for (const json of ["[]", "1", '"x"', "true"]) expect(refusal(EnqueueRequestSchema, json).error).toBe("invalid JSON: the body must be a JSON object");
  });

  test("bytes that are not UTF-8, wherever they stand", () => {
    for (const at of ["queue", "payload", "unknown"]) {
      const body = Buffer.concat([Buffer.from(`{"${at}":"`), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
      expect(refusal(EnqueueRequestSchema, body)).toEqual({ error: "invalid JSON", detail: "the body is not UTF-8" });
    }
  });

  test("after a refusal the next body is read as if nothing had been", () => {
    refusal(EnqueueBatchRequestSchema, '{"jobs":[{"queue":"a","agent":{"max_cost_usd":"x"}}]}');
    expect(read(FailRequestSchema, '{"error":"e"}')).toEqual({ error: "e" });
  });
});

describe("hostile bodies end within 50 ms", () => {
  const deep = (open: string, close: string, n: number): string => open.repeat(n) + close.repeat(n);
  const corpus: [name: string, body: string, accepted: boolean][] = [
    ["100,000 arrays deep in an unknown field", `{"x":${deep("[", "]", 100_000)}}`, false],
    ["100,000 objects deep in the payload", `{"payload":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`, false],
    ["100,000 arrays deep at the top", deep("[", "]", 100_000), false],
    ["200 levels of payload", `{"payload":${deep("[", "]", 200)}}`, false],
    ["a number of a million digits", `{"max_retries":${"9".repeat(1_000_000)}}`, false],
    ["a 64-bit number of 100,000 digits", `{"unique_period":${"9".repeat(100_000)}}`, false],
    ["a quoted number of 100,000 digits", `{"unique_period":"${"9".repeat(100_000)}"}`, false],
    ["an exponent of 100,000 digits", `{"unique_period":1e${"9".repeat(100_000)}}`, false],
    ["100,000 unknown names", `{${Array.from({ length: 100_000 }, (_, i) => `"k${i}":0`).join(",")}}`, true],
    ["100,000 times the same string", `{${Array.from({ length: 100_000 }, () => '"queue":"a"').join(",")}}`, false],
    ["100,000 times the same message", `{${Array.from({ length: 100_000 }, () => '"agent":{"max_iterations":1}').join(",")}}`, false],
    ["a large payload again and again", `{${Array.from({ length: 10 }, () => `"payload":"${"x".repeat(100_000)}","queue":"a"`).join(",")}}`, true],
    ["an unfinished string of a megabyte", `{"queue":"${"a".repeat(1_000_000)}`, false],
    ["a megabyte of escapes", `{"queue":"${"\\u0000".repeat(170_000)}"}`, true],
    ["a megabyte of lone surrogates", `{"queue":"${"\\ud800".repeat(170_000)}"}`, false],
    ["a megabyte of blanks", `{${" ".repeat(1_000_000)}`, false],
    ["a name of a megabyte", `{"${"q".repeat(1_000_000)}":1}`, true],
    ["names that share one hash bucket", `{${Array.from({ length: 20_000 }, () => '"Aa":1,"BB":1').join(",")}}`, true],
  ];
  test.each(corpus)("%s", (_, body, accepted) => {
    const bytes = Buffer.from(body);
    const start = process.cpuUsage();
    let refused: unknown;
    try {
      decoder.begin();
      decoder.body(planOf(EnqueueRequestSchema), bytes);
      decoder.take();
    } catch (e) {
      refused = e;
    }
    const took = process.cpuUsage(start);
    expect(refused === undefined).toBe(accepted);
    if (!accepted) expect(refused).toBeInstanceOf(BodyError);
    // CPU time, all threads, before anything is compiled: warm, each of them takes less than 50 ms. What grows with the square of a megabyte takes minutes.
    expect((took.user + took.system) / 1000).toBeLessThan(5_000);
  });
});
