import type { LifecycleStreamResponse } from "@corvo/gen/corvo/v1/worker_pb.js";
import { AckOutcome } from "@corvo/gen/corvo/v1/worker_pb.js";
import type { AckWords } from "./agent.js";
import { Bell } from "./bell.js";
import type { CorvoClient } from "./client.js";
import type { Delivery } from "./delivery.js";
import { CorvoError, toCorvoError } from "./errors.js";
import { FrameStream } from "./frames.js";
import { jitteredMs, pause } from "./retry.js";

/** Acknowledgements of one frame: what gathers at 20,000 a second while one frame is on its way, several times over. */
const itemsPerFrame = 2_000;
/** Result text of one frame in UTF-16 units; in UTF-8 at most three times as many bytes, below a message's 16 MiB. */
const frameTextMax = 4 * 1024 * 1024;
/** Jobs looked up at a time: their payloads come along. */
const lookUpJobs = 50;

function textLength({ resultJson, checkpointJson }: AckWords): number {
  return resultJson.length + checkpointJson.length;
}

interface PendingAck {
  delivery: Delivery;
  words: AckWords;
  /** It was sent before and no answer came. */
  sent: boolean;
}

export interface AckListener {
  acked(delivery: Delivery): void;
  /** `outcome`: NOT_FOUND, NOT_ACTIVE or STALE_FENCE: somebody else has the job or ended it. UNSPECIFIED: an old server, which does not say. */
  refused(delivery: Delivery, outcome: string): void;
  /** The result itself is not acceptable, for example too large. */
  invalid(delivery: Delivery, error: string): void;
  trouble(error: CorvoError, retryInMs: number): void;
}

/**
 * Tells the server what is finished, as much as there is at a time, over a stream of its own. When the answer got lost, the same
 * acknowledgements are sent again; their fences make it safe: none can count twice, or for a later attempt.
 */
export class AckSender {
  private readonly stream: FrameStream;
  private readonly bell = new Bell();
  private readonly stopped = new AbortController();
  private pending: PendingAck[] = [];

  constructor(
    private readonly client: CorvoClient,
    private readonly workerId: string,
    private readonly listener: AckListener,
  ) {
    this.stream = new FrameStream(client.rpc.worker);
  }

  add(delivery: Delivery, words: AckWords): void {
    if (textLength(words) > frameTextMax) return this.listener.invalid(delivery, `the result is too large: ${textLength(words)} characters`);
    this.pending.push({ delivery, words, sent: false });
    this.bell.ring();
  }

  /** Sends until `end`. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.stopped;
    for (let failures = 0; ; ) {
      if (this.pending.length === 0) await this.bell.wait(signal);
      if (signal.aborted) return;
      // What else finishes in this turn of the event loop goes along.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const batch = this.take();
      try {
        await this.exchange(batch);
        failures = 0;
      } catch (thrown) {
        if (signal.aborted) return;
        this.pending = [...batch, ...this.pending];
        const error = toCorvoError(thrown);
        const retryInMs = Math.max(error.retryAfterMs ?? 0, jitteredMs(failures++, this.client.backoff));
        this.listener.trouble(error, retryInMs);
        await pause(retryInMs, signal);
      }
    }
  }

  /** Breaks off; what is not acknowledged is left to its lease. */
  end(): void {
    this.stopped.abort();
    this.stream.end();
  }

  private take(): PendingAck[] {
    let count = 0;
    for (let length = 0; count < this.pending.length && count < itemsPerFrame; count++) {
      length += textLength(this.pending[count].words);
      if (count > 0 && length > frameTextMax) break;
    }
    return this.pending.splice(0, count);
  }

  /** Rejects when nothing of the batch is settled. */
  private async exchange(batch: PendingAck[]): Promise<void> {
    let answer: LifecycleStreamResponse;
    try {
      answer = await this.stream.exchange({
        workerId: this.workerId,
        acks: batch.map(({ delivery, words }) => ({ ...words, jobId: delivery.job.id, fence: delivery.job.fence })),
      });
    } catch (thrown) {
      for (const ack of batch) ack.sent = true;
      throw thrown;
    }
    if (answer.error !== "" && answer.outcomes.length === 0) throw new CorvoError(answer.error, { code: "resource_exhausted", reason: "OVERLOADED" });
    const unsettled: PendingAck[] = [];
    for (const [i, ack] of batch.entries()) {
      const outcome = answer.outcomes[i] ?? AckOutcome.UNSPECIFIED;
      if (outcome === AckOutcome.ACKED || outcome === AckOutcome.CONTINUED || outcome === AckOutcome.HELD) this.listener.acked(ack.delivery);
      else if (outcome === AckOutcome.REFUSED || outcome === AckOutcome.BUDGET_EXCEEDED) this.listener.invalid(ack.delivery, answer.error);
      else if (outcome === AckOutcome.NOT_ACTIVE && ack.sent) unsettled.push(ack);
      else this.listener.refused(ack.delivery, AckOutcome[outcome]);
    }
    for (let at = 0; at < unsettled.length; at += lookUpJobs) await this.lookUp(unsettled.slice(at, at + lookUpJobs));
  }

  /**
   * Sent twice and not active the second time: completed in this very attempt means that the first time counted. The attempt is counted at
   * fetch, so nobody else had the job since.
   */
  private async lookUp(acks: PendingAck[]): Promise<void> {
    const ids = acks.map(({ delivery }) => delivery.job.id);
    const jobs = await this.client.jobs(ids, { signal: this.stopped.signal }).catch(() => []);
    const found = new Map(jobs.map((job) => [job.id, job]));
    for (const { delivery } of acks) {
      const job = found.get(delivery.job.id);
      // An agent's iteration that counted shows by the next one, or by the job being held.
      const settled = job?.state === "completed" || job?.state === "held" || (job?.agent?.iteration ?? 0) > (delivery.job.agent?.iteration ?? 0);
      if (settled && job?.attempt === delivery.job.attempt) this.listener.acked(delivery);
      else this.listener.refused(delivery, "NOT_ACTIVE");
    }
  }
}
