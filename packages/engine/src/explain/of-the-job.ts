import { JobDocumentReader, JobFailureReader } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import { textOf } from "../command.js";
import type { State } from "../state.js";
import { JobState } from "../tables/job-table.js";
import { type Asked, type Reason, ReasonCode, when } from "./reason.js";

const document = new JobDocumentReader();
const failure = new JobFailureReader();

/** A worker has it. One that was not heard of for two thirds of the lease may be dead: then the job comes back when the lease ends. */
export function running({ s, row, id, state, nowMs }: Asked, found: Reason[]): void {
  if (state !== JobState.active) return;
  const worker = s.workers.byNumber[s.jobs.worker(row)];
  const name = worker === undefined ? "" : textOf(worker.name, 0, worker.idBytes);
  const untilMs = s.jobs.dueMs(row) + s.pausedMs;
  const heardMs = Math.max(worker?.heardMs ?? 0, s.jobs.startedMs(row));
  const silent = untilMs - nowMs < s.jobs.leaseMs(row) / 3 && nowMs - heardMs > (s.jobs.leaseMs(row) * 2) / 3;
  const who = name === "" ? "a worker" : `worker ${name}`;
  found.push({
    code: silent ? ReasonCode.leaseWaitsForWorker : ReasonCode.running,
    message: silent
      ? `${who} has it and was not heard of since ${when(heardMs)}; unless it is, the job is handed out again at ${when(untilMs)}`
      : `it is running: ${who} has it, attempt ${s.jobs.attempt(row)}, lease until ${when(untilMs)}`,
    untilMs,
    workers: name === "" ? [] : [name],
    atMs: s.jobs.startedMs(row),
    remedy: silent ? `corvo cancel ${id}` : undefined,
  });
}

export function held({ s, row, id, state }: Asked, found: Reason[]): void {
  if (state !== JobState.held || found.length > 0) return; // whatever holds it has said so
  const detail = holdReason(s, row);
  found.push({
    code: ReasonCode.held,
    message: `it is held until somebody approves or rejects it${detail === "" ? "" : `: ${detail}`}`,
    detail,
    remedy: `corvo approve ${id}`,
  });
}

/** Why it is held, in the words of whoever did it. */
export function holdReason(s: State, row: number): string {
  return read(s, row) ? textOf(document.buf, document.holdReasonStart, document.holdReasonEnd) : "";
}

export function scheduled({ s, row, id, state }: Asked, found: Reason[]): void {
  if (state !== JobState.scheduled) return;
  const untilMs = s.jobs.dueMs(row);
  found.push({ code: ReasonCode.scheduled, message: `it is scheduled for ${when(untilMs)}`, untilMs, remedy: `corvo retry ${id}` });
}

export function retryBackoff({ s, row, state }: Asked, found: Reason[]): void {
  if (state !== JobState.retrying) return;
  const untilMs = s.jobs.dueMs(row);
  const detail = lastError(s, row);
  found.push({
    code: ReasonCode.retryBackoff,
    message: `attempt ${s.jobs.attempt(row)} failed; the next one may start at ${when(untilMs)}`,
    untilMs,
    limit: s.jobs.maxRetries(row),
    current: s.jobs.attempt(row),
    detail,
  });
}

export function expires({ s, row, state }: Asked, found: Reason[]): void {
  const untilMs = s.jobs.expireMs(row);
  if (untilMs === 0 || state === JobState.active) return;
  found.push({ code: ReasonCode.expires, message: `it expires at ${when(untilMs)} unless it starts before`, untilMs });
}

function lastError(s: State, row: number): string {
  if (!read(s, row) || document.failuresCount === 0) return "";
  const last = document.failuresCount - 1;
  failure.read(document.buf, document.failuresStart[last], document.failuresEnd[last]);
  return textOf(failure.buf, failure.errorStart, Math.min(failure.errorEnd, failure.errorStart + 1024));
}

/** Reads the job's document; false: it has none. */
function read(s: State, row: number): boolean {
  const address = s.jobs.document(row);
  if (address === 0) return false;
  const start = s.arena.start(address);
  document.read(s.arena.memory(address), start, start + s.arena.length(address));
  return true;
}
