import { expect, test } from "vitest";
import type { Command, Outcome } from "./command.js";
import { durationMs } from "./duration.js";
import { Model } from "./model.js";

/** Runs commands at times and writes down what happened, for a stranger to read. Ids are shown as A, B, C in order of creation. */
function transcript(...steps: [atMs: number, command: Command][]): string[] {
  const model = new Model();
  let index = 1;
  const letters = new Map<string, string>();
  const short = (text: string) => [...letters].reduce((all, [id, letter]) => all.replaceAll(id, letter), text);
  return steps.map(([atMs, command]) => {
    const given = "jobId" in command ? { ...command, jobId: [...letters].find(([, letter]) => letter === command.jobId)?.[0] ?? command.jobId } : command;
    const [outcome] = model.apply({ index: ++index, clockMs: atMs, commands: [given] });
    for (const id of model.state.jobs.keys()) if (!letters.has(id)) letters.set(id, String.fromCharCode(65 + letters.size));
    const states = model.jobs().map((job) => `${letters.get(job.id)} ${job.state}`);
    return short(`${atMs} ${command.verb}${"jobId" in command ? ` ${command.jobId}` : ""} -> ${said(outcome)} | ${states.join(", ")}`);
  });
}

function said(outcome: Outcome): string {
  switch (outcome.kind) {
    case "enqueued":
      return `${outcome.jobId} ${outcome.status}`;
    case "fetched":
      return outcome.job ? `${outcome.job.jobId} attempt=${outcome.job.attempt} fence=${outcome.job.fence}` : "nothing";
    case "failed":
      return `${outcome.status} next=${outcome.nextAttemptMs ?? "-"} left=${outcome.attemptsRemaining}`;
    case "refused":
      return `${outcome.code} ${outcome.reason}`;
    case "done":
      return outcome.status;
    default:
      return outcome.kind;
  }
}

const mail = { queue: "mail" };
const fetch: Command = { verb: "fetch", queues: ["mail"], workerId: "w1", hostname: "h", leaseSeconds: 60 };

test("a silent worker: its lease ends behind its last millisecond, the attempt stays counted, its fence is stale then", () => {
  expect(
    transcript(
      [0, { verb: "enqueue", job: mail }],
      [0, fetch],
      [60_000, { verb: "tick" }],
      [60_001, { verb: "tick" }],
      [60_002, fetch],
      [60_003, { verb: "ack", jobId: "A", fence: 1 }],
      [60_004, { verb: "ack", jobId: "A", fence: 2 }],
      [60_005, { verb: "ack", jobId: "A", fence: 2 }],
    ),
  ).toEqual([
    "0 enqueue -> A pending | A pending",
    "0 fetch -> A attempt=1 fence=1 | A active",
    "60000 tick -> silent | A active",
    "60001 tick -> silent | A pending",
    "60002 fetch -> A attempt=2 fence=2 | A active",
    "60003 ack A -> failed_precondition STALE_FENCE | A active",
    "60004 ack A -> acked | A completed",
    "60005 ack A -> invalid_argument WRONG_STATE | A completed",
  ]);
});

test("nobody served: a lease lasts longer by the pause, and by no more than there was time", () => {
  expect(
    transcript(
      [0, { verb: "enqueue", job: mail }],
      [0, fetch],
      [500_000, { verb: "leadership", pauseMs: 9_999_999 }],
      [560_000, { verb: "tick" }],
      [560_001, { verb: "tick" }],
    ),
  ).toEqual([
    "0 enqueue -> A pending | A pending",
    "0 fetch -> A attempt=1 fence=1 | A active",
    "500000 leadership -> silent | A active",
    "560000 tick -> silent | A active",
    "560001 tick -> silent | A pending",
  ]);
});

test("failures: exponential back-off, dead after the last attempt, retry begins anew", () => {
  expect(
    transcript(
      [0, { verb: "enqueue", job: { ...mail, maxRetries: 2 } }],
      [0, fetch],
      [10, { verb: "fail", jobId: "A", error: "boom", backtrace: "" }],
      [5_009, { verb: "tick" }],
      [5_010, { verb: "tick" }],
      [5_010, fetch],
      [5_011, { verb: "fail", jobId: "A", error: "boom", backtrace: "" }],
      [5_012, { verb: "cancel", jobId: "A" }],
      [5_012, { verb: "retry", jobId: "A" }],
      [5_012, fetch],
      [5_013, { verb: "cancel", jobId: "A" }],
    ),
  ).toEqual([
    "0 enqueue -> A pending | A pending",
    "0 fetch -> A attempt=1 fence=1 | A active",
    "10 fail A -> retrying next=5010 left=1 | A retrying",
    "5009 tick -> silent | A retrying",
    "5010 tick -> silent | A pending",
    "5010 fetch -> A attempt=2 fence=2 | A active",
    "5011 fail A -> dead next=- left=0 | A dead",
    "5012 cancel A -> failed_precondition WRONG_STATE | A dead",
    "5012 retry A -> retried | A pending",
    "5012 fetch -> A attempt=1 fence=3 | A active",
    "5013 cancel A -> cancelling | A cancelled",
  ]);
});

test("unique keys: held until the end of the period or the ack, and given back only by their holder", () => {
  const one = { ...mail, uniqueKey: "k", uniquePeriodSeconds: 10 };
  expect(
    transcript(
      [0, { verb: "enqueue", job: one }],
      [9_999, { verb: "enqueue", job: one }],
      [10_000, { verb: "enqueue", job: one }],
      [10_000, fetch],
      [10_001, { verb: "ack", jobId: "A" }],
      [10_002, { verb: "enqueue", job: one }],
      [10_002, fetch],
      [10_003, { verb: "ack", jobId: "B" }],
      [10_004, { verb: "enqueue", job: one }],
    ),
  ).toEqual([
    "0 enqueue -> A pending | A pending",
    "9999 enqueue -> A duplicate | A pending",
    "10000 enqueue -> B pending | A pending, B pending",
    "10000 fetch -> A attempt=1 fence=1 | A active, B pending",
    "10001 ack A -> acked | A completed, B pending",
    "10002 enqueue -> B duplicate | A completed, B pending",
    "10002 fetch -> B attempt=1 fence=2 | A completed, B active",
    "10003 ack B -> acked | A completed, B completed",
    "10004 enqueue -> C pending | A completed, B completed, C pending",
  ]);
});

test("order: critical, high, normal, each in order of entry; who comes back goes to the tail", () => {
  expect(
    transcript(
      [0, { verb: "enqueue", job: mail }],
      [1, { verb: "enqueue", job: { ...mail, priority: "high" } }],
      [2, { verb: "enqueue", job: mail }],
      [3, { verb: "hold", jobId: "A" }],
      [4, { verb: "approve", jobId: "A" }],
      [5, fetch],
      [6, fetch],
      [7, fetch],
      [8, fetch],
    ).map((line) => line.split(" | ")[0]),
  ).toEqual([
    "0 enqueue -> A pending",
    "1 enqueue -> B pending",
    "2 enqueue -> C pending",
    "3 hold A -> held",
    "4 approve A -> pending",
    "5 fetch -> B attempt=1 fence=1",
    "6 fetch -> C attempt=1 fence=2",
    "7 fetch -> A attempt=1 fence=3",
    "8 fetch -> nothing",
  ]);
});

test("a job that is due and too old in the same tick is promoted and then dies", () => {
  expect(
    transcript(
      [0, { verb: "enqueue", job: { ...mail, scheduledAtMs: 1_000, expireAfter: "1s" } }],
      [1_001, { verb: "tick" }],
      [1_002, { verb: "retry", jobId: "A" }],
      [1_003, { verb: "tick" }],
    ),
  ).toEqual(["0 enqueue -> A scheduled | A scheduled", "1001 tick -> silent | A dead", "1002 retry A -> retried | A pending", "1003 tick -> silent | A dead"]);
});

test.each([
  ["1m30s", 90_000],
  ["0", 0],
  ["0s", 0],
  [".5s", 500],
  ["1.5h", 5_400_000],
  ["-2ms", -2],
  ["250us", 0.25],
  ["90", undefined],
  ["", undefined],
  ["1d", undefined],
  ["1s ", undefined],
])("the duration %j", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});
