import { type Client, createClient, type CallOptions as WireOptions } from "@connectrpc/connect";
import { AdminService } from "@corvo/gen/corvo/v1/admin_pb.js";
import { BatchService } from "@corvo/gen/corvo/v1/batch_pb.js";
import { ClusterService } from "@corvo/gen/corvo/v1/cluster_pb.js";
import { EventService } from "@corvo/gen/corvo/v1/event_pb.js";
import { ExplainService } from "@corvo/gen/corvo/v1/explain_pb.js";
import { JobService } from "@corvo/gen/corvo/v1/job_pb.js";
import { QueueService } from "@corvo/gen/corvo/v1/queue_pb.js";
import { WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import type { Caller } from "./agent-calls.js";
import type { CallOptions, ChangeOptions, ClientOptions } from "./client-options.js";
import { cancelled } from "./errors.js";
import { newRequestId } from "./requests.js";
import { type Backoff, checkedMs, defaultBackoff, repeat } from "./retry.js";

/** A connection and how calls go over it: calls that break are repeated, and those that change something carry a request id. */
export class Connection {
  /** The generated clients, for what has no method here: nothing is repeated, errors are ConnectErrors. */
  readonly rpc: {
    readonly worker: Client<typeof WorkerService>;
    readonly jobs: Client<typeof JobService>;
    readonly queues: Client<typeof QueueService>;
    readonly cluster: Client<typeof ClusterService>;
    readonly events: Client<typeof EventService>;
    readonly admin: Client<typeof AdminService>;
    readonly explain: Client<typeof ExplainService>;
    readonly batches: Client<typeof BatchService>;
  };
  readonly backoff: Backoff;
  protected readonly timeoutMs: number;
  /** Aborted when the client is closed. */
  protected readonly life = new AbortController();
  /** How calls that stand elsewhere go over this connection. */
  protected readonly caller: Caller = { repeat: (o, call) => this.repeat(o, call), change: (o, call) => this.change(o, call) };
  private readonly tries: number;

  constructor(protected readonly options: ClientOptions) {
    const { transport } = options;
    this.rpc = {
      worker: createClient(WorkerService, transport),
      jobs: createClient(JobService, transport),
      queues: createClient(QueueService, transport),
      cluster: createClient(ClusterService, transport),
      events: createClient(EventService, transport),
      admin: createClient(AdminService, transport),
      explain: createClient(ExplainService, transport),
      batches: createClient(BatchService, transport),
    };
    this.timeoutMs = checkedMs("timeoutMs", options.timeoutMs ?? 30_000);
    this.tries = options.tries ?? 10;
    this.backoff = options.backoff ?? defaultBackoff;
    if (!(this.tries >= 1)) throw new RangeError(`tries must be 1 or more, not ${this.tries}`);
  }

  /** Ends the connection; calls on their way and later ones reject with reason `CANCELLED`. */
  close(): void {
    this.life.abort(new Error("the client was closed"));
    this.options.onClose?.();
  }

  protected change<T>(options: ChangeOptions, call: (options: WireOptions, requestId: string) => Promise<T>): Promise<T> {
    const requestId = options.requestId ?? newRequestId();
    return this.repeat(options, (o) => call(o, requestId));
  }

  protected repeat<T>({ signal, timeoutMs }: CallOptions, call: (options: WireOptions) => Promise<T>): Promise<T> {
    if (this.life.signal.aborted) return Promise.reject(cancelled(this.life.signal.reason));
    return repeat(call, {
      timeoutMs: timeoutMs === undefined ? this.timeoutMs : checkedMs("timeoutMs", timeoutMs),
      tries: this.tries,
      backoff: this.backoff,
      signal,
      closed: this.life.signal,
    });
  }
}
