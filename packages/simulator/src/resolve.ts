import { toldSlots } from "./calendar.js";
import { atTheDoor } from "./door.js";
import { type BulkTask, nextBlock, serialOfTask } from "./model/bulk.js";
import type { Command, NewJob, RequestId } from "./model/command.js";
import type { Model } from "./model/model.js";
import { contentOf } from "./wire/job.js";
import type { AckWish, BatchWish, FenceWish, JobToAdd, JobWish, TaskWish, Wish } from "./wish.js";

/** What a wish is resolved against. */
export interface Past {
  model: Model;
  nowMs: number;
  /** Ids of all jobs that ever were, in the order of creation. */
  seen: readonly string[];
  /** Commands that had a request id. */
  sent: readonly Command[];
}

/** A job that never was. */
export const missingJobId = "job_000000000000000000000000ff";

/** The same sequence, created a millisecond later. */
function forged(id: string): string {
  return `job_${(BigInt(`0x${id.slice(4, 20)}`) + 1_000_000n).toString(16).padStart(16, "0")}${id.slice(20)}`;
}

/** The command that a wish means at this moment, as it is behind the `door`. */
export function resolve(wish: Wish, past: Past, door = atTheDoor): Command {
  if (wish.do === "again") return past.sent.at(-1 - (wish.n % Math.max(1, past.sent.length))) ?? { verb: "tick" };
  const command = door(bareCommand(wish, past), wish.namespace ?? "", past.model);
  return wish.requestId ? { ...command, requestId: requestIdOf(wish.requestId, command) } : command;
}

/** The digest covers the verb and everything that is asked for, as the hash of the request's bytes does. */
function requestIdOf(id: string, command: Command): RequestId {
  return { id, hash: JSON.stringify(command) };
}

function bareCommand(wish: Exclude<Wish, { do: "again" }>, { model, nowMs, seen }: Past): Command {
  const idOf = (job: JobWish): string => {
    if (job.among === "nameless") return "";
    if (job.among === "missing") return missingJobId;
    if (job.among === "forged") return forged(seen[job.n % seen.length] ?? missingJobId);
    const ids =
      job.among === "any"
        ? seen
        : job.among === "agent"
          ? seen.filter((id) => model.state.jobs.get(id)?.agent)
          : seen.filter((id) => model.state.jobs.get(id)?.state === job.among);
    return ids[job.n % ids.length] ?? seen[job.n % seen.length] ?? missingJobId;
  };
  const fenceOf = (jobId: string, wished: FenceWish): number => {
    const fence = model.state.jobs.get(jobId)?.fence ?? 0;
    return { none: 0, right: fence, older: Math.max(1, fence - 1), newer: fence + 1 }[wished];
  };
  const batchOf = ({ among, n }: BatchWish): string => {
    const ids = [...model.state.batches.values()].filter((batch) => among === "any" || !batch.sealed).map(({ id }) => id);
    return among === "missing" ? "batch_00000000000000000000000000" : (ids[n % ids.length] ?? "");
  };
  const jobOf = ({ joins, after, childOf, ...rest }: JobToAdd): NewJob => {
    const job: NewJob = { ...rest, requestId: undefined };
    if (joins) job.batchId = batchOf(joins);
    if (childOf) job.parentId = idOf(childOf);
    if (after) job.dependsOn = [...new Set(after.map(idOf))];
    return rest.requestId ? { ...job, requestId: { id: rest.requestId.id, hash: contentOf(job) } } : job;
  };
  const ackOf = (item: AckWish) => {
    const jobId = idOf(item.job);
    const { result, checkpoint, agentStatus, holdReason, usage, stepStatus } = item;
    return { jobId, result, checkpoint, agentStatus, holdReason, usage, stepStatus, fence: fenceOf(jobId, item.fence) };
  };
  switch (wish.do) {
    case "enqueue": {
      const scheduledAtMs = wish.scheduledInMs === undefined ? undefined : nowMs + wish.scheduledInMs;
      return { verb: "enqueue", job: { ...jobOf(wish.job), scheduledAtMs } };
    }
    case "enqueueBatch":
      return { verb: "enqueueBatch", jobs: wish.jobs.map(jobOf), batch: wish.batch };
    case "createBatch":
      return { verb: "createBatch", callbackQueue: wish.callbackQueue, callbackPayload: wish.callbackPayload };
    case "sealBatch":
      return { verb: "sealBatch", batchId: batchOf(wish.of) };
    case "fetch":
      return { verb: "fetch", ...wish.from };
    case "fetchBatch":
      return { verb: "fetchBatch", count: wish.count, ...wish.from };
    case "ack":
      return { verb: "ack", ...ackOf(wish.item), keepAbsentResult: wish.keepAbsentResult };
    case "ackBatch":
      return { verb: "ackBatch", items: wish.items.map(ackOf), keepAbsentResult: wish.keepAbsentResult };
    case "fail": {
      const jobId = idOf(wish.job);
      return { verb: "fail", jobId, fence: fenceOf(jobId, wish.fence), error: wish.error, backtrace: wish.backtrace };
    }
    case "step": {
      const { keep, checkpoint, jobs, keepAbsentResult } = wish;
      const { jobId, fence, ...item } = ackOf(wish.item);
      return {
        verb: "step",
        jobId,
        fence,
        result: keep && (item.result?.length ?? 0) < 5 ? "" : item.result,
        keep,
        checkpoint,
        jobs: jobs.map(jobOf),
        keepAbsentResult,
      };
    }
    case "release": {
      const jobId = idOf(wish.job);
      return { verb: "release", jobId, fence: fenceOf(jobId, wish.fence), checkpoint: wish.checkpoint };
    }
    case "heartbeat":
      return {
        verb: "heartbeat",
        jobs: Object.fromEntries(
          wish.jobs.map(({ job, fence, progress, checkpoint, usage }) => {
            const jobId = idOf(job);
            return [jobId, { fence: fenceOf(jobId, fence), progress, checkpoint, usage }];
          }),
        ),
      };
    case "lifecycle":
      return {
        verb: "lifecycle",
        ...wish.from,
        fetchCount: wish.count,
        acks: wish.acks.map(ackOf),
        enqueues: wish.jobs.map(jobOf),
        correlation: wish.correlation,
      };
    case "jobVerb":
      return { verb: wish.verb, jobId: idOf(wish.job) };
    case "revise":
      return { verb: "revise", jobId: idOf(wish.job), payload: wish.payload, checkpoint: wish.checkpoint, note: wish.note };
    case "replay":
      return { verb: "replay", jobId: idOf(wish.job), from: wish.from };
    case "bulk": {
      const { action, queue, priority } = wish;
      return { verb: "bulk", action, jobIds: [...new Set(wish.jobs.map(idOf))], queue, priority };
    }
    case "bulkStart": {
      // Who chooses looks jobs up: those that are none are counted, and are not in the task.
      const ids = [...new Set(wish.jobs.map(idOf))].filter((id) => seen.includes(id)).sort();
      const blocks = Array.from({ length: Math.ceil(ids.length / wish.blockJobs) }, (_, i) => ids.slice(i * wish.blockJobs, (i + 1) * wish.blockJobs));
      return { verb: "bulkStart", action: wish.action, queue: wish.action === "move" ? wish.queue : "", priority: wish.priority, blocks };
    }
    case "bulkStep":
      return bulkStep(model, wish);
    case "cancelBulkTask":
      return { verb: "cancelBulkTask", id: taskOf(model, wish.of)?.id ?? "bulk_0_0" };
    case "changePriority":
      return { verb: "changePriority", jobId: idOf(wish.job), priority: wish.priority };
    case "move":
      return { verb: "move", jobId: idOf(wish.job), queue: wish.queue };
    case "queue":
      return wish.command;
    case "putSchedule":
      return { verb: "putSchedule", ...wish.put, job: { ...jobOf(wish.job), requestId: undefined } };
    case "slots":
      return { verb: "scheduleSlots", told: toldSlots(wish.how, model.asking(), nowMs) };
    case "tick":
      return { verb: "tick" };
    case "leadership":
      return { verb: "leadership", pauseMs: wish.pauseMs };
  }
}

function taskOf({ state }: Model, { among, n }: TaskWish): BulkTask | undefined {
  const tasks = state.bulkTasks.filter((task) => among === "any" || task.state === among);
  return tasks[n % tasks.length];
}

function bulkStep(model: Model, { of, how }: Extract<Wish, { do: "bulkStep" }>): Command {
  const task = taskOf(model, of);
  const next = task ? nextBlock(task) : 0;
  const block = how === "before" ? Math.max(0, next - 1) : how === "behind" ? next + 1 : next;
  const ids = task?.content.blocks[block];
  if (!task || !ids) return { verb: "tick" };
  const all = [...ids.keys()];
  const waiting = all.filter((place) => task.words[block][place] === "waiting");
  const places = how === "again" || how === "before" ? all : how === "part" ? waiting.slice(0, Math.ceil(waiting.length / 2)) : waiting;
  const { action, queue, priority } = task.content;
  return { verb: "bulk", action, jobIds: places.map((place) => ids[place]), queue, priority, of: { serial: serialOfTask(task.id), block, places } };
}
