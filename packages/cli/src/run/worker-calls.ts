import { randomUUID } from "node:crypto";
import { type Answer, segment } from "../client.js";
import { exitCodes, Failure, ServerRefusal } from "../failure.js";
import { elements, encodeObject, members, RawJson } from "../json.js";
import type { Session } from "../session.js";
import type { RunningJob, RunPlan } from "./plan.js";

const backoffMs = { first: 200, longest: 5_000 };
/** After the end is asked for, a fetch that is on its way may still come back: what it brings is given back, not left to its lease. */
const lastAnswerMs = 250;
/** Refusals that another try may not meet. */
const passing = new Set(["RATE_LIMITED", "OVERLOADED", "MEMORY_FULL", "DISK_FULL"]);

/** A fetch that was not answered, as it was sent. */
interface Ask {
  body: string;
  requestId: string;
  sentMs: number;
}

/** What `corvo run` says to the server about jobs. */
export class WorkerCalls {
  private unanswered: Ask | undefined;

  constructor(
    private readonly session: Session,
    private readonly plan: RunPlan,
    /** Aborted when nothing more is to be fetched. */
    private readonly stop: AbortSignal,
  ) {}

  /**
   * Jobs as JSON texts; none when the end was asked for. A fetch whose answer was lost is sent again as it was: what it was granted comes
   * again, unless that is longer ago than a lease.
   */
  async fetch(count: number): Promise<string[]> {
    const { plan, session } = this;
    const nowMs = session.io.nowMs();
    if (this.unanswered && nowMs - this.unanswered.sentMs > plan.leaseSeconds * 1000) this.unanswered = undefined;
    const { queues, workerId, hostname, leaseSeconds } = plan;
    this.unanswered ??= {
      body: encodeObject({ queues, worker_id: workerId, hostname, timeout: leaseSeconds, count }),
      requestId: randomUUID(),
      sentMs: nowMs,
    };
    const { body, requestId } = this.unanswered;
    const giveUp = new AbortController();
    const soon = (): void => void setTimeout(() => giveUp.abort(), lastAnswerMs);
    this.stop.addEventListener("abort", soon);
    try {
      const serverWaitMs = Math.min(60, leaseSeconds) * 1000;
      const answer = await session.client.call("POST", "/api/v1/fetch/batch", { body, requestId, serverWaitMs, signal: giveUp.signal });
      this.unanswered = undefined;
      return elements(members(answer.text)?.get("jobs") ?? "[]") ?? [];
    } catch (error) {
      if (giveUp.signal.aborted) return [];
      throw error;
    } finally {
      this.stop.removeEventListener("abort", soon);
    }
  }

  ack(job: RunningJob, result: RawJson | undefined): Promise<Answer> {
    return this.untilAnswered(job, `/api/v1/ack/${segment(job.id)}`, { result });
  }

  /** Resolves with the job's state. */
  async fail(job: RunningJob, error: string, backtrace: string): Promise<string> {
    const answer = await this.untilAnswered(job, `/api/v1/fail/${segment(job.id)}`, { error, backtrace });
    return (JSON.parse(answer.text) as { status?: string }).status ?? "failed";
  }

  /** Never rejects: when the server cannot be told, the lease ends by itself. */
  async giveBack(id: string, fence: string): Promise<void> {
    try {
      await this.session.client.call("POST", `/api/v1/release/${segment(id)}`, { body: encodeObject({ fence: new RawJson(fence) }) });
      this.session.note(`job ${id} given back`);
    } catch (error) {
      this.session.note(`job ${id} could not be given back, its lease ends by itself: ${(error as Error).message}`);
    }
  }

  /** Tries until the server has answered or the job is lost: under one request id it happens once. */
  private async untilAnswered(job: RunningJob, path: string, words: Record<string, unknown>): Promise<Answer> {
    const requestId = randomUUID();
    const body = encodeObject({ fence: new RawJson(job.fence), ...words });
    for (let failures = 0; ; failures++) {
      try {
        return await this.session.client.call("POST", path, { body, requestId });
      } catch (error) {
        if (!worthAnotherTry(error) || job.lost || job.givenUp) throw error;
        await this.session.io.sleep(retryMs(failures));
      }
    }
  }
}

export function worthAnotherTry(error: unknown): error is Failure {
  if (!(error instanceof Failure)) return false;
  return error.exitCode === exitCodes.unreachable || (error instanceof ServerRefusal && passing.has(error.code));
}

/** After so many failures before. */
export function retryMs(failures: number): number {
  return Math.min(backoffMs.longest, backoffMs.first * 2 ** failures);
}
