import type { FetchedJob } from "./views.js";

type Api = typeof import("@opentelemetry/api");
let loaded: Promise<Api | undefined> | undefined;

/** OpenTelemetry, where the program has set it up. It is an optional peer: a program without it pays a look at a symbol. */
function openTelemetry(): Promise<Api | undefined> | undefined {
  if (!(Symbol.for("opentelemetry.js.api.1") in globalThis)) return undefined;
  loaded ??= import("@opentelemetry/api").catch(() => undefined);
  return loaded;
}

/** The trace context that runs here; empty: none. */
export async function activeTraceparent(): Promise<string> {
  const loading = openTelemetry();
  const active = loading === undefined ? undefined : (await loading)?.trace.getActiveSpan()?.spanContext();
  if (active === undefined || /^0*$/.test(active.traceId)) return "";
  return `00-${active.traceId}-${active.spanId}-${active.traceFlags.toString(16).padStart(2, "0")}`;
}

/** Runs a handler inside a span that continues the job's trace. */
export async function inTrace<T>(job: FetchedJob, run: () => T | Promise<T>): Promise<T> {
  const loading = openTelemetry();
  const api = loading === undefined ? undefined : await loading;
  if (api === undefined) return await run();
  const [, traceId, spanId, flags] = job.traceparent.split("-");
  const parent =
    flags === undefined
      ? api.ROOT_CONTEXT
      : api.trace.setSpanContext(api.ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true });
  const attributes = { "messaging.system": "corvo", "messaging.destination.name": job.queue, "messaging.message.id": job.id, "corvo.attempt": job.attempt };
  const span = api.trace.getTracer("@corvo/sdk").startSpan(`${job.queue} process`, { kind: api.SpanKind.CONSUMER, attributes }, parent);
  try {
    return await api.context.with(api.trace.setSpan(parent, span), run);
  } catch (thrown) {
    span.recordException(thrown instanceof Error ? thrown : String(thrown));
    span.setStatus({ code: api.SpanStatusCode.ERROR });
    throw thrown;
  } finally {
    span.end();
  }
}
