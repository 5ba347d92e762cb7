/** A kind of job: which queue it goes to, what its payload and result are. Shared by those who add jobs and those who do them. */
export interface JobDefinition<Payload, Result = void> {
  readonly queue: string;
  readonly options: EnqueueOptions;
  /** Types only; never present at run time. */
  readonly types?: { payload: Payload; result: Result };
}

/** Options of one job; every one has the server's default. */
export interface EnqueueOptions {
  /** Default `normal`. */
  priority?: "critical" | "high" | "normal";
  /** At most one live job per queue holds a key. */
  uniqueKey?: string;
  /** How long the key is held. Default 3,600 s. */
  uniquePeriodSeconds?: number;
  /** Attempts in total. Default 3. */
  maxAttempts?: number;
  /** Default `exponential`. */
  backoff?: "exponential" | "linear" | "fixed" | "none";
  /** Base of the back-off. Default 5,000. */
  backoffBaseMs?: number;
  /** Longest back-off. Default 600,000. */
  backoffMaxMs?: number;
  /** Not before this time. */
  scheduledAt?: Date;
  /** Dies unless fetched within this time. Default: never. */
  expireAfterMs?: number;
  /** Labels. */
  tags?: Record<string, unknown>;
  /** First checkpoint. */
  checkpoint?: unknown;
  /** Id of the job that this one belongs to. */
  parentId?: string;
  /** Makes a retry safe: the same id within an hour answers as the first time. Default: a new random id per call, so that the client may retry. */
  requestId?: string;
}

/** Defines a kind of job once. `options` are the defaults of each job of this kind. */
export function defineJob<Payload, Result = void>(queue: string, options: EnqueueOptions = {}): JobDefinition<Payload, Result> {
  if (queue === "") throw new TypeError("defineJob: the queue's name is empty");
  return { queue, options };
}
