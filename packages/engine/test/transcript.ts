import { fromBinary } from "@bufbuild/protobuf";
import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeLeadershipCommand, encodePurgeCommand } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import { encodeReplayJobRequest } from "@corvo/gen/corvo/v1/agent_fast.js";
import { encodeCreateBatchRequest, encodeSealBatchRequest } from "@corvo/gen/corvo/v1/batch_fast.js";
import { CreateBatchResponseSchema, SealBatchResponseSchema } from "@corvo/gen/corvo/v1/batch_pb.js";
import { encodeMoveJobRequest, encodeRejectJobRequest, encodeRetryJobRequest } from "@corvo/gen/corvo/v1/job_fast.js";
import { encodePauseQueueRequest, encodeSetConcurrencyRequest, encodeSetThrottleRequest } from "@corvo/gen/corvo/v1/queue_fast.js";
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
import * as pb from "@corvo/gen/corvo/v1/worker_pb.js";
import { commandFlags, parseJobId, Verb } from "@corvo/protocol";
import { type Answer, Bench, type CommandGiven } from "./kit.js";
import { authLine } from "./transcript-auth.js";
import { explainLine, webhookLine } from "./transcript-events.js";
import { moneyLine } from "./transcript-money.js";
import { scheduleLine } from "./transcript-schedules.js";
import { counts, epochMs, showEntity, showJob, showQueue } from "./transcript-show.js";
import { chainOf, fields, list, usageOf } from "./transcript-words.js";

const ackOutcomes = ["", "acked", "not_found", "not_active", "stale_fence", "refused", "continued", "held", "budget_exceeded"];
const enqueueOutcomes = ["", "pending", "scheduled", "duplicate", "refused"];

/**
 * Runs the left sides of a transcript and returns it with its right sides as they come out now.
 *
 * A line is `verb arguments -> outcome`. Jobs are called A, B, C … in the order of their creation; `no-job` names none. Times are
 * milliseconds from the transcript's start; `now=` moves the clock for this line and those that follow.
 */
export class Transcript {
  readonly bench = new Bench({}, epochMs);
  private readonly names = new Map<string, string>();
  private readonly ids = new Map<string, string>();
  /** Batches and chains by their names here. */
  private readonly entities = new Map<string, string>();
  private eventsSeen = 0;

  run(text: string): string {
    return text
      .split("\n")
      .map((line) => {
        if (line.trim() === "" || line.startsWith("#")) return line;
        const left = line.split(" -> ")[0].trimEnd();
        const outcome = this.line(left);
        this.bench.engine.checkInvariants();
        return `${left.padEnd(Math.min(70, Math.ceil((left.length + 1) / 10) * 10))} -> ${outcome}`;
      })
      .join("\n");
  }

  private line(left: string): string {
    const [verb, ...rest] = left.match(/(?:[^\s"]|"[^"]*")+/g)!.map((word) => word.replace(/^"(.*)"$/, "$1"));
    const args = new Map<string, string>();
    const words: string[] = [];
    for (const word of rest) {
      const at = word.search(/[=]/);
      if (at > 0 && /^[a-z_-]+$/.test(word.slice(0, at))) args.set(word.slice(0, at), word.slice(at + 1));
      else words.push(word);
    }
    const now = args.get("now");
    if (now !== undefined) this.bench.nowMs = epochMs + Number(now);
    return this.verb(verb, words, args);
  }

  private verb(verb: string, words: string[], args: Map<string, string>): string {
    const id = words[0] === undefined ? "" : (this.ids.get(words[0]) ?? words[0]);
    const requestId = args.get("request");
    const given = (v: Verb, write: (w: Writer) => void, flags = 0): Answer => {
      const w = new Writer();
      write(w);
      const command: CommandGiven = { verb: v, body: w.copy(), flags };
      if (requestId !== undefined) command.hash = new Uint8Array(16).fill([...w.copy()].reduce((sum, b) => (sum * 31 + b) & 255, 7));
      return this.bench.apply(command);
    };
    const told = (answer: Answer, say: (bytes: Uint8Array) => string): string => {
      if (answer.refusal === undefined) return say(answer.bytes!);
      const { code, reason, message, field } = answer.refusal;
      return `refused ${code} ${reason}: ${this.named(message)}${field === undefined ? "" : ` (${field})`}`;
    };
    const status = (bytes: Uint8Array): string => new TextDecoder().decode(bytes.subarray(2));
    const fetcher = {
      queues: list(args.get("queue")),
      workerId: args.get("worker"),
      hostname: args.get("host"),
      leaseDuration: Number(args.get("lease") ?? 0),
    };
    const fence = Number(args.get("fence") ?? 0);
    const ofJob = (v: Verb): string =>
      told(
        given(v, (w) => encodeRetryJobRequest(w, { jobId: id, requestId })),
        status,
      );
    const ofQueue = (v: Verb): string =>
      told(
        given(v, (w) => encodePauseQueueRequest(w, { name: words[0], requestId })),
        status,
      );
    const request = (of: Map<string, string>): EnqueueRequestInit => this.request(of);
    const tools = { bench: this.bench, given, told, request, name: (jobId: string) => this.name(jobId), requestId };
    switch (verb) {
      case "enqueue":
        return told(
          given(Verb.ENQUEUE, (w) => encodeEnqueueRequest(w, { ...this.request(args), requestId })),
          (bytes) => {
            const r = fromBinary(pb.EnqueueResponseSchema, bytes);
            const chain = this.bench.job(r.jobId)?.chainId ?? "";
            return `${this.name(r.jobId)} ${r.status}${r.uniqueExisting ? " unique_existing" : ""}${chain === "" ? "" : ` ${this.entity(chain)}`}`;
          },
        );
      case "enqueue-batch":
        return told(
          given(Verb.ENQUEUE_BATCH, (w) =>
            encodeEnqueueBatchRequest(w, {
              jobs: words.map((word) => this.request(fields(word))),
              batch: args.has("callback") ? { callbackQueue: args.get("callback"), callbackPayloadJson: args.get("callback_payload") } : undefined,
              requestId,
            }),
          ),
          (bytes) => {
            const r = fromBinary(pb.EnqueueBatchResponseSchema, bytes);
            const batch = r.batchId === "" ? "" : `${this.entity(r.batchId)}: `;
            return batch + r.jobIds.map((one, i) => `${this.name(one)} ${enqueueOutcomes[r.outcomes[i]]}`).join(", ");
          },
        );
      case "fetch":
        return told(
          given(Verb.FETCH, (w) => encodeFetchRequest(w, { ...fetcher, requestId })),
          (bytes) => {
            const r = fromBinary(pb.FetchResponseSchema, bytes);
            return r.found ? this.leased(r) : "nothing";
          },
        );
      case "fetch-batch":
        return told(
          given(Verb.FETCH_BATCH, (w) => encodeFetchBatchRequest(w, { ...fetcher, count: Number(args.get("count") ?? 0), requestId })),
          (bytes) => {
            const r = fromBinary(pb.FetchBatchResponseSchema, bytes);
            return r.jobs.map((one) => this.leased(one)).join(" | ") || "nothing";
          },
        );
      case "ack":
        return told(
          given(
            Verb.ACK,
            (w) =>
              encodeAckRequest(w, {
                jobId: id,
                resultJson: args.get("result"),
                checkpointJson: args.get("checkpoint"),
                agentStatus: args.get("agent_status"),
                stepStatus: args.get("step_status"),
                holdReason: args.get("because"),
                usage: usageOf(args),
                fence,
                requestId,
              }),
            args.has("rest") ? commandFlags.absentResult : 0,
          ),
          (bytes) => {
            const r = fromBinary(pb.AckResponseSchema, bytes);
            return r.iteration === 0 ? "ok" : `${r.state} iteration=${r.iteration}${r.holdReason === "" ? "" : ` hold="${this.named(r.holdReason)}"`}`;
          },
        );
      case "depth":
        return told(
          given(Verb.SET_DEPTH_LIMIT, (w) => encodeSetConcurrencyRequest(w, { name: words[0], max: Number(words[1] ?? 0), requestId })),
          status,
        );
      case "step":
        return told(
          given(
            Verb.STEP,
            (w) =>
              encodeStepRequest(w, {
                jobId: id,
                agentStatus: args.get("agent_status"),
                keep: args.has("keep"),
                resultJson: args.get("result"),
                checkpointJson: args.get("checkpoint"),
                usage: args.has("cost") ? { costUsd: Number(args.get("cost")), model: "m" } : undefined,
                jobs: words.slice(1).map((word) => this.request(fields(word))),
                fence,
                requestId,
              }),
            args.has("rest") ? commandFlags.absentResult : 0,
          ),
          (bytes) => {
            const r = fromBinary(pb.StepResponseSchema, bytes);
            const added = r.jobIds.map((one, i) => `${this.name(one)} ${enqueueOutcomes[r.outcomes[i]]}`);
            return [r.state, r.holdReason && `"${r.holdReason}"`, r.iteration > 0 && `iteration=${r.iteration}`, ...added].filter(Boolean).join(" ");
          },
        );
      case "release":
        return told(
          given(Verb.RELEASE, (w) => encodeReleaseRequest(w, { jobId: id, checkpointJson: args.get("checkpoint"), fence, requestId })),
          () => "ok",
        );
      case "ack-batch":
        return told(
          given(Verb.ACK_BATCH, (w) => encodeAckBatchRequest(w, { items: words.map((word) => this.ackItem(word)), requestId })),
          (bytes) => {
            const r = fromBinary(pb.AckBatchResponseSchema, bytes);
            return `acked=${r.acked} [${r.outcomes.map((one) => ackOutcomes[one]).join(" ")}]`;
          },
        );
      case "create-batch":
        return told(
          given(Verb.CREATE_BATCH, (w) =>
            encodeCreateBatchRequest(w, {
              callbackQueue: args.get("callback"),
              callbackPayloadJson: args.get("callback_payload"),
              openMax: Number(args.get("max") ?? 0),
              requestId,
            }),
          ),
          (bytes) => this.entity(fromBinary(CreateBatchResponseSchema, bytes).batchId),
        );
      case "seal":
        return told(
          given(Verb.SEAL_BATCH, (w) => encodeSealBatchRequest(w, { batchId: this.entities.get(words[0]) ?? words[0], requestId })),
          (bytes) => {
            const r = fromBinary(SealBatchResponseSchema, bytes);
            return r.callbackJob === undefined ? r.status : `${r.status} ${this.name(r.callbackJob.id)}`;
          },
        );
      case "fail":
        return told(
          given(Verb.FAIL, (w) => encodeFailRequest(w, { jobId: id, error: args.get("error"), backtrace: args.get("backtrace"), fence, requestId })),
          (bytes) => {
            const r = fromBinary(pb.FailResponseSchema, bytes);
            const next = r.nextAttemptAt === undefined ? "" : ` next=${Number(r.nextAttemptAt.seconds) * 1000 + r.nextAttemptAt.nanos / 1e6 - epochMs}`;
            return `${r.status}${next} remaining=${r.attemptsRemaining}`;
          },
        );
      case "heartbeat":
        return told(
          given(Verb.HEARTBEAT, (w) =>
            encodeHeartbeatRequest(w, {
              jobs: Object.fromEntries(
                words.map((word) => {
                  const [name, of] = word.split("/");
                  return [
                    this.ids.get(name) ?? name,
                    { fence: Number(of ?? 0), usage: usageOf(args), progressJson: args.get("progress"), checkpointJson: args.get("checkpoint") },
                  ];
                }),
              ),
            }),
          ),
          (bytes) => {
            const r = fromBinary(pb.HeartbeatResponseSchema, bytes);
            return Object.entries(r.jobs)
              .map(
                ([one, said]) =>
                  `${this.name(one)}: ${said.status}${said.reason === "" ? "" : ` ${said.reason}`}${said.budgetExceeded ? " budget_exceeded" : ""}${leaseOf(said.leaseExpiresAt)}`,
              )
              .join(", ");
          },
        );
      case "frame":
        return this.frame(args, told, given, fetcher);
      case "retry":
        return ofJob(Verb.RETRY);
      case "cancel":
        return ofJob(Verb.CANCEL);
      case "hold":
        return ofJob(Verb.HOLD);
      case "approve":
        return ofJob(Verb.APPROVE);
      case "reject":
        return told(
          given(Verb.REJECT, (w) =>
            encodeRejectJobRequest(w, {
              jobId: id,
              revise: args.has("revise"),
              payloadJson: args.get("payload"),
              checkpointJson: args.get("checkpoint"),
              note: args.get("note"),
              requestId,
            }),
          ),
          status,
        );
      case "replay":
        return told(
          given(Verb.REPLAY, (w) => encodeReplayJobRequest(w, { jobId: id, from: Number(args.get("from") ?? 0), requestId })),
          (bytes) => this.name(fromBinary(pb.EnqueueResponseSchema, bytes).jobId),
        );
      case "iterations":
        return this.iterations(id);
      case "delete":
        return ofJob(Verb.DELETE);
      case "move":
        return told(
          given(Verb.MOVE, (w) => encodeMoveJobRequest(w, { jobId: id, queue: args.get("to"), requestId })),
          status,
        );
      case "pause":
        return ofQueue(Verb.PAUSE_QUEUE);
      case "resume":
        return ofQueue(Verb.RESUME_QUEUE);
      case "drain":
        return ofQueue(Verb.DRAIN_QUEUE);
      case "clear":
        return ofQueue(Verb.CLEAR_QUEUE);
      case "destroy":
        return ofQueue(Verb.DESTROY_QUEUE);
      case "remove-throttle":
        return ofQueue(Verb.REMOVE_THROTTLE);
      case "concurrency":
        return told(
          given(Verb.SET_CONCURRENCY, (w) => encodeSetConcurrencyRequest(w, { name: words[0], max: Number(args.get("max") ?? 0) })),
          status,
        );
      case "throttle":
        return told(
          given(Verb.SET_THROTTLE, (w) =>
            encodeSetThrottleRequest(w, { name: words[0], rate: Number(args.get("rate") ?? 0), windowMs: Number(args.get("window") ?? 0) }),
          ),
          status,
        );
      case "tick":
        given(Verb.TICK, () => {});
        return `${this.events()}; next timer ${this.timer()}`;
      case "leadership":
        given(Verb.LEADERSHIP, (w) => encodeLeadershipCommand(w, { pauseMs: Number(args.get("pause")) }));
        return `next timer ${this.timer()}`;
      case "purge":
        given(Verb.PURGE, (w) => encodePurgeCommand(w, { endedBeforeMs: epochMs + Number(args.get("before")), tells: args.has("tells") }));
        return "done";
      case "show":
        return this.show(words[0]);
      case "family": {
        const family = this.bench.engine.family(this.ids.get(words[0]) ?? words[0]);
        return family === undefined ? "none" : counts(family, ["pending", "succeeded", "failed", "cancelled", "deleted"]);
      }
      case "waiting-for":
        return (
          this.bench.engine
            .waitingFor(id, 100)
            .map((one) => this.name(one))
            .join(" ") || "nobody"
        );
      case "workers":
        return this.bench.engine
          .workers()
          .map(
            (w) => `${w.id}@${w.hostname} queues=${w.queues.join()} heard=${w.lastHeartbeatMs - epochMs} started=${w.startedMs - epochMs} active=${w.active}`,
          )
          .join(" | ");
      case "events":
        return this.events();
      case "fetchable":
        return `${this.bench.engine.fetchable(words, this.bench.nowMs)}`;
      default:
        return (
          webhookLine(verb, words, args, this.bench, given, (answer, say) => this.namedText(told(answer, say))) ??
          explainLine(verb, id, this.bench, (text) => this.namedText(text)) ??
          scheduleLine(tools, verb, words, args) ??
          moneyLine(tools, verb, words, args) ??
          authLine({ engine: this.bench.engine, epochMs, given: (v, write) => given(v, write), told }, verb, words, args) ??
          fail(`no such line: ${verb}`)
        );
    }
  }

  private frame(
    args: Map<string, string>,
    told: (answer: Answer, say: (bytes: Uint8Array) => string) => string,
    given: (v: Verb, write: (w: Writer) => void) => Answer,
    fetcher: object,
  ): string {
    const answer = given(Verb.LIFECYCLE, (w) =>
      encodeLifecycleStreamRequest(w, {
        ...fetcher,
        requestId: 7,
        retryId: args.get("request"),
        fetchCount: Number(args.get("fetch") ?? 0),
        acks: list(args.get("ack")).map((word) => this.ackItem(word)),
        enqueues: list(args.get("enqueue")).map((word) => this.request(fields(word.replaceAll(";", ",")))),
      }),
    );
    return told(answer, (bytes) => {
      const r = fromBinary(pb.LifecycleStreamResponseSchema, bytes);
      const parts = [`acked=${r.acked}`];
      if (r.outcomes.length > 0) parts.push(`[${r.outcomes.map((one) => ackOutcomes[one]).join(" ")}]`);
      if (r.jobs.length > 0) parts.push(`leased ${r.jobs.map((one) => this.leased(one)).join(" | ")}`);
      let next = 0;
      if (r.enqueueOutcomes.length > 0) {
        parts.push(`enqueued ${r.enqueueOutcomes.map((one) => `${one === 4 ? "-" : this.name(r.enqueuedJobIds[next++])} ${enqueueOutcomes[one]}`).join(", ")}`);
      }
      if (r.error !== "") parts.push(`error="${this.named(r.error)}"`);
      return parts.join(" ");
    });
  }

  private request(args: Map<string, string>): EnqueueRequestInit {
    const at = args.get("at");
    const ms = epochMs + Number(at);
    return {
      queue: args.get("queue"),
      payloadJson: args.get("payload"),
      priority: args.get("priority"),
      uniqueKey: args.get("unique"),
      uniquePeriod: args.has("period") ? Number(args.get("period")) : undefined,
      maxRetries: args.has("retries") ? Number(args.get("retries")) : undefined,
      retryBackoff: args.get("backoff"),
      retryBaseDelay: args.get("base"),
      retryMaxDelay: args.get("cap"),
      scheduledAt: at === undefined ? undefined : { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1e6 },
      expireAfter: args.get("expire"),
      tagsJson: args.get("tags"),
      requestId: args.get("id"),
      checkpointJson: args.get("checkpoint"),
      parentId: args.has("parent") ? (this.ids.get(args.get("parent")!) ?? args.get("parent")) : undefined,
      batchId: args.has("batch") ? (this.entities.get(args.get("batch")!) ?? args.get("batch")) : undefined,
      dependsOn: args.has("after")
        ? args
            .get("after")!
            .split("+")
            .map((one) => this.ids.get(one) ?? one)
        : undefined,
      chain: args.has("chain") ? chainOf(args) : undefined,
      chainId: args.has("chain_id") ? (this.entities.get(args.get("chain_id")!) ?? args.get("chain_id")) : undefined,
      chainStep: args.has("chain_step") ? Number(args.get("chain_step")) : undefined,
      agent: args.has("agent")
        ? { maxIterations: Number(args.get("agent")), maxCostUsd: Number(args.get("max_cost") ?? 0), iterationTimeout: args.get("iteration_timeout") }
        : undefined,
    };
  }

  /** `job/fence/status/cost`. */
  private ackItem(word: string) {
    const [name, fence, agentStatus, cost] = word.split("/");
    return {
      jobId: name === "blank" ? "" : (this.ids.get(name) ?? name),
      fence: Number(fence ?? 0),
      agentStatus,
      usage: cost === undefined ? undefined : { costUsd: Number(cost) },
    };
  }

  private iterations(id: string): string {
    const parsed = parseJobId(id)!;
    const { engine, archive } = this.bench;
    const seq = engine.finishedSeq(parsed);
    const found = engine.liveIterations(parsed) ?? (seq === undefined ? [] : engine.archivedIterations(archive.records.get(seq)!.bytes));
    const text = new TextDecoder();
    return (
      found
        .map(({ id: at, iteration, status, checkpoint, holdReason, result, costUsd }) =>
          [`#${at}`, iteration, status, checkpoint.length > 0 && text.decode(checkpoint), result.length > 0 && `result=${text.decode(result)}`]
            .concat([costUsd > 0 && `cost=${costUsd}`, holdReason !== "" && `"${this.named(holdReason)}"`])
            .filter((part) => part !== false)
            .join(" "),
        )
        .join(" | ") || "none"
    );
  }

  /** The letter of a job; a new one for a job that is new. */
  private name(id: string): string {
    if (!id.startsWith("job_")) return id;
    let name = this.names.get(id);
    if (name === undefined) {
      name = String.fromCharCode(65 + this.names.size);
      this.names.set(id, name);
      this.ids.set(name, id);
    }
    return name;
  }

  /** `batch1`, `chain2`: by kind, in the order in which they are seen. */
  private entity(id: string): string {
    const known = [...this.entities].find(([, one]) => one === id)?.[0];
    if (known !== undefined) return known;
    const kind = id.startsWith("batch_") ? "batch" : "chain";
    const name = `${kind}${[...this.entities.keys()].filter((one) => one.startsWith(kind)).length + 1}`;
    this.entities.set(name, id);
    return name;
  }

  private named(given: string): string {
    const text = given.replace(/(batch|chn)_[0-9a-f]{26}/g, (id) => this.entity(id));
    return text.replace(/job_[0-9a-f]{26}/g, (id) => this.names.get(id) ?? (this.bench.job(id) === undefined ? id : this.name(id)));
  }

  /** Jobs by their letters, times from the start. */
  private namedText(text: string): string {
    return this.named(text).replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (time) => `@${Date.parse(time) - epochMs}`);
  }

  private leased(r: pb.FetchBatchJob | pb.FetchResponse): string {
    const parts = [this.name(r.jobId), `attempt=${r.attempt}/${r.maxRetries}`, `fence=${r.fence}`, `lease=${r.leaseDuration}s`];
    if (r.payloadJson !== "{}") parts.push(`payload=${r.payloadJson}`);
    if (r.checkpointJson !== "") parts.push(`checkpoint=${r.checkpointJson}`);
    if (r.tagsJson !== "") parts.push(`tags=${r.tagsJson}`);
    if (r.agent !== undefined)
      parts.push(`agent=${r.agent.iteration}/${r.agent.maxIterations}${r.agent.totalCostUsd > 0 ? ` cost=${r.agent.totalCostUsd}` : ""}`);
    if (r.revisionNote !== "") parts.push(`note="${r.revisionNote}"`);
    return parts.join(" ");
  }

  private timer(): string {
    const ms = this.bench.engine.nextTimerMs();
    return ms === Number.POSITIVE_INFINITY ? "never" : `${ms - epochMs}`;
  }

  private events(): string {
    const events = this.bench.engine.eventsSince(this.eventsSeen, 1000);
    this.eventsSeen = this.bench.engine.lastEventSeq;
    const known = [...this.names];
    const nameOf = (seq: number): string => known.find(([id]) => Number.parseInt(id.slice(-10), 16) === seq)?.[1] ?? `#${seq}`;
    return (
      events
        .map((e) => `${e.type} ${e.jobSeq === 0 ? e.queue : nameOf(e.jobSeq)}${e.data.length > 0 ? ` ${new TextDecoder().decode(e.data)}` : ""}`)
        .join(", ") || "no events"
    );
  }

  private show(name: string): string {
    const id = this.ids.get(name);
    if (id !== undefined) {
      const job = this.bench.job(id);
      return job === undefined ? "not found" : this.named(showJob(job));
    }
    const entity = this.entities.get(name);
    if (entity !== undefined) return this.named(showEntity(this.bench.engine, entity));
    const queue = this.bench.engine.queues().find((one) => one.name === name);
    return queue === undefined ? "no such queue" : showQueue(queue);
  }
}

function fail(message: string): never {
  throw new Error(message);
}

/** When a lease ends, on the transcript's clock. */
function leaseOf(at: { seconds: bigint; nanos: number } | undefined): string {
  return at === undefined ? "" : ` lease ends ${Number(at.seconds) * 1000 + at.nanos / 1e6 - epochMs}`;
}
