import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Engine } from "@corvo/engine";
import * as worker from "@corvo/gen/corvo/v1/worker_pb.js";
import { parseJobId } from "@corvo/protocol";
import type { Link, Span, SpanContext, SpanKind, Tracer } from "@opentelemetry/api";
import { contextOf, traceparent } from "./context.js";
import type { Sampling } from "./sampling.js";

/** What is done to one job of many. */
type What = "Enqueue" | "Fetch" | "Ack";

type Contexts = Pick<Engine, "traceparentOfLive">;

interface Job {
  /** Trace context of the job; empty: none is known. */
  own?: string;
  id?: string;
  queue?: string;
}

/**
 * Spans of single jobs in batches and in frames of lifecycle streams: what a call of its own would have had. A span continues the job's own
 * trace, with a link to the call, or else the call's; and the job carries the span of its enqueue, unless its caller gave it a context.
 */
export class JobSpans {
  constructor(
    private readonly api: typeof import("@opentelemetry/api"),
    private readonly tracer: Tracer,
    private readonly sampling: Sampling,
  ) {}

  /** A span for each job that is added, whose context is put into those that have none. */
  enqueues(method: string, caller: string | undefined, jobs: readonly { traceparent: string; queue: string }[]): SomeSpans {
    const kind = this.api.SpanKind.PRODUCER;
    const spans = jobs.map((job) => {
      const span = this.begin("Enqueue", method, kind, caller, { own: job.traceparent, queue: job.queue }, Date.now());
      job.traceparent ||= span === undefined ? (caller ?? "") : traceparent(span.spanContext());
      return span;
    });
    return new SomeSpans(spans, this.api.SpanStatusCode.ERROR);
  }

  /** `contexts`: of live jobs, whose traces the acks continue. */
  acks(method: string, caller: string | undefined, items: readonly { jobId: string }[], contexts: Contexts): SomeSpans {
    const kind = this.api.SpanKind.SERVER;
    const spans = items.map(({ jobId: id }) => {
      const parsed = parseJobId(id);
      return this.begin("Ack", method, kind, caller, { own: parsed && contexts.traceparentOfLive(parsed), id }, Date.now());
    });
    return new SomeSpans(spans, this.api.SpanStatusCode.ERROR);
  }

  /** Jobs that were leased: begun when they were asked for, over now. */
  fetched(method: string, caller: string | undefined, startMs: number, jobs: readonly { jobId: string; queue: string; traceparent: string }[]): void {
    const kind = this.api.SpanKind.SERVER;
    for (const { jobId: id, queue, traceparent: own } of jobs) this.begin("Fetch", method, kind, caller, { own, id, queue }, startMs)?.end();
  }

  /** One frame of a stream; `caller`: what the stream's headers say. */
  frame(caller: string | undefined, body: Uint8Array, contexts: Contexts): FrameSpans {
    return new FrameSpans(this, caller, body, contexts);
  }

  /** Undefined: the job's trace is not wanted. */
  private begin(what: What, method: string, kind: SpanKind, caller: string | undefined, job: Job, startTime: number): Span | undefined {
    const own = contextOf(job.own);
    const call = contextOf(caller);
    const parent = own ?? call;
    const context = parent === undefined ? this.api.ROOT_CONTEXT : this.api.trace.setSpanContext(this.api.ROOT_CONTEXT, parent);
    if (!this.sampling.wants(context, parent?.traceId, kind)) return undefined;
    const links: Link[] = own !== undefined && call !== undefined && !isSame(own, call) ? [{ context: call }] : [];
    const attributes = { "rpc.method": method, "corvo.job_id": job.id, "corvo.queue": job.queue };
    return this.tracer.startSpan(`${method} ${what}`, { kind, startTime, links, attributes }, context);
  }
}

function isSame(a: SpanContext, b: SpanContext): boolean {
  return a.traceId === b.traceId && a.spanId === b.spanId;
}

/** Spans that are under way, by the place of their item; items whose trace is not wanted have none. */
export class SomeSpans {
  constructor(
    private readonly spans: readonly (Span | undefined)[],
    private readonly error: number,
  ) {}

  /** Ends them all. `outcomes`: a word for each item. */
  end(outcomes: readonly string[], ids: readonly string[] = []): void {
    for (const [i, span] of this.spans.entries()) {
      if (span === undefined) continue;
      if (outcomes[i] !== undefined) span.setAttribute("corvo.outcome", outcomes[i]);
      if (ids[i]) span.setAttribute("corvo.job_id", ids[i]);
      span.end();
    }
  }

  /** None of them came to anything. `code`: the refusal's. */
  fail(code: string): void {
    for (const span of this.spans) {
      span?.setAttribute("rpc.code", code);
      if (code === "internal" || code === "unavailable" || code === "unknown") span?.setStatus({ code: this.error, message: code });
      span?.end();
    }
  }
}

const method = "StreamLifecycle";

export class FrameSpans {
  /** What goes into the log: the frame with the contexts of the jobs that it adds. */
  readonly body: Uint8Array;
  private readonly startMs = Date.now();
  private readonly enqueues: SomeSpans;
  private readonly acks: SomeSpans;

  constructor(
    private readonly spans: JobSpans,
    private readonly caller: string | undefined,
    body: Uint8Array,
    contexts: Contexts,
  ) {
    const frame = fromBinary(worker.LifecycleStreamRequestSchema, body);
    this.enqueues = spans.enqueues(method, caller, frame.enqueues);
    this.acks = spans.acks(method, caller, frame.acks, contexts);
    this.body = frame.enqueues.length === 0 ? body : toBinary(worker.LifecycleStreamRequestSchema, frame);
  }

  /** The engine's answer, before the door's refusals are put into it. */
  answered(bytes: Uint8Array): void {
    const answer = fromBinary(worker.LifecycleStreamResponseSchema, bytes);
    this.acks.end(answer.outcomes.map(ackWord));
    this.spans.fetched(method, this.caller, this.startMs, answer.jobs);
    this.enqueues.end(answer.enqueueOutcomes.map(enqueueWord), answer.enqueuedJobIds);
  }

  refused(code: string): void {
    this.acks.fail(code);
    this.enqueues.fail(code);
  }
}

export function ackWord(outcome: worker.AckOutcome): string {
  return worker.AckOutcome[outcome].toLowerCase();
}

export function enqueueWord(outcome: worker.EnqueueOutcome): string {
  return worker.EnqueueOutcome[outcome].toLowerCase();
}
