import { AckRequestReader, EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { commandFlags, type Refusal, refuse } from "@corvo/protocol";
import { type Command, textOf } from "./command.js";
import { type DocumentEdit, edit } from "./document.js";
import { finish, releaseKey } from "./finish.js";
import { staleFence } from "./lease.js";
import { notFound, type State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobState } from "./tables/job-table.js";

/** Numbers of corvo.v1.AckOutcome. */
export const AckOutcome = { acked: 1, notFound: 2, notActive: 3, staleFence: 4, refused: 5 } as const;

const reader = new AckRequestReader();
const request = new EnqueueRequestReader();

/** Completes an active job. Refusals, in order: no such job, not active, stale fence, agent words that do not fit. */
export function ack(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.jobIdEnd === r.jobIdStart) return refuse("invalid_argument", "REQUIRED", "job_id is required", { field: "job_id" });
  const id = (): string => textOf(c.buf, r.jobIdStart, r.jobIdEnd);
  const row = s.find(c.buf, r.jobIdStart, r.jobIdEnd);
  if (row === notFound || (row < 0 && c.looked && !c.hasRecord)) return refuse("invalid_argument", "NOT_FOUND", `job ${id()} not found`);
  if (row < 0 || s.jobs.state(row) !== JobState.active) return refuse("invalid_argument", "WRONG_STATE", `job ${id()} is not active`);
  if (r.fence !== 0 && r.fence !== s.jobs.fence(row)) return staleFence(id());
  if (r.agentStatusEnd > r.agentStatusStart) {
    const refusal = checkAgentStatus(s, row, id(), textOf(c.buf, r.agentStatusStart, r.agentStatusEnd));
    if (refusal !== undefined) return refusal;
  }
  const change = edit.clear(c.buf);
  resultInto(change, r.resultJsonStart, r.resultJsonEnd, c.flags);
  if (r.checkpointJsonEnd > r.checkpointJsonStart) {
    change.checkpointStart = r.checkpointJsonStart;
    change.checkpointEnd = r.checkpointJsonEnd;
  }
  complete(s, row, change);
  return undefined;
}

/** An absent result is `{}` in RPC and stays absent in REST. */
export function resultInto(change: DocumentEdit, start: number, end: number, flags: number): void {
  if (end > start) {
    change.resultStart = start;
    change.resultEnd = end;
  } else change.resultObject = (flags & commandFlags.absentResult) === 0;
}

/** An active job is done. */
export function complete(s: State, row: number, change: DocumentEdit): void {
  const seq = s.jobs.seq(row);
  const createdMs = s.jobs.createdMs(row);
  const attempt = s.jobs.attempt(row);
  const worker = s.workers.byNumber[s.jobs.worker(row)];
  releaseKey(s, row);
  const queue = finish(s, row, JobState.completed, change);
  s.events.add(EventType.completed, seq, createdMs, queue, s.logTimeMs);
  s.events.attempt(attempt, worker);
}

function checkAgentStatus(s: State, row: number, id: string, given: string): Refusal | undefined {
  const status = given.trim().toLowerCase();
  if (status === "") return undefined;
  const field = { field: "agent_status" };
  const address = s.jobs.request(row);
  const start = s.arena.start(address);
  if (!request.read(s.arena.memory(address), start, start + s.arena.length(address)).hasAgent) {
    return refuse("invalid_argument", "INVALID_VALUE", `job ${id} is not an agent job`, field);
  }
  if (status === "done") return undefined;
  if (status === "continue" || status === "hold") {
    return refuse("invalid_argument", "UNSUPPORTED", `agent_status "${status}" is not served by this version`, field);
  }
  return refuse("invalid_argument", "INVALID_VALUE", `invalid agent_status "${status}"`, field);
}
