import { describe, expect, test } from "vitest";
import { type Action, checkHistory, type FinalJob, type Operation } from "./checkers.js";

let clockMs = 0;
function op(action: Action, outcome: Operation["outcome"] = "ok"): Operation {
  const invokedMs = (clockMs += 10);
  return { client: "c1", invokedMs, returnedMs: outcome === "unknown" ? Infinity : invokedMs + 5, outcome, action };
}
const grant = (fence: number, attempt = 1) => op({ do: "fetch", grants: [{ jobId: "job_a", payload: "1", attempt, maxRetries: 3, fence, leaseMs: 60_000 }] });
const done: FinalJob = { id: "job_a", payload: "1", state: "completed", attempt: 1 };
const added = () => op({ do: "enqueue", key: "k", payload: "1", jobId: "job_a" });
const acked = (fence: number) => op({ do: "ack", jobId: "job_a", fence });

/** Each is a history with one planted breach: a checker that does not see it is no checker. */
const planted: [string, string, Operation[], FinalJob[]][] = [
  ["an acknowledged job is lost", "J1", [added()], []],
  ["a job nobody asked for", "J2", [], [done]],
  ["a job whose enqueue certainly failed", "J2", [op({ do: "enqueue", key: "k", payload: "1" }, "failed")], [done]],
  ["an altered payload", "J2", [added()], [{ ...done, payload: "2" }]],
  ["two jobs for one key", "J3", [added(), op({ do: "enqueue", key: "k", payload: "1", jobId: "job_b" })], [done]],
  ["given out after its ack", "J4", [added(), grant(1), acked(1), grant(2, 2)], [done]],
  ["two accepted acks", "J4", [added(), grant(1), acked(1), acked(0)], [done]],
  ["completed, then not", "J4", [added(), grant(1), acked(1)], [{ ...done, state: "pending" }]],
  ["two leases at a time", "J5", [added(), grant(1), grant(2, 2)], [done]],
  ["one fence twice", "J5", [added(), grant(1), grant(1, 2)], [done]],
  ["an old fence acked", "J6", [added(), grant(1), grant(2, 2), acked(1)], [done]],
  ["an attempt left out", "J7", [added(), grant(1), op({ do: "fail", jobId: "job_a", fence: 1, next: "retrying" }), grant(2, 3)], [done]],
  ["dead too early", "J7", [added(), grant(1), op({ do: "fail", jobId: "job_a", fence: 1, next: "dead" })], [{ ...done, state: "dead" }]],
];

describe("checkers", () => {
  test.each(planted)("see %s (%s)", (_what, number, history, final) => {
    expect(checkHistory(history, final).join("\n")).toContain(number);
  });

  test("accept an honest history", () => {
    const history = [added(), grant(1), op({ do: "fail", jobId: "job_a", fence: 1, next: "retrying" }), grant(2, 2), acked(2)];
    expect(checkHistory(history, [done])).toEqual([]);
  });

  test("read an unknown outcome in favour of the server", () => {
    const enqueue = op({ do: "enqueue", key: "k", payload: "1" }, "unknown");
    expect(checkHistory([enqueue], [])).toEqual([]);
    expect(checkHistory([enqueue], [{ ...done, state: "pending" }])).toEqual([]);
    expect(checkHistory([added(), op({ do: "fetch", grants: [] }, "unknown"), grant(2, 2), acked(2)], [done])).toEqual([]);
    expect(checkHistory([added(), grant(1), op({ do: "fail", jobId: "job_a", fence: 1 }, "unknown"), grant(2, 2), acked(2)], [done])).toEqual([]);
  });
});
