import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeLeadershipCommand, encodePurgeCommand, encodeScheduleSlotsCommand } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import { encodeCreateBatchRequest, encodeSealBatchRequest } from "@corvo/gen/corvo/v1/batch_fast.js";
import { encodeMoveJobRequest, encodeRetryJobRequest } from "@corvo/gen/corvo/v1/job_fast.js";
import { encodePauseQueueRequest, encodeSetConcurrencyRequest, encodeSetThrottleRequest } from "@corvo/gen/corvo/v1/queue_fast.js";
import { encodePauseScheduleRequest, encodePutScheduleRequest } from "@corvo/gen/corvo/v1/schedule_fast.js";
import {
  type EnqueueRequestInit,
  encodeAckBatchRequest,
  encodeAckRequest,
  encodeEnqueueBatchRequest,
  encodeEnqueueRequest,
  encodeFailRequest,
  encodeFetchBatchRequest,
  encodeFetchRequest,
  encodeHeartbeatRequest,
  encodeLifecycleStreamRequest,
  encodeReleaseRequest,
  encodeStepRequest,
} from "@corvo/gen/corvo/v1/worker_fast.js";
import { commandFlags, formatJobId, Verb } from "@corvo/protocol";
import type { AskingSchedule, Engine } from "../src/index.js";
import type { CommandGiven } from "./kit.js";

/** A small generator of random numbers (mulberry32). */
export class Dice {
  constructor(private seed: number) {}
  /** 0 up to, not including, `n`. */
  below(n: number): number {
    this.seed = (this.seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.seed ^ (this.seed >>> 15), 1 | this.seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  }
  one<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

const queues = ["a", "b", "c", "d"];
const keys = ["k1", "k2", "k3"];
const workers = ["w1", "w2", ""];

/** Makes random commands that a client could send, about jobs that mostly exist. */
export class Commands {
  /** Jobs that were created, with their creation times. */
  readonly jobs: { createdMs: number; seq: number }[] = [];
  /** Sequences of jobs that were leased, and that ended, lately. */
  private leased: number[] = [];
  private ended: number[] = [];
  /** Open batches. */
  private batches: string[] = [];
  private eventsSeen = 0;
  private ids = 0;
  private lastFence = 0;
  private asking: AskingSchedule[] = [];
  private nowMs = 0;

  constructor(
    readonly dice: Dice,
    /** Texts are up to this long. */
    private readonly textBytes = 60,
  ) {}

  /** Looks at what became of the last commands. */
  learn(engine: Engine, nowMs: number): void {
    for (let seq = this.jobs.length + 1; seq <= engine.lastSeq; seq++) this.jobs.push({ createdMs: nowMs, seq });
    this.lastFence = engine.lastFence;
    // The wishes of before are told, too: nobody must listen to them.
    if (this.dice.chance(90)) this.asking = engine.askingSchedules(10, new Set());
    this.nowMs = nowMs;
    for (const event of engine.eventsSince(this.eventsSeen, 1000)) {
      if (event.type === "started") this.leased.push(event.jobSeq);
      if (["completed", "failed", "cancelled", "rejected", "expired"].includes(event.type)) this.ended.push(event.jobSeq);
    }
    this.eventsSeen = engine.lastEventSeq;
    this.batches = engine.batches(0, 5, "open").map(({ id }) => id);
    this.leased = this.leased.slice(-15);
    this.ended = this.ended.slice(-30);
  }

  any(): CommandGiven {
    const { dice } = this;
    if (dice.chance(8)) return this.schedule();
    const n = dice.below(100);
    if (n < 18) return this.write(Verb.ENQUEUE, (w, requestId) => encodeEnqueueRequest(w, { ...this.request(), requestId }));
    if (n < 24) {
      const batch = dice.chance(30)
        ? { callbackQueue: dice.chance(80) ? dice.one(queues) : "", callbackPayloadJson: dice.chance(50) ? this.text() : "" }
        : undefined;
      return this.write(Verb.ENQUEUE_BATCH, (w, requestId) => encodeEnqueueBatchRequest(w, { jobs: this.some(4, () => this.request()), batch, requestId }));
    }
    if (n < 25 && dice.chance(50)) {
      if (dice.chance(40)) return this.write(Verb.CREATE_BATCH, (w, requestId) => encodeCreateBatchRequest(w, { callbackQueue: dice.one(queues), requestId }));
      return this.write(Verb.SEAL_BATCH, (w, requestId) => encodeSealBatchRequest(w, { batchId: this.batch(), requestId }));
    }
    if (n < 34) return this.write(Verb.FETCH, (w, requestId) => encodeFetchRequest(w, { ...this.fetcher(), requestId }));
    if (n < 40) return this.write(Verb.FETCH_BATCH, (w, requestId) => encodeFetchBatchRequest(w, { ...this.fetcher(), count: dice.below(5), requestId }));
    if (n < 48) {
      return this.write(Verb.ACK, (w, requestId) =>
        encodeAckRequest(w, {
          ...this.ackItem(),
          checkpointJson: dice.chance(20) ? this.text() : "",
          agentStatus: dice.chance(5) ? "continue" : "",
          stepStatus: dice.chance(8) ? dice.one(["exit", "continue", "nonsense"]) : "",
          requestId,
        }),
      );
    }
    if (n < 51) return this.write(Verb.ACK_BATCH, (w, requestId) => encodeAckBatchRequest(w, { items: this.some(4, () => this.ackItem()), requestId }));
    if (n < 54 && dice.chance(60)) {
      return this.write(Verb.STEP, (w, requestId) =>
        encodeStepRequest(w, {
          ...this.ackItem(),
          checkpointJson: dice.chance(20) ? this.text() : "",
          agentStatus: dice.chance(10) ? dice.one(["continue", "hold", "done", "x"]) : "",
          keep: dice.chance(30),
          usage: dice.chance(30) ? { costUsd: dice.below(10), model: "m" } : undefined,
          jobs: this.some(3, () => ({ ...this.request(), dependsOn: undefined })),
          requestId,
        }),
      );
    }
    if (n < 54) {
      return this.write(Verb.RELEASE, (w, requestId) =>
        encodeReleaseRequest(w, { jobId: this.leasedJob(), checkpointJson: dice.chance(30) ? this.text() : "", fence: this.fence(), requestId }),
      );
    }
    if (n < 58) {
      return this.write(Verb.FAIL, (w, requestId) =>
        encodeFailRequest(w, { jobId: this.leasedJob(), error: this.text(), backtrace: this.text(), fence: this.fence(), requestId }),
      );
    }
    if (n < 62) {
      const jobs = Object.fromEntries(
        this.some(
          3,
          () =>
            [
              this.leasedJob(),
              { fence: this.fence(), progressJson: dice.chance(50) ? this.text() : "", checkpointJson: dice.chance(50) ? this.text() : "" },
            ] as const,
        ),
      );
      return this.write(Verb.HEARTBEAT, (w) => encodeHeartbeatRequest(w, { jobs }), false);
    }
    if (n < 74) {
      return this.write(Verb.LIFECYCLE, (w, retryId) =>
        encodeLifecycleStreamRequest(w, {
          ...this.fetcher(),
          retryId,
          requestId: dice.below(1000),
          fetchCount: dice.below(6),
          acks: this.some(5, () => this.ackItem()),
          enqueues: this.some(5, () => this.request()),
        }),
      );
    }
    if (n < 86) {
      const verb = dice.one([Verb.RETRY, Verb.RETRY, Verb.REQUEUE, Verb.CANCEL, Verb.HOLD, Verb.APPROVE, Verb.REJECT, Verb.DELETE]);
      return this.write(verb, (w, requestId) => encodeRetryJobRequest(w, { jobId: this.anyJob(), requestId }));
    }
    if (n < 89) return this.write(Verb.MOVE, (w, requestId) => encodeMoveJobRequest(w, { jobId: this.anyJob(), queue: dice.one(queues), requestId }));
    if (n < 93) {
      const rare = dice.chance(20) ? [Verb.CLEAR_QUEUE, Verb.DESTROY_QUEUE] : [Verb.PAUSE_QUEUE, Verb.RESUME_QUEUE, Verb.RESUME_QUEUE, Verb.DRAIN_QUEUE];
      const verb = dice.one(dice.chance(20) ? [Verb.REMOVE_THROTTLE] : rare);
      return this.write(verb, (w, requestId) => encodePauseQueueRequest(w, { name: dice.one(queues), requestId }));
    }
    if (n < 94)
      return this.write(dice.chance(40) ? Verb.SET_DEPTH_LIMIT : Verb.SET_CONCURRENCY, (w, requestId) =>
        encodeSetConcurrencyRequest(w, { name: dice.one(queues), max: dice.below(9) - 1, requestId }),
      );
    if (n < 95) {
      return this.write(Verb.SET_THROTTLE, (w, requestId) =>
        encodeSetThrottleRequest(w, { name: dice.one(queues), rate: 5 + dice.below(20), windowMs: dice.below(20_000), requestId }),
      );
    }
    if (n < 99) return { verb: Verb.TICK };
    return dice.chance(50)
      ? this.write(Verb.LEADERSHIP, (w) => encodeLeadershipCommand(w, { pauseMs: dice.below(20_000) }), false)
      : this.write(Verb.PURGE, (w) => encodePurgeCommand(w, { endedBeforeMs: 1_000_000 + dice.below(2_000_000) }), false);
  }

  /** Something about schedules: put, steered, or told their slots, sometimes wrong ones. */
  private schedule(): CommandGiven {
    const { dice } = this;
    const name = dice.one(["s1", "s2", "s3", "ü"]);
    const n = dice.below(10);
    if (n < 3) {
      return this.write(Verb.PUT_SCHEDULE, (w, requestId) =>
        encodePutScheduleRequest(w, {
          name: dice.chance(3) ? "" : name,
          cron: dice.one(["@every 1s", "@every 5s", "@every 90s", "* * * * *", "* * * * *", "0 0 31 2 *", "@every x"]),
          job: { ...this.request(), scheduledAt: undefined, requestId: undefined, maxRetries: dice.below(3) },
          overlap: dice.below(5),
          catchUp: dice.below(4),
          jitter: dice.chance(30) ? dice.one(["3s", "100ms", "junk"]) : "",
          paused: dice.chance(10),
          requestId,
        }),
      );
    }
    if (n < 6) {
      const verb = dice.one([Verb.PAUSE_SCHEDULE, Verb.RESUME_SCHEDULE, Verb.RESUME_SCHEDULE, Verb.RUN_SCHEDULE, Verb.RUN_SCHEDULE, Verb.DELETE_SCHEDULE]);
      return this.write(verb, (w, requestId) => encodePauseScheduleRequest(w, { name, requestId }));
    }
    const slots = this.asking.map(({ serial, revision, afterMs, late }) => {
      const untilMs = late ? Math.max(this.nowMs - dice.below(50), afterMs) : dice.chance(5) ? this.nowMs + 100_000 : afterMs;
      const past = late ? Array.from({ length: 1 + dice.below(5) }, (_, i) => ({ atMs: afterMs + 1 + i * dice.below(20_000) })) : [];
      const nextMs = dice.chance(5) ? 0 : untilMs + 1 + dice.below(3000);
      return {
        serial,
        revision: revision + (dice.chance(5) ? 1 : 0),
        afterMs: afterMs - (dice.chance(5) ? 1 : 0),
        past,
        pastTotal: past.length + dice.below(3),
        untilMs,
        nextMs,
      };
    });
    return this.write(Verb.SCHEDULE_SLOTS, (w) => encodeScheduleSlotsCommand(w, { slots }), false);
  }

  private write(verb: Verb, write: (w: Writer, requestId: string | undefined) => void, ids = true): CommandGiven {
    const { dice } = this;
    const w = new Writer();
    const requestId = ids && dice.chance(15) ? `r${dice.chance(50) ? dice.below(20) : ++this.ids}` : undefined;
    write(w, requestId);
    const body = w.copy();
    return { verb, body, flags: dice.chance(10) ? commandFlags.absentResult : 0, hash: requestId === undefined ? undefined : digest(body) };
  }

  private request(): EnqueueRequestInit {
    const { dice } = this;
    const rare = <T>(percent: number, value: () => T): T | undefined => (dice.chance(percent) ? value() : undefined);
    return {
      queue: dice.chance(1) ? "" : dice.one(queues),
      payloadJson: rare(80, () => this.text()),
      priority: rare(30, () => dice.one(["critical", "high", "low"])),
      uniqueKey: rare(15, () => dice.one(keys)),
      uniquePeriod: rare(10, () => dice.below(30)),
      maxRetries: rare(50, () => dice.below(5) - 1),
      retryBackoff: rare(30, () => dice.one(["none", "fixed", "linear", "other"])),
      retryBaseDelay: rare(30, () => dice.one(["1s", "0s", "250ms", "nonsense", "-3s"])),
      retryMaxDelayMs: rare(10, () => dice.below(9000)),
      scheduledAt: rare(10, () => ({ seconds: 900 + dice.below(1500), nanos: dice.below(1_000_000_000) })),
      expireAfter: rare(10, () => dice.one(["5s", "0s", "1m", "x"])),
      expireAfterMs: rare(5, () => dice.below(20_000)),
      tagsJson: rare(20, () => this.text()),
      requestId: rare(5, () => `i${dice.below(10)}`),
      checkpointJson: rare(10, () => this.text()),
      parentId: rare(5, () => this.job()),
      batchId: rare(5, () => this.batch()),
      dependsOn: rare(12, () => this.some(3, () => this.anyJob())),
      chain: rare(6, () => ({
        steps: this.some(3, () => ({ queue: dice.one(queues), payloadJson: rare(50, () => this.text()) })),
        onFailure: rare(50, () => ({ queue: dice.one(queues) })),
        onExit: rare(50, () => ({ queue: dice.one(queues) })),
      })),
      chainId: rare(2, () => dice.one(["raw1", "raw2"])),
      chainStep: rare(2, () => dice.below(4) - 2),
      agent: rare(5, () => ({ maxIterations: dice.below(5) - 1, maxCostUsd: 1.5, iterationTimeout: "5s" })),
    };
  }

  private fetcher() {
    const { dice } = this;
    return {
      queues: this.some(3, () => dice.one([...queues, "unknown"])),
      workerId: dice.one(workers),
      hostname: dice.one(["h1", ""]),
      leaseDuration: dice.below(30) - 2,
    };
  }

  private ackItem() {
    const { dice } = this;
    return { jobId: this.leasedJob(), resultJson: dice.chance(50) ? this.text() : "", fence: this.fence() };
  }

  /** The id of a batch, mostly an open one. */
  private batch(): string {
    return this.batches.length === 0 || this.dice.chance(3) ? "batch_none" : this.dice.one(this.batches);
  }

  /** The id of a job, mostly a young one. */
  private job(): string {
    const { dice, jobs } = this;
    if (jobs.length === 0 || dice.chance(2)) return dice.one(["", "no-job", formatJobId(1_000_000, 77_777)]);
    const back = dice.chance(80) ? dice.below(Math.min(jobs.length, 25)) : dice.below(jobs.length);
    const { createdMs, seq } = jobs[jobs.length - 1 - back];
    return formatJobId(dice.chance(1) ? createdMs + 1 : createdMs, seq);
  }

  private leasedJob(): string {
    return this.dice.chance(85) && this.leased.length > 0 ? this.idOf(this.dice.one(this.leased)) : this.job();
  }

  private anyJob(): string {
    return this.dice.chance(40) && this.ended.length > 0 ? this.idOf(this.dice.one(this.ended)) : this.dice.chance(50) ? this.leasedJob() : this.job();
  }

  private idOf(seq: number): string {
    return formatJobId(this.jobs[seq - 1].createdMs, seq);
  }

  private fence(): number {
    const { dice } = this;
    return dice.chance(70) ? 0 : Math.max(0, this.lastFence - dice.below(10));
  }

  private text(): string {
    return `{"t":"${"x".repeat(this.dice.below(this.textBytes))}"}`;
  }

  private some<T>(max: number, make: () => T): T[] {
    return Array.from({ length: this.dice.below(max + 1) }, make);
  }
}

function digest(bytes: Uint8Array): Uint8Array {
  const hash = new Uint8Array(16);
  for (let i = 0; i < bytes.length; i++) hash[i % 16] = (hash[i % 16] * 31 + bytes[i]) & 255;
  return hash;
}
