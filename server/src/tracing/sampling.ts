import type { Context, SpanKind } from "@opentelemetry/api";
import type { IdGenerator, Sampler } from "@opentelemetry/sdk-trace-node";
import type { Log } from "../log.js";

type Sdk = typeof import("@opentelemetry/sdk-trace-node");

/**
 * Decides whether there is a span before anything of it is made: while one trace in a hundred is wanted, the other 99 calls cost a
 * trace's id and a comparison. A new trace's id is chosen with the decision; the span that follows takes it from `ids`, so that the
 * tracer, which asks the same sampler again, comes to the same end.
 */
export class Sampling {
  readonly sampler: Sampler;
  readonly ids: IdGenerator;
  private chosen: string | undefined;
  private readonly random: IdGenerator;
  private readonly not: number;

  constructor(sdk: Sdk, env: NodeJS.ProcessEnv, log: Log) {
    this.sampler = samplerOf(sdk, env, log);
    this.not = sdk.SamplingDecision.NOT_RECORD;
    this.random = new sdk.RandomIdGenerator();
    this.ids = { generateTraceId: () => this.takeChosen(), generateSpanId: () => this.random.generateSpanId() };
  }

  /** Whether the next span is wanted. `traceId`: of the parent in `context`; undefined: the span begins a trace. */
  wants(context: Context, traceId: string | undefined, kind: SpanKind): boolean {
    this.chosen = traceId === undefined ? this.random.generateTraceId() : undefined;
    return this.sampler.shouldSample(context, traceId ?? this.chosen!, "", kind, {}, []).decision !== this.not;
  }

  private takeChosen(): string {
    const id = this.chosen ?? this.random.generateTraceId();
    this.chosen = undefined;
    return id;
  }
}

/** What OpenTelemetry's variables say, and its default: all traces, unless the caller's is not wanted. */
function samplerOf(sdk: Sdk, env: NodeJS.ProcessEnv, log: Log): Sampler {
  const given = env.OTEL_TRACES_SAMPLER?.trim() || "parentbased_always_on";
  const parts = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(given);
  if (!parts) log.warn("OTEL_TRACES_SAMPLER is none that is known, all traces are taken", { value: given });
  const [, parentBased, kind] = parts ?? ["", "parentbased_", "always_on"];
  const root =
    kind === "traceidratio"
      ? new sdk.TraceIdRatioBasedSampler(ratioOf(env.OTEL_TRACES_SAMPLER_ARG, log))
      : kind === "always_off"
        ? new sdk.AlwaysOffSampler()
        : new sdk.AlwaysOnSampler();
  return parentBased === undefined ? root : new sdk.ParentBasedSampler({ root });
}

function ratioOf(given: string | undefined, log: Log): number {
  const ratio = given?.trim() ? Number(given) : Number.NaN;
  if (ratio >= 0 && ratio <= 1) return ratio;
  log.warn("OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1, all traces are taken", { value: given ?? "" });
  return 1;
}
