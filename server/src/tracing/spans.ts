import { fromBinary } from "@bufbuild/protobuf";
import { AckBatchResponseSchema, EnqueueBatchResponseSchema, FetchBatchResponseSchema, FetchResponseSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { type Call, methodPath, type Route, RpcError, type UnaryHandler } from "@corvo/transport";
import type { Link, Span, Tracer } from "@opentelemetry/api";
import type { Log } from "../log.js";
import { serverVersion } from "../version.js";
import { spanOf, spansOfJobs, traceparentOf, tracing } from "./carry.js";
import { contextOf, traceparent } from "./context.js";
import { ackWord, enqueueWord, JobSpans } from "./job-spans.js";
import { Sampling } from "./sampling.js";

export interface TracingOptions {
  /** Base of an OTLP/HTTP collector; empty: spans are printed on stdout. */
  endpoint: string;
}

/** Spans of calls and of log entries. Made only when it was asked for: without it no code of OpenTelemetry is loaded, and nothing is wrapped. */
export class Tracing {
  private constructor(
    private readonly api: typeof import("@opentelemetry/api"),
    private readonly http: Tracer,
    private readonly store: Tracer,
    private readonly sampling: Sampling,
    private readonly end: () => Promise<void>,
  ) {}

  static async start({ endpoint }: TracingOptions, log: Log): Promise<Tracing> {
    const [api, sdk, resources, otlp] = await Promise.all([
      import("@opentelemetry/api"),
      import("@opentelemetry/sdk-trace-node"),
      import("@opentelemetry/resources"),
      import("@opentelemetry/exporter-trace-otlp-http"),
    ]);
    const url = endpoint === "" ? undefined : `${(/^https?:\/\//.test(endpoint) ? endpoint : `http://${endpoint}`).replace(/\/+$/, "")}/v1/traces`;
    const exporter = url === undefined ? new sdk.ConsoleSpanExporter() : new otlp.OTLPTraceExporter({ url });
    const sampling = new Sampling(sdk, process.env, log);
    const provider = new sdk.NodeTracerProvider({
      resource: resources.resourceFromAttributes({ "service.name": process.env.OTEL_SERVICE_NAME || "corvo-server", "service.version": serverVersion }),
      sampler: sampling.sampler,
      idGenerator: sampling.ids,
      spanProcessors: [new sdk.BatchSpanProcessor(exporter)],
    });
    const http = provider.getTracer("corvo/http");
    tracing.on = true;
    tracing.jobs = new JobSpans(api, http, sampling);
    log.info("tracing", { endpoint: url ?? "stdout" });
    const end = async (): Promise<void> => {
      tracing.on = false;
      tracing.jobs = undefined;
      await Promise.race([provider.shutdown().catch(() => {}), new Promise<void>((resolve) => setTimeout(resolve, 2000).unref())]); // a collector that is away keeps nobody
    };
    return new Tracing(api, http, provider.getTracer("corvo/store"), sampling, end);
  }

  /**
   * A span around each unary call whose trace is wanted, and one for each job of a batch. Streams have none, as they live as long as their
   * client; the jobs of their frames have theirs.
   */
  wrap(routes: readonly Route[]): Route[] {
    return routes.map((route) => (route.handler.kind === "unary" ? { ...route, handler: this.traced(route, this.eachJob(route, route.handler)) } : route));
  }

  /** One applied log entry, as a span of its own, if its trace is wanted. */
  applied(index: number, commands: number, waitedMs: number): void {
    if (!this.sampling.wants(this.api.ROOT_CONTEXT, undefined, this.api.SpanKind.INTERNAL)) return;
    const endMs = Date.now();
    const span = this.store.startSpan("raft.apply", { startTime: endMs - waitedMs, attributes: { "corvo.log_index": index, "corvo.commands": commands } });
    span.end(endMs);
  }

  close(): Promise<void> {
    return this.end();
  }

  /** Inside the span of the call. */
  private eachJob(route: Route, handler: UnaryHandler): UnaryHandler {
    const ending = endings[route.method.name];
    if (ending === undefined) return handler;
    return {
      kind: "unary",
      handle: (call, request) => {
        if (tracing.jobs === undefined) return handler.handle(call, request);
        const end = ending(tracing.jobs, call);
        const done = (answer: Uint8Array): Uint8Array => {
          end.done(answer);
          return answer;
        };
        const failed = (cause: unknown): never => {
          end.failed(codeOf(cause));
          throw cause;
        };
        try {
          const answer = handler.handle(call, request);
          return answer instanceof Promise ? answer.then(done, failed) : done(answer);
        } catch (cause) {
          return failed(cause);
        }
      },
    };
  }

  private traced(route: Route, handler: UnaryHandler): UnaryHandler {
    const { name } = route.method;
    const path = methodPath(route.method);
    const kind = name.startsWith("Enqueue") ? this.api.SpanKind.PRODUCER : this.api.SpanKind.SERVER;
    const grants = name === "Fetch" ? FetchResponseSchema : name === "FetchBatch" ? FetchBatchResponseSchema : undefined;
    return {
      kind: "unary",
      handle: (call, request) => {
        const parent = contextOf(traceparentOf(call));
        const context = parent === undefined ? this.api.ROOT_CONTEXT : this.api.trace.setSpanContext(this.api.ROOT_CONTEXT, parent);
        if (!this.sampling.wants(context, parent?.traceId, kind)) return handler.handle(call, request);
        const method = call.rest?.verb ?? "POST";
        const route = call.rest?.url.split("?")[0] ?? path;
        const span = this.http.startSpan(
          `${method} ${call.rest === undefined ? path : path.slice(path.lastIndexOf("/") + 1)}`,
          { kind, attributes: { "http.method": method, "http.path": route, "rpc.method": name } },
          context,
        );
        spanOf.set(call, traceparent(span.spanContext()));
        const done = (answer: Uint8Array): Uint8Array => {
          if (grants !== undefined && answer.length > 0 && span.isRecording()) span.addLinks(this.linksOf(grants, answer));
          span.setAttribute("http.status_code", 200);
          span.end();
          return answer;
        };
        const failed = (cause: unknown): never => {
          this.fail(span, cause);
          throw cause;
        };
        try {
          const answer = handler.handle(call, request);
          return answer instanceof Promise ? answer.then(done, failed) : done(answer);
        } catch (cause) {
          return failed(cause);
        }
      },
    };
  }

  private fail(span: Span, cause: unknown): void {
    const code = codeOf(cause);
    span.setAttribute("rpc.code", code);
    if (code === "internal" || code === "unavailable" || code === "unknown") span.setStatus({ code: this.api.SpanStatusCode.ERROR, message: code });
    span.end();
  }

  /** The traces of the jobs that were leased. */
  private linksOf(schema: typeof FetchResponseSchema | typeof FetchBatchResponseSchema, answer: Uint8Array): Link[] {
    const message = fromBinary<typeof FetchResponseSchema | typeof FetchBatchResponseSchema>(schema, answer);
    const jobs = "jobs" in message ? message.jobs : [message];
    return jobs.flatMap(({ traceparent: text }) => {
      const context = contextOf(text);
      return context === undefined ? [] : [{ context }];
    });
  }
}

/** Ends the spans of a batch's jobs, which begin where the batch comes through the door. */
interface JobsEnd {
  done(answer: Uint8Array): void;
  failed(code: string): void;
}

const endings: Record<string, (spans: JobSpans, call: Call) => JobsEnd> = {
  EnqueueBatch: (_, call) => ({
    done: (answer) => {
      const { outcomes, jobIds } = fromBinary(EnqueueBatchResponseSchema, answer);
      spansOfJobs.get(call)?.end(outcomes.map(enqueueWord), jobIds);
    },
    failed: (code) => spansOfJobs.get(call)?.fail(code),
  }),
  AckBatch: (_, call) => ({
    done: (answer) => spansOfJobs.get(call)?.end(fromBinary(AckBatchResponseSchema, answer).outcomes.map(ackWord)),
    failed: (code) => spansOfJobs.get(call)?.fail(code),
  }),
  FetchBatch: (spans, call) => {
    const startMs = Date.now();
    return {
      done: (answer) => spans.fetched("FetchBatch", traceparentOf(call), startMs, fromBinary(FetchBatchResponseSchema, answer).jobs),
      failed: () => {}, // no job came
    };
  },
};

function codeOf(cause: unknown): string {
  return cause instanceof RpcError ? cause.code : "internal";
}
