import { built } from "../commands/version.js";
import { ServerRefusal } from "../failure.js";
import { encodeObject, RawJson } from "../json.js";
import type { Session } from "../session.js";
import type { RunningJob, RunPlan } from "./plan.js";

/** What an operator wants of this worker; empty: to work. */
export type WorkerOrder = "" | "quiet" | "stop";

export interface HeartbeatListener {
  /** What the server wants, with every answer. */
  ordered(order: WorkerOrder): void;
  /** A job is not this worker's any more. */
  lost(id: string, why: string): void;
}

interface BeatAnswer {
  jobs?: Record<string, { status: string; reason?: string }>;
  order?: string;
}

/** For the last one: a worker that stops must not wait for a server that does not answer. */
const leaveMs = 1_000;
/** What the server takes as a worker's queues. */
const queuesBytesMax = 4_096;
/** The namespace that the server puts before each of them, and a little. */
const namespaceBytesMax = 66;

/** Says at a third of the lease that this worker is there, and renews the leases of what it has in hand. */
export class Heartbeats {
  /** The server has answered one: it knows of this worker. */
  private heard = false;

  constructor(
    private readonly session: Session,
    private readonly plan: RunPlan,
    private readonly running: ReadonlyMap<string, RunningJob>,
    private readonly listener: HeartbeatListener,
  ) {}

  /** The first one. Rejects when the server cannot be reached; what it refuses here a fetch will tell better. */
  async first(): Promise<void> {
    try {
      await this.send();
    } catch (error) {
      if (!(error instanceof ServerRefusal)) throw error;
    }
  }

  async run(over: AbortSignal): Promise<void> {
    const everyMs = (this.plan.leaseSeconds * 1000) / 3;
    for (;;) {
      await this.session.io.sleep(everyMs, over);
      if (over.aborted) return;
      try {
        await this.send(AbortSignal.any([over, AbortSignal.timeout(everyMs)]));
      } catch (error) {
        // The next one comes before the lease ends.
        if (error instanceof ServerRefusal && this.running.size > 0) this.session.note(`heartbeat: ${error.message}`);
      }
    }
  }

  /** The last word, in vain where the server is away. */
  async leave(): Promise<void> {
    if (!this.heard) return;
    const body = encodeObject({ worker: { ...this.facts(), leaving: true } });
    await this.session.client.call("POST", "/api/v1/heartbeat", { body, signal: AbortSignal.timeout(leaveMs) }).catch(() => {});
  }

  private async send(signal?: AbortSignal): Promise<void> {
    const jobs = [...this.running.values()].filter((job) => !job.lost).map(({ id, fence }) => [id, { fence: new RawJson(fence) }]);
    const body = encodeObject({ jobs: Object.fromEntries(jobs), worker: this.facts() });
    const answer = JSON.parse((await this.session.client.call("POST", "/api/v1/heartbeat", { body, signal })).text) as BeatAnswer;
    this.heard = true;
    for (const [id, { status, reason }] of Object.entries(answer.jobs ?? {})) if (status === "cancel") this.listener.lost(id, reason ?? "cancelled");
    this.listener.ordered(answer.order === "quiet" || answer.order === "stop" ? answer.order : "");
  }

  /** Queues that are too long to be said are left out: a heartbeat must never be refused for them. */
  private facts(): Record<string, unknown> {
    const { workerId, hostname, concurrency, queues } = this.plan;
    const bytes = queues.reduce((sum, queue) => sum + Buffer.byteLength(queue) + namespaceBytesMax, 0);
    return {
      worker_id: workerId,
      hostname,
      sdk: "corvo-run",
      sdk_version: built.version,
      slots: concurrency,
      queues: bytes <= queuesBytesMax ? queues : [],
      capabilities: ["quiet", "stop"],
    };
  }
}
