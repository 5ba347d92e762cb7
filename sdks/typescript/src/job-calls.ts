import type { GetClusterStatusResponse } from "@corvo/gen/corvo/v1/cluster_pb.js";
import type { CallOptions, ChangeOptions } from "./client-options.js";
import { CorvoError } from "./errors.js";
import { type Explanation, explanation } from "./explain.js";
import { jsonText } from "./requests.js";
import { JobInfo, type QueueInfo, queueInfo, type WorkerInfo, type WorkerOrder, workerInfo } from "./views.js";
import { WorkCalls } from "./work-calls.js";

/** What people do: look at jobs, queues and workers, and steer them. */
export class JobCalls extends WorkCalls {
  /** Everything about a job. Rejects with reason `NOT_FOUND` when there is none. */
  async job(id: string, options: CallOptions = {}): Promise<JobInfo> {
    const { job } = await this.repeat(options, (o) => this.rpc.jobs.getJob({ jobId: id }, o));
    if (!job) throw new CorvoError(`job "${id}" not found`, { code: "not_found", reason: "NOT_FOUND" });
    return new JobInfo(job);
  }

  /** Why a job is not running, its exact place in line, and an estimate of when it starts. */
  async explain(id: string, options: CallOptions = {}): Promise<Explanation> {
    return explanation(await this.repeat(options, (o) => this.rpc.explain.explainJob({ jobId: id }, o)));
  }
  /** Several jobs in the order of the ids, unknown ones left out; at most 1,000. */
  async jobs(ids: readonly string[], options: CallOptions = {}): Promise<JobInfo[]> {
    if (ids.length === 0) return [];
    return (await this.repeat(options, (o) => this.rpc.jobs.bulkGetJobs({ jobIds: [...ids] }, o))).jobs.map((job) => new JobInfo(job));
  }
  /** Runs a dead, cancelled, completed or scheduled job (again), with all its attempts. */
  async retry(id: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.jobs.retryJob({ jobId: id, requestId }, o));
  }
  /** `cancelling`: it was active; its worker learns of it by its next heartbeat. */
  async cancel(id: string, options: ChangeOptions = {}): Promise<"cancelled" | "cancelling"> {
    return (await this.change(options, (o, requestId) => this.rpc.jobs.cancelJob({ jobId: id, requestId }, o))).status as "cancelled" | "cancelling";
  }
  /** Keeps a job from running until it is approved or rejected. */
  async hold(id: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.jobs.holdJob({ jobId: id, requestId }, o));
  }
  /** Lets a held job run. */
  async approve(id: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.jobs.approveJob({ jobId: id, requestId }, o));
  }
  /** Ends a held job as dead. */
  async reject(id: string, options: ChangeOptions & { note?: string } = {}): Promise<void> {
    const { note = "" } = options;
    await this.change(options, (o, requestId) => this.rpc.jobs.rejectJob({ jobId: id, note, requestId }, o));
  }
  /** Sends a held job back to its queue with another payload, another checkpoint or a note for its worker. Its attempts start anew. */
  async revise(id: string, revision: { payload?: unknown; checkpoint?: unknown; note?: string }, options: ChangeOptions = {}): Promise<void> {
    const { note = "" } = revision;
    const texts = { payloadJson: jsonText(revision.payload, "payload"), checkpointJson: jsonText(revision.checkpoint, "checkpoint") };
    await this.change(options, (o, requestId) => this.rpc.jobs.rejectJob({ jobId: id, revise: true, ...texts, note, requestId }, o));
  }
  /** To the tail of another queue. */
  async move(id: string, queue: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.jobs.moveJob({ jobId: id, queue, requestId }, o));
  }
  async delete(id: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.jobs.deleteJob({ jobId: id, requestId }, o));
  }

  /** All queues, sorted by name. */
  async queues(options: CallOptions = {}): Promise<QueueInfo[]> {
    return (await this.repeat(options, (o) => this.rpc.queues.listQueues({}, o))).queues.map(queueInfo);
  }
  /** Hands out no more jobs of a queue; adding and finishing go on. */
  async pauseQueue(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.queues.pauseQueue({ name, requestId }, o));
  }
  async resumeQueue(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.queues.resumeQueue({ name, requestId }, o));
  }
  /** Like pause, under the name for shutting a queue down. */
  async drainQueue(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.queues.drainQueue({ name, requestId }, o));
  }
  /** Deletes the pending and scheduled jobs. */
  async clearQueue(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.queues.clearQueue({ name, requestId }, o));
  }
  /** Deletes the queue and every job in it. */
  async destroyQueue(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.queues.destroyQueue({ name, requestId }, o));
  }
  /** Caps the active jobs of a queue over all workers. 0: no cap. */
  async setConcurrency(name: string, max: number, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.queues.setConcurrency({ name, max, requestId }, o));
  }
  /** Caps the jobs of a queue that wait; beyond it new ones are refused with reason `QUEUE_FULL`. 0: no cap. */
  async setDepthLimit(name: string, max: number, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.queues.setDepthLimit({ name, max, requestId }, o));
  }
  /** Fetches at most `rate` per window; undefined removes the cap. */
  async setThrottle(name: string, throttle: { rate: number; windowMs: number } | undefined, options: ChangeOptions = {}): Promise<void> {
    if (throttle) await this.change(options, (o, requestId) => this.rpc.queues.setThrottle({ name, ...throttle, requestId }, o));
    else await this.change(options, (o, requestId) => this.rpc.queues.removeThrottle({ name, requestId }, o));
  }

  /** Workers that have fetched a job, the one seen last first. */
  async workers(options: CallOptions = {}): Promise<WorkerInfo[]> {
    return (await this.repeat(options, (o) => this.rpc.cluster.listWorkers({}, o))).workers.map(workerInfo);
  }
  /** Tells a worker to be quiet or to stop; empty: takes it back. From then on it is granted nothing. Rejects with `NOT_FOUND` when it is not listed. */
  async orderWorker(id: string, order: WorkerOrder, options: ChangeOptions = {}): Promise<void> {
    const { cluster } = this.rpc;
    await this.change<unknown>(options, (o, requestId) => {
      if (order === "quiet") return cluster.quietWorker({ id, requestId }, o);
      return order === "stop" ? cluster.stopWorker({ id, requestId }, o) : cluster.resumeWorker({ id, requestId }, o);
    });
  }
  /** Consensus, log and limits of the asked node, as the wire has it. */
  async status(options: CallOptions = {}): Promise<GetClusterStatusResponse> {
    return this.repeat(options, (o) => this.rpc.cluster.getClusterStatus({}, o));
  }
  async serverInfo(options: CallOptions = {}): Promise<{ serverVersion: string; apiVersion: string }> {
    const { serverVersion, apiVersion } = await this.repeat(options, (o) => this.rpc.worker.getServerInfo({}, o));
    return { serverVersion, apiVersion };
  }
}
