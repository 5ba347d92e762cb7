import { Agent, request } from "node:http";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BulkRequestSchema, BulkResponseSchema } from "@corvo/gen/corvo/v1/bulk_pb.js";
import { ErrorDetailSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import type { Command, Outcome, Verb } from "../../packages/simulator/src/model/command.js";
import { decodeAnswer } from "../../packages/simulator/src/wire/answer.js";
import { actionName } from "../../packages/simulator/src/wire/bulk.js";
import { bodies } from "../../packages/simulator/src/wire/command.js";

/** Where each of the model's verbs is called. Ticks, leaderships and slots of schedules are the server's own. */
export const methods: Partial<Record<Verb, string>> = {
  enqueue: "WorkerService/Enqueue",
  enqueueBatch: "WorkerService/EnqueueBatch",
  createBatch: "BatchService/CreateBatch",
  sealBatch: "BatchService/SealBatch",
  fetch: "WorkerService/Fetch",
  fetchBatch: "WorkerService/FetchBatch",
  ack: "WorkerService/Ack",
  ackBatch: "WorkerService/AckBatch",
  fail: "WorkerService/Fail",
  step: "WorkerService/Step",
  release: "WorkerService/Release",
  heartbeat: "WorkerService/Heartbeat",
  lifecycle: "WorkerService/StreamLifecycle",
  retry: "JobService/RetryJob",
  requeue: "JobService/RequeueJob",
  changePriority: "JobService/ChangeJobPriority",
  cancel: "JobService/CancelJob",
  hold: "JobService/HoldJob",
  approve: "JobService/ApproveJob",
  reject: "JobService/RejectJob",
  revise: "JobService/RejectJob",
  replay: "AgentService/ReplayJob",
  setPolicy: "AgentService/SetApprovalPolicy",
  setBudget: "BudgetService/SetBudget",
  deleteBudget: "BudgetService/DeleteBudget",
  delete: "JobService/DeleteJob",
  move: "JobService/MoveJob",
  pauseQueue: "QueueService/PauseQueue",
  resumeQueue: "QueueService/ResumeQueue",
  drainQueue: "QueueService/DrainQueue",
  clearQueue: "QueueService/ClearQueue",
  destroyQueue: "QueueService/DestroyQueue",
  setConcurrency: "QueueService/SetConcurrency",
  setThrottle: "QueueService/SetThrottle",
  setDepthLimit: "QueueService/SetDepthLimit",
  removeThrottle: "QueueService/RemoveThrottle",
  putSchedule: "ScheduleService/PutSchedule",
  deleteSchedule: "ScheduleService/DeleteSchedule",
  pauseSchedule: "ScheduleService/PauseSchedule",
  resumeSchedule: "ScheduleService/ResumeSchedule",
  runSchedule: "ScheduleService/RunSchedule",
  bulk: "BulkService/Bulk",
  bulkStart: "BulkService/Bulk",
  cancelBulkTask: "BulkService/CancelBulkTask",
};

/**
 * What came of a call; `nothing`: its deadline passed, as that of a fetch that finds nothing does. `counts`: of a bulk action that was done
 * at once, how many jobs came to what.
 */
export type Answer = { outcome: Outcome } | { nothing: true } | { counts: Record<string, number> };

/** Calls a live server as any Connect client does: binary messages over HTTP/1.1. */
export class Caller {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 4 });
  constructor(private readonly port: number) {}

  async call(command: Command, deadlineMs: number): Promise<Answer> {
    const { status, bytes } = await this.post(`corvo.v1.${methods[command.verb]}`, bodyOf(command), deadlineMs);
    if (status === 200 && (command.verb === "bulk" || command.verb === "bulkStart")) return bulkAnswer(command.verb, bytes);
    if (status === 200) return { outcome: decodeAnswer(command.verb, bytes) };
    const { code, message, details } = JSON.parse(Buffer.from(bytes).toString()) as { code: string; message?: string; details?: { value: string }[] };
    if (code === "deadline_exceeded" || code === "canceled") return { nothing: true };
    const reason = details?.[0] ? fromBinary(ErrorDetailSchema, Buffer.from(details[0].value, "base64")).reason : "";
    return { outcome: { kind: "refused", code, reason, message } };
  }

  post(method: string, body: Uint8Array, deadlineMs = 10_000): Promise<{ status: number; bytes: Uint8Array }> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/proto", "connect-timeout-ms": String(deadlineMs), "content-length": body.length };
      const call = request({ agent: this.agent, host: "127.0.0.1", port: this.port, path: `/${method}`, method: "POST", headers }, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.once("error", reject);
        response.once("end", () => resolve({ status: response.statusCode ?? 0, bytes: Buffer.concat(parts) }));
      });
      call.once("error", reject);
      call.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

function bodyOf(command: Command): Uint8Array {
  const requestId = command.requestId?.id ?? "";
  if (command.verb === "tick") throw new Error("nobody can call for a tick");
  if (command.verb !== "bulk" && command.verb !== "bulkStart") return bodies[command.verb].encode(command, requestId);
  const jobIds = command.verb === "bulk" ? command.jobIds : command.blocks.flat();
  const wish = { action: actionName(command.action), jobIds, moveToQueue: command.queue, priority: command.priority, requestId };
  return toBinary(BulkRequestSchema, create(BulkRequestSchema, { ...wish, async: command.verb === "bulkStart" }));
}

function bulkAnswer(verb: "bulk" | "bulkStart", bytes: Uint8Array): Answer {
  const { affected, skipped, bulkOperationId, status, estimatedTotal, logIndex } = fromBinary(BulkResponseSchema, bytes);
  if (verb === "bulk")
    return { counts: { done: Number(affected), ...Object.fromEntries(Object.entries(skipped).map(([why, count]) => [why, Number(count)])) } };
  if (status !== "queued") throw new Error(`${bulkOperationId} of ${estimatedTotal} jobs has status ${status}`);
  return { outcome: { kind: "bulkStarted", id: bulkOperationId, logIndex: Number(logIndex) } };
}
