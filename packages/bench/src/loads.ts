import { beginMessage, endMessage, putBytes, putInt32, putText, putUint64, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import {
  AckBatchItemTag,
  AckRequestTag,
  EnqueueRequestTag,
  FetchBatchJobReader,
  FetchRequestTag,
  FetchResponseReader,
  LifecycleStreamRequestTag as Frame,
  LifecycleEnqueueItemTag,
  LifecycleStreamResponseReader,
} from "@corvo/gen/corvo/v1/worker_fast.js";
import { Latencies } from "./histogram.js";
import { envelope, type FrameStream, StreamPool } from "./stream-client.js";
import { requestHead, UnaryConnection } from "./unary-client.js";

/** What one load did. Only confirmed operations count; errors apart. */
export interface Measured {
  completed: number;
  errors: number;
  overloaded: number;
  elapsedMs: number;
  latencies: Latencies;
  firstError: string | undefined;
}

export interface Target {
  url: string;
  headers: Record<string, string>;
}

/** A load ends after `jobs` jobs or `ms` milliseconds, whichever comes first. */
export interface Bounds {
  jobs: number;
  ms: number;
}

/** Counts of a load that runs. */
export class Run {
  readonly result: Measured = { completed: 0, errors: 0, overloaded: 0, elapsedMs: 0, latencies: new Latencies(), firstError: undefined };
  started = 0;
  private readonly startMs = performance.now();
  constructor(readonly bounds: Bounds) {}
  /** Takes up to `count` jobs from what is left to do; 0: done. */
  take(count: number): number {
    if (performance.now() - this.startMs >= this.bounds.ms) return 0;
    const granted = Math.min(count, this.bounds.jobs - this.started);
    this.started += granted;
    return granted;
  }
  get over(): boolean {
    return performance.now() - this.startMs >= this.bounds.ms;
  }
  done(jobs: number, us: number): void {
    if (jobs <= 0) return;
    this.result.completed += jobs;
    this.result.latencies.add(us, jobs);
  }
  async failed(text: string): Promise<void> {
    this.result.firstError ??= text;
    const upper = text.toUpperCase();
    if (!upper.includes("OVERLOADED") && !upper.includes("RESOURCE_EXHAUSTED") && !upper.includes("429")) {
      this.result.errors++;
      return;
    }
    this.result.overloaded++;
    await new Promise((resolve) => setTimeout(resolve, Math.min(64, 2 ** Math.min(6, this.result.overloaded))));
  }
  end(): Measured {
    this.result.elapsedMs = performance.now() - this.startMs;
    return this.result;
  }
}

export interface StreamLoad extends Bounds {
  streams: number;
  /** Streams share connections; 4 streams each keeps both sides busy without many sockets. */
  streamsPerConnection: number;
  queue: string;
  payload: string;
  /** Jobs to add per frame. */
  enqueue: number;
  /** Jobs to fetch per frame; what a frame brought is acknowledged by the next. */
  fetch: number;
  leaseSeconds: number;
  /** Frames per second over all streams; 0: as fast as answers come. */
  framesPerSecond: number;
  /** Count a job when it is added ("enqueue"), or when its ack is confirmed ("ack"). */
  count: "enqueue" | "ack";
  workDurationMs: number;
  /** What the n-th job of this load is; without it all are of `queue` and `payload`. */
  item?: (n: number) => JobItem;
}

export interface JobItem {
  queue: string;
  payload: string;
  /** A JSON object. */
  tags: string;
}

/** Frames on lifecycle streams: each adds, fetches and acknowledges; latency is that of the frame that confirmed the job. */
export async function streamLoad(target: Target, load: StreamLoad): Promise<Measured> {
  const pool = new StreamPool(target.url, load.streamsPerConnection, target.headers);
  const run = new Run(load);
  const streams = Array.from({ length: load.streams }, () => pool.open());
  const pace = load.framesPerSecond > 0 ? (load.streams * 1000) / load.framesPerSecond : 0;
  await Promise.all(streams.map((stream, i) => new StreamWorker(stream, run, load, i).work((pace * i) / load.streams, pace)));
  const result = run.end();
  for (const stream of streams) stream.end();
  pool.close();
  return result;
}

class StreamWorker {
  private readonly answer = new LifecycleStreamResponseReader();
  private readonly job = new FetchBatchJobReader();
  private readonly w = new Writer(64 * 1024);
  private held: { id: Uint8Array; fence: number; sinceMs: number; misses: number }[] = [];
  constructor(
    private readonly stream: FrameStream,
    private readonly run: Run,
    private readonly load: StreamLoad,
    private readonly number: number,
  ) {}

  async work(delayMs: number, paceMs: number): Promise<void> {
    let dueMs = performance.now() + delayMs;
    for (;;) {
      if (paceMs > 0) {
        const waitMs = dueMs - performance.now();
        if (waitMs > 0.5) await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
      const enqueue = this.load.enqueue > 0 ? this.run.take(this.load.enqueue) : 0;
      const wantsMore = this.load.enqueue > 0 ? enqueue > 0 : !this.run.over && this.run.result.completed < this.run.bounds.jobs;
      if (!wantsMore && (this.held.length === 0 || this.run.over)) {
        if (this.held.length === 0 || this.load.count === "enqueue") return;
      }
      if (this.run.over && !wantsMore && this.held.length === 0) return;
      const fetch = wantsMore ? this.load.fetch : 0;
      if (this.load.workDurationMs > 0 && this.held.length > 0)
        await new Promise((resolve) => setTimeout(resolve, this.load.workDurationMs * this.held.length));
      const startMs = paceMs > 0 ? dueMs : performance.now();
      dueMs = Math.max(dueMs + paceMs, performance.now() - paceMs * 4);
      let answer: Uint8Array;
      try {
        answer = await this.stream.exchange(this.frame(enqueue, fetch));
      } catch (cause) {
        await this.run.failed((cause as Error).message);
        return;
      }
      if (await this.confirm(answer, enqueue, startMs)) continue;
      if (!wantsMore && this.held.length === 0) return;
    }
  }

  /** Counts what the answer confirms. True: the frame had an error and was counted as such. */
  private async confirm(bytes: Uint8Array, enqueued: number, startMs: number): Promise<boolean> {
    const us = (performance.now() - startMs) * 1000;
    const a = this.answer.read(bytes, 0, bytes.length);
    if (this.load.count === "enqueue") this.run.done(a.enqueuedJobIdsCount, us);
    // As every client of v0.3: the first `acked` ids are the acknowledged ones, the rest is sent again, three times at most.
    const confirmed = Math.min(a.acked, this.held.length);
    if (this.load.count === "ack") this.run.done(confirmed, us);
    this.held = this.held.slice(confirmed).filter((job) => ++job.misses < 3);
    for (let i = 0; i < a.jobsCount; i++) {
      const job = this.job.read(bytes, a.jobsStart[i], a.jobsEnd[i]);
      this.held.push({ id: bytes.slice(job.jobIdStart, job.jobIdEnd), fence: job.fence, sinceMs: startMs, misses: 0 });
    }
    if (a.errorEnd === a.errorStart) return false;
    this.run.started -= Math.max(0, enqueued - a.enqueuedJobIdsCount);
    await this.run.failed(Buffer.from(bytes.subarray(a.errorStart, a.errorEnd)).toString());
    return true;
  }

  private frame(enqueue: number, fetch: number): Uint8Array {
    const { w, load } = this;
    w.pos = 5;
    if (fetch > 0) {
      putText(w, Frame.queues, load.queue);
      putText(w, Frame.workerId, `bench-worker-${this.number}`);
      putText(w, Frame.hostname, "bench-host");
      putInt32(w, Frame.leaseDuration, load.leaseSeconds);
      putInt32(w, Frame.fetchCount, fetch);
    } else if (this.held.length > 0) putText(w, Frame.workerId, `bench-worker-${this.number}`);
    for (const job of this.held) {
      const at = beginMessage(w, Frame.acks, 40);
      putBytes(w, AckBatchItemTag.jobId, job.id);
      putText(w, AckBatchItemTag.resultJson, "{}");
      if (job.fence > 0) putUint64(w, AckBatchItemTag.fence, job.fence);
      endMessage(w, at);
    }
    for (let i = 0; i < enqueue; i++) {
      const item = load.item?.(this.run.started - enqueue + i) ?? load;
      const at = beginMessage(w, Frame.enqueues, item.payload.length + item.queue.length + 6);
      putText(w, LifecycleEnqueueItemTag.queue, item.queue);
      putText(w, LifecycleEnqueueItemTag.payloadJson, item.payload);
      if ("tags" in item) putText(w, LifecycleEnqueueItemTag.tagsJson, item.tags);
      endMessage(w, at);
    }
    return envelope(w.buf.slice(0, w.pos));
  }
}

export interface UnaryLoad extends Bounds {
  concurrency: number;
  queue: string;
  payload: string;
  /** `connect`: Connect unary with protobuf; `rest`: JSON. Both over HTTP/1.1. */
  protocol: "connect" | "rest";
  /** `enqueue`: one request a job. `cycle`: enqueue, fetch, ack: three requests a job, latency of all three. */
  what: "enqueue" | "cycle";
}

/** One job a request, each connection one request at a time. */
export async function unaryLoad(target: Target, load: UnaryLoad): Promise<Measured> {
  const { hostname, port, host } = new URL(target.url);
  const connections = Array.from({ length: load.concurrency }, () => new UnaryConnection(hostname, Number(port)));
  const run = new Run(load);
  const type = load.protocol === "connect" ? "application/proto" : "application/json";
  const head = (rpc: string, rest: string): Buffer =>
    requestHead(host, load.protocol === "connect" ? `/corvo.v1.WorkerService/${rpc}` : rest, type, target.headers);
  const heads = { enqueue: head("Enqueue", "/api/v1/enqueue"), fetch: head("Fetch", "/api/v1/fetch") };
  const bodies = load.protocol === "connect" ? protoBodies(load) : jsonBodies(load);
  const worker = async (connection: UnaryConnection): Promise<void> => {
    while (run.take(1) > 0) {
      const startMs = performance.now();
      try {
        const added = await connection.request(heads.enqueue, bodies.enqueue);
        if (added.status !== 200 && added.status !== 201) throw new Error(`${added.status} ${added.body.toString()}`);
        if (load.what === "cycle") {
          const fetched = await connection.request(heads.fetch, bodies.fetch);
          if (fetched.status !== 200) throw new Error(`fetch: ${fetched.status} ${fetched.body.toString()}`);
          const { id, fence } =
            load.protocol === "connect"
              ? readFetched(fetched.body)
              : (JSON.parse(fetched.body.toString()) as { job_id: string; fence: number } & { id: string });
          const jobId = load.protocol === "connect" ? id : (JSON.parse(fetched.body.toString()) as { job_id: string }).job_id;
          const acked =
            load.protocol === "connect"
              ? await connection.request(head("Ack", ""), ackBody(jobId, fence))
              : await connection.request(head("", `/api/v1/ack/${jobId}`), Buffer.from(JSON.stringify({ fence })));
          if (acked.status !== 200) throw new Error(`ack: ${acked.status} ${acked.body.toString()}`);
        }
        run.done(1, (performance.now() - startMs) * 1000);
      } catch (cause) {
        await run.failed((cause as Error).message);
        if ((cause as Error).message.includes("closed")) return;
      }
    }
  };
  await Promise.all(connections.map(worker));
  const result = run.end();
  for (const connection of connections) connection.close();
  return result;
}

const fetchedReader = new FetchResponseReader();
function readFetched(body: Buffer): { id: string; fence: number } {
  const f = fetchedReader.read(body, 0, body.length);
  return { id: body.toString("latin1", f.jobIdStart, f.jobIdEnd), fence: f.fence };
}

function ackBody(id: string, fence: number): Uint8Array {
  const w = new Writer(128);
  putText(w, AckRequestTag.jobId, id);
  putText(w, AckRequestTag.resultJson, "{}");
  if (fence > 0) putUint64(w, AckRequestTag.fence, fence);
  return w.buf.slice(0, w.pos);
}

function protoBodies(load: UnaryLoad): { enqueue: Uint8Array; fetch: Uint8Array } {
  const enqueue = new Writer(1024);
  putText(enqueue, EnqueueRequestTag.queue, load.queue);
  putText(enqueue, EnqueueRequestTag.payloadJson, load.payload);
  const fetch = new Writer(256);
  putText(fetch, FetchRequestTag.queues, load.queue);
  putText(fetch, FetchRequestTag.workerId, "bench-worker-0");
  putText(fetch, FetchRequestTag.hostname, "bench-host");
  putInt32(fetch, FetchRequestTag.leaseDuration, 30);
  return { enqueue: enqueue.buf.slice(0, enqueue.pos), fetch: fetch.buf.slice(0, fetch.pos) };
}

function jsonBodies(load: UnaryLoad): { enqueue: Uint8Array; fetch: Uint8Array } {
  return {
    enqueue: Buffer.from(`{"queue":${JSON.stringify(load.queue)},"payload":${load.payload}}`),
    fetch: Buffer.from(JSON.stringify({ queues: [load.queue], worker_id: "bench-worker-0", hostname: "bench-host", timeout: 30 })),
  };
}

/** A JSON object of exactly this many bytes, at least 10. */
export function payloadOf(bytes: number): string {
  return bytes <= 2 ? "{}" : `{"data":"${"x".repeat(Math.max(0, bytes - 11))}"}`;
}
