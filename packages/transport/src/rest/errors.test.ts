import { expect, test } from "vitest";
import { RpcError } from "../rpc.js";
import { BodyError, errorText, restError } from "./errors.js";

// spec/rest.md §4, with decisions.md where it adds a code. Per line: code and reason of the refusal, verb and error_code of the method, answer.
const table: [code: string, reason: string, verb: "GET" | "POST" | "DELETE", errorCode: string, status: number, restCode: string][] = [
  ["invalid_argument", "REQUIRED", "POST", "VALIDATION_ERROR", 400, "VALIDATION_ERROR"],
  ["invalid_argument", "INVALID_VALUE", "POST", "QUEUE_ERROR", 400, "VALIDATION_ERROR"],
  ["invalid_argument", "TOO_LARGE", "POST", "ACK_ERROR", 400, "VALIDATION_ERROR"],
  ["invalid_argument", "INVALID_JSON", "POST", "ACK_ERROR", 400, "PARSE_ERROR"],
  ["invalid_argument", "INVALID_MESSAGE", "POST", "", 400, "PARSE_ERROR"],
  ["invalid_argument", "NOT_FOUND", "POST", "ACK_ERROR", 400, "ACK_ERROR"],
  ["invalid_argument", "WRONG_STATE", "POST", "FAIL_ERROR", 400, "FAIL_ERROR"],
  ["not_found", "NOT_FOUND", "POST", "RETRY_ERROR", 400, "RETRY_ERROR"],
  ["failed_precondition", "WRONG_STATE", "POST", "CANCEL_ERROR", 400, "CANCEL_ERROR"],
  ["failed_precondition", "WRONG_STATE", "POST", "HOLD_ERROR", 400, "HOLD_ERROR"],
  ["failed_precondition", "WRONG_STATE", "POST", "", 400, "WRONG_STATE"],
  ["not_found", "NOT_FOUND", "GET", "", 404, "NOT_FOUND"],
  ["not_found", "NOT_FOUND", "DELETE", "DELETE_ERROR", 404, "NOT_FOUND"],
  ["failed_precondition", "STALE_FENCE", "POST", "ACK_ERROR", 409, "STALE_FENCE"],
  ["invalid_argument", "REQUEST_ID_REUSED", "POST", "VALIDATION_ERROR", 409, "REQUEST_ID_REUSED"],
  ["invalid_argument", "PAYLOAD_TOO_LARGE", "POST", "VALIDATION_ERROR", 413, "PAYLOAD_TOO_LARGE"],
  ["resource_exhausted", "OVERLOADED", "POST", "VALIDATION_ERROR", 429, "OVERLOADED"],
  ["resource_exhausted", "MEMORY_FULL", "POST", "VALIDATION_ERROR", 429, "MEMORY_FULL"],
  ["resource_exhausted", "RATE_LIMITED", "POST", "", 429, "RATE_LIMITED"],
  ["resource_exhausted", "DISK_FULL", "POST", "VALIDATION_ERROR", 503, "DISK_FULL"],
  ["unavailable", "NOT_LEADER", "POST", "VALIDATION_ERROR", 503, "LEADER_UNAVAILABLE"],
  ["unavailable", "SHUTTING_DOWN", "POST", "VALIDATION_ERROR", 503, "SHUTTING_DOWN"],
  ["unknown", "OUTCOME_UNKNOWN", "POST", "ACK_ERROR", 504, "OUTCOME_UNKNOWN"],
  ["deadline_exceeded", "", "POST", "ACK_ERROR", 504, "OUTCOME_UNKNOWN"],
  ["unauthenticated", "", "POST", "ACK_ERROR", 401, "UNAUTHORIZED"],
  ["permission_denied", "", "GET", "", 403, "FORBIDDEN"],
  ["unimplemented", "UNSUPPORTED", "POST", "ACK_ERROR", 501, "UNSUPPORTED"],
  ["internal", "INTERNAL", "POST", "ACK_ERROR", 500, "INTERNAL_ERROR"],
  ["no such code", "NO_SUCH_REASON", "POST", "ACK_ERROR", 500, "INTERNAL_ERROR"],
];

test.each(table)("%s %s of a %s with %s is %i %s", (code, reason, verb, errorCode, status, restCode) => {
  expect(restError(new RpcError(code, reason, "why"), { verb, errorCode })).toEqual({ status, code: restCode, error: "why" });
});

test("a refusal may bring its own status and code, a field and a time", () => {
  const error = new RpcError("invalid_argument", "INVALID_VALUE", "x", { restStatus: 418, restCode: "TEAPOT", field: "jobs[3].queue", retryAfterMs: 250 });
  expect(restError(error, { verb: "POST", errorCode: "" })).toEqual({ status: 418, code: "TEAPOT", error: "x", field: "jobs[3].queue", retryAfterMs: 250 });
});

test("what is no refusal stays inside", () => {
  const e = restError(new TypeError("secret is not a function"), { verb: "POST", errorCode: "ACK_ERROR" });
  expect(e).toEqual({ status: 500, code: "INTERNAL_ERROR", error: "internal error" });
});

test("the text has error and code first and escapes like all of REST", () => {
  const e = restError(new BodyError("<script>&", "at byte 7", { field: "queue" }), { verb: "POST", errorCode: "" });
  expect(errorText(e)).toBe('{"error":"\\u003cscript\\u003e\\u0026","code":"PARSE_ERROR","field":"queue","detail":"at byte 7"}\n');
  expect(errorText({ status: 429, code: "OVERLOADED", error: "wait", retryAfterMs: 12.5 })).toBe('{"error":"wait","code":"OVERLOADED","retry_after_ms":13}\n');
});
