import { afterEach, expect, test, vi } from "vitest";
import { defineJob } from "./job.js";
import { connect } from "./node.js";
import { enqueueRequest, jsonText, newRequestId } from "./requests.js";

afterEach(() => void vi.unstubAllGlobals());

test("options of the definition, then those of the call; what is not given is not sent", () => {
  const mail = defineJob<{ to: string }>("mail", { priority: "high", maxAttempts: 5, backoffBaseMs: 0, tags: { team: "x" } });
  expect(enqueueRequest(mail, { to: "a" }, { maxAttempts: 1, backoffMaxMs: Number.POSITIVE_INFINITY, expireAfterMs: 1.2 })).toMatchObject({
    queue: "mail",
    payloadJson: '{"to":"a"}',
    priority: "high",
    maxRetries: 1,
    retryBaseDelay: "0ms",
    retryMaxDelay: "0s",
    expireAfterMs: 2n,
    tagsJson: '{"team":"x"}',
    uniquePeriod: 0n,
    requestId: "",
  });
  expect(enqueueRequest("q", undefined, {})).toMatchObject({ payloadJson: "", retryBaseDelay: "", retryMaxDelay: "" });
  expect(enqueueRequest("q", null, { scheduledAt: new Date(1500) })).toMatchObject({ payloadJson: "null", scheduledAt: { seconds: 1n, nanos: 500_000_000 } });
});

test("what no server could take is refused here, by name", () => {
  expect(() => enqueueRequest("q", () => 1, {})).toThrow("payload: a function has no JSON");
  expect(() => enqueueRequest("q", 1, { backoffBaseMs: Number.NaN })).toThrow("backoffBaseMs must be 0 or more, not NaN");
  for (const maxAttempts of [Number.NaN, -1, 1.5, 1e9])
    expect(() => enqueueRequest("q", 1, { maxAttempts })).toThrow(`maxAttempts must be a whole number from 0 to 1000000, not ${maxAttempts}`);
  for (const url of ["", "nope", "ftp://corvo", "localhost:8080"]) expect(() => connect({ url })).toThrow(`url: "${url}" is not an address`);
  expect(() => enqueueRequest("q", 1, { expireAfterMs: -1 })).toThrow("expireAfterMs must be 0 or more, not -1");
  expect(() => enqueueRequest("q", 1, { scheduledAt: new Date("x") })).toThrow("scheduledAt is not a valid date");
  expect(() => enqueueRequest("", 1, {})).toThrow('a queue\'s name has 1 to 255 bytes, "" has 0');
  expect(() => defineJob("ü".repeat(128))).toThrow("has 256");
  expect(() => jsonText(1n, "result")).toThrow(/BigInt/);
  expect(jsonText(undefined, "result")).toBe("");
});

test("request ids are random, also where randomUUID is missing", () => {
  expect(newRequestId()).toMatch(/^[0-9a-f-]{36}$/);
  vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
  expect(newRequestId()).toMatch(/^[0-9a-f]{32}$/);
  expect(newRequestId()).not.toBe(newRequestId());
});
