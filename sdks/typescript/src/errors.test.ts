import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorDetailSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { describe, expect, test } from "vitest";
import { CorvoError, toCorvoError } from "./errors.js";

const said = (code: Code, detail: { reason?: string; field?: string; retryAfterMs?: number }): CorvoError =>
  toCorvoError(new ConnectError("sentence", code, undefined, [{ desc: ErrorDetailSchema, value: create(ErrorDetailSchema, detail) }]));
const facts = ({ code, reason, field, retryAfterMs, outcomeUnknown, retryable }: CorvoError): object => ({
  code,
  reason,
  field,
  retryAfterMs,
  outcomeUnknown,
  retryable,
});

describe("errors", () => {
  test("what the server says", () => {
    const nothing = { field: undefined, retryAfterMs: undefined, outcomeUnknown: false, retryable: false };
    expect(facts(said(Code.InvalidArgument, { reason: "REQUIRED", field: "jobs[3].queue" }))).toEqual({
      ...nothing,
      code: "invalid_argument",
      reason: "REQUIRED",
      field: "jobs[3].queue",
    });
    expect(facts(said(Code.ResourceExhausted, { reason: "DISK_FULL", retryAfterMs: 1000 }))).toEqual({
      ...nothing,
      code: "resource_exhausted",
      reason: "DISK_FULL",
      retryAfterMs: 1000,
      retryable: true,
    });
    expect(facts(said(Code.Unavailable, { reason: "SHUTTING_DOWN" }))).toEqual({ ...nothing, code: "unavailable", reason: "SHUTTING_DOWN", retryable: true });
    expect(facts(said(Code.Unknown, { reason: "OUTCOME_UNKNOWN" }))).toEqual({
      ...nothing,
      code: "unknown",
      reason: "OUTCOME_UNKNOWN",
      outcomeUnknown: true,
    });
  });

  test("a connection that broke is an unknown outcome, whatever code the transport gives it", () => {
    for (const code of [Code.Aborted, Code.Canceled, Code.Internal, Code.InvalidArgument, Code.Unavailable, Code.Unknown, Code.PermissionDenied]) {
      expect(facts(toCorvoError(new ConnectError("broken", code)))).toMatchObject({ reason: "UNAVAILABLE", outcomeUnknown: true, retryable: false });
    }
    expect(facts(toCorvoError(new TypeError("fetch failed")))).toMatchObject({ reason: "UNAVAILABLE", outcomeUnknown: true });
  });

  test("an answer without a reason has its code for one", () => {
    const answered = (code: Code): CorvoError => toCorvoError(new ConnectError("said", code, { "content-type": "application/json" }));
    expect(facts(answered(Code.Internal))).toMatchObject({ reason: "INTERNAL", outcomeUnknown: false, retryable: false });
    expect(facts(answered(Code.Unauthenticated))).toMatchObject({ reason: "UNAUTHENTICATED", outcomeUnknown: false });
    expect(facts(answered(Code.Unavailable))).toMatchObject({ reason: "UNAVAILABLE", outcomeUnknown: true }); // a proxy without a server behind it
  });

  test("deadlines and the caller's own signal", () => {
    expect(facts(toCorvoError(new ConnectError("late", Code.DeadlineExceeded)))).toMatchObject({ reason: "TIMEOUT", outcomeUnknown: true });
    const error = toCorvoError(new ConnectError("x", Code.Canceled), AbortSignal.abort(new Error("user left")));
    expect(facts(error)).toMatchObject({ code: "canceled", reason: "CANCELLED", outcomeUnknown: true, retryable: false });
    expect(error.message).toBe("user left");
  });

  test("a name whose every address refuses has a sentence", () => {
    const cause = new AggregateError([new Error("connect ECONNREFUSED ::1:8080"), new Error("connect ECONNREFUSED 127.0.0.1:8080")]);
    expect(toCorvoError(new ConnectError("", Code.Unavailable, undefined, undefined, cause)).message).toBe("connect ECONNREFUSED ::1:8080");
    expect(toCorvoError(new ConnectError("", Code.Unavailable)).message).toBe("the call failed");
  });

  test("is what it was when it is one already", () => {
    const error = new CorvoError("x", { code: "aborted", reason: "LEASE_LOST" });
    expect(toCorvoError(error)).toBe(error);
  });
});
