import type { AgentLimits } from "./agent.js";

/** A kind of job: which queue it goes to, what its payload and result are. Shared by those who add jobs and those who do them. */
export interface JobDefinition<Payload, Result = void> {
  readonly queue: string;
  readonly options: EnqueueOptions;
  /** Types only; never present at run time. */
  readonly types?: { payload: Payload; result: Result };
}

/** Options of one job; every one has the server's default. Durations are whole milliseconds or are rounded up to them. */
export interface EnqueueOptions {
  /** W3C trace context that the worker continues. Default: the active span's, where `@opentelemetry/api` is set up. */
  traceparent?: string;
  /** Default `normal`. */
  priority?: "critical" | "high" | "normal";
  /** At most one live job per queue holds a key, 1 to 255 bytes: adding another answers with the holder. Default: not unique. */
  uniqueKey?: string;
  /** How long the key is held, in seconds. Default 3,600. */
  uniquePeriodSeconds?: number;
  /** Attempts in total, at most 1,000,000. Default 3. */
  maxAttempts?: number;
  /** How the wait grows from one failed attempt to the next. Default `exponential`. */
  backoff?: "exponential" | "linear" | "fixed" | "none";
  /** Base of the back-off. Default 5,000. */
  backoffBaseMs?: number;
  /** Longest back-off; Infinity: no cap. Default 600,000. */
  backoffMaxMs?: number;
  /** Not before this time. Default: at once. */
  scheduledAt?: Date;
  /** The job dies unless it is fetched within this time. Default: never. */
  expireAfterMs?: number;
  /** Labels, at most 16 KiB as JSON. */
  tags?: Record<string, unknown>;
  /** What the first attempt finds as its checkpoint, at most 256 KiB as JSON. */
  checkpoint?: unknown;
  /** Id of the job that this one belongs to. */
  parentId?: string;
  /** Makes it an agent job, which is worked on in iterations: see `agent`. `{}`: one without limits. */
  agent?: AgentLimits;
  /** Steps that follow this job, each added when the one before is completed; this job is the first step. */
  chain?: ChainOptions;
  /** Ids of up to 1,000 jobs that must be completed before this one is handed out. */
  dependsOn?: readonly string[];
  /** Open batch that this job joins (see `client.together.createBatch`). */
  batchId?: string;
}

/** What follows the first step of a chain. */
export interface ChainOptions {
  /** The steps behind the first. Their payloads are added to `previous_job_id` and `previous_result`. */
  then: readonly ChainStep[];
  /** Added once, when a step dies; finds `failed_job_id`, `failed_step` and `error` in its payload. */
  onFailure?: ChainStep;
  /** Added once, when the last step is completed or a step ends the chain. */
  onExit?: ChainStep;
}

export interface ChainStep {
  job: JobDefinition<never, unknown> | JobDefinition<unknown, unknown> | string;
  payload?: Record<string, unknown>;
}

/** Defines a kind of job once. `options` are the defaults of each job of this kind. */
export function defineJob<Payload, Result = void>(queue: string, options: EnqueueOptions = {}): JobDefinition<Payload, Result> {
  return { queue: checkedQueue(queue), options };
}

/** The queue of a job definition or a queue's name; throws when it cannot be one. */
export function queueOf(job: JobDefinition<never, unknown> | JobDefinition<unknown, unknown> | string): string {
  return typeof job === "string" ? checkedQueue(job) : job.queue;
}

function checkedQueue(queue: string): string {
  const bytes = new TextEncoder().encode(queue).length;
  if (bytes === 0 || bytes > 255) throw new RangeError(`a queue's name has 1 to 255 bytes, "${queue.slice(0, 40)}" has ${bytes}`);
  return queue;
}
