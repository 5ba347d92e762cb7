import type { Row } from "./row.js";
import { aJob, aQueue, unreadable } from "./rows-worker.js";
import { bool, int, listWith, maybe, time } from "./shape.js";

const verb = (name: string, status: string): Row => ({
  method: "POST",
  path: `/queues/{name}/${name}`,
  cases: [{ what: "done", given: aQueue, at: `/queues/{queue}/${name}`, status: 200, answers: { status } }],
});

/** §6.3 */
export const queueRows: readonly Row[] = [
  {
    method: "GET",
    path: "/queues",
    cases: [
      {
        what: "all of them",
        given: aJob,
        status: 200,
        answers: listWith({
          name: "{queue}",
          paused: bool,
          created_at: time,
          pending: 1,
          active: 0,
          held: 0,
          completed: 0,
          dead: 0,
          scheduled: 0,
          retrying: 0,
          enqueued: 1,
          failed: int,
          oldest_pending_at: time,
          max_concurrency: maybe(int),
          rate_limit: maybe(int),
        }),
        ours: "created_at is the queue's, where Corvo always says the year 1",
      },
    ],
  },
  verb("pause", "paused"),
  verb("resume", "resumed"),
  verb("clear", "cleared"),
  verb("drain", "draining"),
  {
    method: "POST",
    path: "/queues/{name}/concurrency",
    cases: [
      { what: "a cap", given: aQueue, at: "/queues/{queue}/concurrency", body: { max: 3 }, status: 200, answers: { status: "ok" } },
      { what: "none", given: aQueue, at: "/queues/{queue}/concurrency", body: { max: null }, status: 200, answers: { status: "ok" } },
      { ...unreadable, at: "/queues/q/concurrency" },
    ],
  },
  {
    method: "POST",
    path: "/queues/{name}/throttle",
    cases: [
      { what: "a cap", given: aQueue, at: "/queues/{queue}/throttle", body: { rate: 5, window_ms: 1000 }, status: 200, answers: { status: "ok" } },
      {
        what: "no rate",
        given: aQueue,
        at: "/queues/{queue}/throttle",
        body: { rate: 0, window_ms: 1000 },
        status: 400,
        code: "VALIDATION_ERROR",
        error: "rate and window_ms must be positive",
      },
      { ...unreadable, at: "/queues/q/throttle" },
    ],
  },
  {
    method: "DELETE",
    path: "/queues/{name}/throttle",
    cases: [{ what: "done", given: aQueue, at: "/queues/{queue}/throttle", status: 200, answers: { status: "ok" } }],
  },
  {
    method: "DELETE",
    path: "/queues/{name}",
    cases: [
      { what: "done", given: aJob, at: "/queues/{queue}", status: 200, answers: { status: "deleted" } },
      { what: "unknown queue", given: aQueue, at: "/queues/{queue}", status: 200, answers: { status: "deleted" } },
    ],
  },
];
