/**
 * What the engine costs by itself: enqueue + fetch + ack in frames, empty and with many jobs pending; memory; pauses; a snapshot.
 *
 *   npx tsx --tsconfig packages/engine/bench/tsconfig.json packages/engine/bench/cycle.ts [--pending 1000000] [--frame 64] [--seconds 2]
 */
import { PerformanceObserver, performance } from "node:perf_hooks";
import { putBytes, putInt32, putText, putUint64, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import {
  AckBatchItemTag,
  encodeLifecycleEnqueueItem,
  FetchBatchJobReader,
  LifecycleStreamRequestTag,
  LifecycleStreamResponseReader,
} from "@corvo/gen/corvo/v1/worker_fast.js";
import { EntryWriter, Verb } from "@corvo/protocol";
import { Engine, type EngineOptions } from "../src/index.js";

const args = new Map<string, string>();
for (let i = 2; i < process.argv.length; i += 2) args.set(process.argv[i].replace(/^--/, ""), process.argv[i + 1]);
const pendingMax = Number(args.get("pending") ?? 1_000_000);
const frame = Number(args.get("frame") ?? 64);
const seconds = Number(args.get("seconds") ?? 2);
const payload = JSON.stringify({ to: "somebody@example.org", text: "x".repeat(158) });

let archived = 0;
const options: EngineOptions = {
  archive: {
    append(_place, _seq, bytes) {
      archived += bytes.length;
    },
    drop() {},
  },
  archiveRecordOverheadBytes: 24,
  archiveSegmentBytesMax: 64 * 1024 * 1024,
};

let pauseMaxMs = 0;
let pauseSumMs = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    pauseMaxMs = Math.max(pauseMaxMs, entry.duration);
    pauseSumMs += entry.duration;
  }
}).observe({ entryTypes: ["gc"] });

/** CPU time of this process: other processes on the same cores do not count. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

class Load {
  index = 0;
  nowMs = 1_700_000_000_000;
  private readonly w = new Writer(1 << 20);
  private readonly item = new Writer(1024);
  private readonly entry = new EntryWriter();
  private readonly answer = new LifecycleStreamResponseReader();
  private readonly job = new FetchBatchJobReader();
  private leased: Uint8Array[] = [];
  applyMs = 0;
  applyCpuMs = 0;
  applyMaxMs = 0;
  jobs = 0;

  constructor(readonly engine: Engine) {
    this.item.reset();
    encodeLifecycleEnqueueItem(this.item, { queue: "mail", payloadJson: payload });
  }

  /** One frame: acks what the last one leased, fetches, enqueues. */
  cycle(fetchCount: number, enqueues: number): void {
    const w = this.w.reset();
    putText(w, LifecycleStreamRequestTag.queues, "mail");
    putText(w, LifecycleStreamRequestTag.workerId, "worker-1");
    putInt32(w, LifecycleStreamRequestTag.fetchCount, fetchCount);
    for (const ack of this.leased) putBytes(w, LifecycleStreamRequestTag.acks, ack);
    const item = this.item.view();
    for (let i = 0; i < enqueues; i++) putBytes(w, LifecycleStreamRequestTag.enqueues, item);
    const entry = this.finish(Verb.LIFECYCLE, w.view());
    this.jobs += this.leased.length;
    this.leased = [];
    const startedMs = performance.now();
    const startedCpu = cpuUs();
    this.engine.apply(entry, ++this.index, 1, this.sink);
    const tookMs = performance.now() - startedMs;
    this.applyCpuMs += (cpuUs() - startedCpu) / 1000;
    this.applyMs += tookMs;
    this.applyMaxMs = Math.max(this.applyMaxMs, tookMs);
    this.take();
  }

  private finish(verb: Verb, body: Uint8Array): Uint8Array {
    this.entry.start(this.nowMs++);
    this.entry.add({ verb, body });
    return this.entry.finish();
  }

  private readonly sink = {
    answer: (_i: number, bytes: Uint8Array) => {
      this.answered = bytes.slice();
    },
    refused: (_i: number, refusal: { message: string }) => {
      throw new Error(refusal.message);
    },
  };
  private answered = new Uint8Array(0);
  private readonly ack = new Writer(128);

  /** Notes what the last frame leased: the next one acks it. */
  private take(): void {
    const bytes = this.answered;
    const r = this.answer.read(bytes, 0, bytes.length);
    for (let i = 0; i < r.jobsCount; i++) {
      const job = this.job.read(bytes, r.jobsStart[i], r.jobsEnd[i]);
      const w = this.ack.reset();
      putBytes(w, AckBatchItemTag.jobId, bytes.subarray(job.jobIdStart, job.jobIdEnd));
      putUint64(w, AckBatchItemTag.fence, job.fence);
      this.leased.push(w.copy());
    }
  }

  fill(count: number): void {
    for (let left = count; left > 0; left -= 1000) this.cycle(0, Math.min(left, 1000));
  }

  async measure(name: string): Promise<number> {
    for (let i = 0; i < 2000; i++) this.cycle(frame, frame);
    this.applyMs = this.applyCpuMs = this.applyMaxMs = this.jobs = 0;
    pauseMaxMs = pauseSumMs = 0;
    const slices: number[] = [];
    const untilMs = performance.now() + seconds * 1000;
    while (performance.now() < untilMs) {
      const beforeMs = this.applyCpuMs;
      const beforeJobs = this.jobs;
      for (let i = 0; i < 50; i++) this.cycle(frame, frame);
      slices.push(((this.applyCpuMs - beforeMs) * 1000) / (this.jobs - beforeJobs));
    }
    await new Promise((resolve) => setImmediate(resolve)); // the observer tells of pauses between turns
    slices.sort((a, b) => a - b);
    const each = slices[slices.length >> 1];
    console.log(
      `${name}: ${each.toFixed(2)} µs CPU a job in the median, ${slices[Math.floor(slices.length / 10)].toFixed(2)} in the best tenth (${this.jobs} jobs); longest apply ${this.applyMaxMs.toFixed(2)} ms; GC longest ${pauseMaxMs.toFixed(2)} ms, ${pauseSumMs.toFixed(0)} ms in all`,
    );
    return each;
  }
}

const load = new Load(new Engine(options));
const empty = await load.measure(`frames of ${frame}, nothing pending`);

global.gc?.();
const beforeBytes = process.memoryUsage().rss;
const stateBefore = load.engine.stateBytes;
const fillStartedMs = performance.now();
load.applyMs = load.applyMaxMs = 0;
load.fill(pendingMax);
console.log(
  `fill: ${((load.applyMs * 1000) / pendingMax).toFixed(2)} µs a job, longest apply of 1000 ${load.applyMaxMs.toFixed(2)} ms, ${(performance.now() - fillStartedMs).toFixed(0)} ms in all`,
);
global.gc?.();
const payloadBytes = payload.length;
console.log(
  `memory: state ${((load.engine.stateBytes - stateBefore) / pendingMax - payloadBytes).toFixed(0)}, resident ${((process.memoryUsage().rss - beforeBytes) / pendingMax - payloadBytes).toFixed(0)} bytes a pending job beside its payload of ${payloadBytes}`,
);
const full = await load.measure(`frames of ${frame}, ${pendingMax} pending`);
console.log(`rate against empty: ${((empty / full) * 100).toFixed(0)} %`);

{
  const cut = load.engine.cut();
  const chunks: Uint8Array[] = [];
  let chunkMaxMs = 0;
  load.applyMaxMs = load.applyMs = load.jobs = 0;
  const cutStartedMs = performance.now();
  let bytes = 0;
  for (;;) {
    const startedMs = performance.now();
    const chunk = cut.next();
    chunkMaxMs = Math.max(chunkMaxMs, performance.now() - startedMs);
    if (chunk === undefined) break;
    bytes += chunk.length;
    chunks.push(chunk);
    for (let i = 0; i < 4; i++) load.cycle(frame, frame);
  }
  cut.release();
  console.log(
    `cut: ${chunks.length} chunks, ${(bytes / 1e6).toFixed(0)} MB, longest chunk ${chunkMaxMs.toFixed(2)} ms, longest apply meanwhile ${load.applyMaxMs.toFixed(2)} ms, ${(performance.now() - cutStartedMs).toFixed(0)} ms in all`,
  );
  const restoreStartedMs = performance.now();
  const restored = await Engine.restore(
    options,
    (async function* () {
      yield* chunks;
    })(),
  );
  console.log(`restore: ${(performance.now() - restoreStartedMs).toFixed(0)} ms for ${restored.liveJobs} jobs`);
}

{
  load.applyMaxMs = load.applyMs = 0;
  const w = new Writer(256);
  putText(w, 10, "mail");
  const entry = new EntryWriter().start(load.nowMs++);
  entry.add({ verb: Verb.CLEAR_QUEUE, body: w.view() });
  const startedMs = performance.now();
  load.engine.apply(entry.finish(), ++load.index, 1);
  const clearMs = performance.now() - startedMs;
  let entries = 0;
  let longestMs = 0;
  const sweepStartedMs = performance.now();
  while (load.engine.nextTimerMs() <= load.nowMs) {
    const tick = new EntryWriter().start(load.nowMs++);
    tick.add({ verb: Verb.TICK });
    const oneMs = performance.now();
    load.engine.apply(tick.finish(), ++load.index, 1);
    longestMs = Math.max(longestMs, performance.now() - oneMs);
    entries++;
  }
  console.log(
    `clear: ${clearMs.toFixed(2)} ms; swept by ${entries} ticks in ${(performance.now() - sweepStartedMs).toFixed(0)} ms, longest ${longestMs.toFixed(2)} ms; ${load.engine.liveJobs} jobs left`,
  );
}
console.log(`archived ${(archived / 1e6).toFixed(0)} MB`);
