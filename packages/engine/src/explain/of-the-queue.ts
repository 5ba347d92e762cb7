import { formatJobId } from "@corvo/protocol";
import { textOf } from "../command.js";
import { EventType } from "../tables/events.js";
import { JobState } from "../tables/job-table.js";
import { type Asked, listedMax, type Reason, ReasonCode, when } from "./reason.js";

/** Long polls ask again after a minute at most; who did not ask for longer is not there. */
const askedAgoMsMax = 75_000;
/** Workers that are looked through for one that once took jobs of the queue, the one heard of last first. */
const workersLookedAt = 1000;
const pauses: readonly number[] = [EventType.queuePaused, EventType.queueDrained];

/** States from which a job comes into line without anybody's doing: the queue's affairs concern it. */
function concerns({ state }: Asked): boolean {
  return state === JobState.pending || state === JobState.scheduled || state === JobState.retrying;
}

export function paused(asked: Asked, found: Reason[]): void {
  const { s, queue } = asked;
  if (!queue.paused || !concerns(asked)) return;
  const seq = s.events.lastOf(pauses, queue.name);
  const event = seq === 0 ? undefined : s.events.record(seq);
  const by = event === undefined ? "" : `${event.actor === "" ? "" : ` by ${event.actor}`} at ${when(event.atMs)}`;
  found.push({
    code: ReasonCode.queuePaused,
    message: `queue ${queue.name} is paused${by}`,
    name: queue.name,
    actor: event?.actor,
    atMs: event?.atMs,
    remedy: `corvo resume ${queue.name}`,
  });
}

export function concurrencyLimit({ s, queue, place }: Asked, found: Reason[]): void {
  if (place === 0 || queue.concurrencyMax === 0 || queue.active < queue.concurrencyMax) return;
  const jobIds: string[] = [];
  const workers = new Set<string>();
  for (let row = queue.head[3]; row !== -1 && jobIds.length < listedMax; row = s.jobs.next(row)) {
    jobIds.push(formatJobId(s.jobs.createdMs(row), s.jobs.seq(row)));
    const worker = s.workers.byNumber[s.jobs.worker(row)];
    if (worker !== undefined && worker.idBytes > 0) workers.add(textOf(worker.name, 0, worker.idBytes));
  }
  found.push({
    code: ReasonCode.concurrencyLimit,
    message: `${queue.active} jobs of queue ${queue.name} are running, and its limit is ${queue.concurrencyMax}`,
    limit: queue.concurrencyMax,
    current: queue.active,
    jobIds,
    workers: [...workers],
    remedy: `corvo concurrency ${queue.name} ${queue.concurrencyMax * 2}`,
  });
}

export function throttled({ queue, place, nowMs }: Asked, found: Reason[]): void {
  const { throttle } = queue;
  if (place === 0 || throttle === undefined) return;
  const untilMs = throttle.freeAtMs(nowMs);
  if (untilMs <= nowMs) return;
  found.push({
    code: ReasonCode.throttled,
    message: `queue ${queue.name} hands out ${throttle.rate} jobs per ${throttle.windowMs} ms and has done so; the next one at ${when(untilMs)}`,
    untilMs,
    limit: throttle.rate,
    current: throttle.rate - throttle.room(nowMs),
  });
}

export function noWorker(asked: Asked, found: Reason[]): void {
  const { s, queue, nowMs } = asked;
  if (!concerns(asked) || asked.fetchWaits || nowMs - queue.askedMs <= askedAgoMsMax) return;
  let last = s.workers.lastHeard;
  for (let left = workersLookedAt; last !== undefined && left > 0 && !last.queues.includes(queue.name); left--) last = last.older;
  const known = last?.queues.includes(queue.name) === true ? last : undefined;
  const name = known === undefined ? "" : textOf(known.name, 0, known.idBytes);
  const atMs = Math.max(queue.askedMs, known?.heardMs ?? 0);
  found.push({
    code: ReasonCode.noWorker,
    message:
      atMs === 0
        ? `no worker asks for jobs of queue ${queue.name}`
        : `no worker asks for jobs of queue ${queue.name}; ${name === "" ? "one" : name} was last heard of at ${when(atMs)}`,
    name: queue.name,
    atMs,
    workers: name === "" ? [] : [name],
  });
}

export function inLine({ queue, place }: Asked, found: Reason[]): void {
  if (place < 2) return;
  const others = place === 2 ? "1 other job is" : `${place - 1} other jobs are`;
  found.push({ code: ReasonCode.inLine, message: `${others} before it in queue ${queue.name}`, current: place - 1 });
}

/** Nothing was found that stands in its way. Comes last. */
export function ready({ queue, place }: Asked, found: Reason[]): void {
  if (place === 0 || found.some((reason) => reason.code !== ReasonCode.expires)) return;
  found.unshift({ code: ReasonCode.ready, message: `nothing stands in its way: the next fetch of queue ${queue.name} gets it` });
}
