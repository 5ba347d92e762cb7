import { PerformanceObserver } from "node:perf_hooks";
import type { Replica, Snapshotter } from "@corvo/replica";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { StreamCounters } from "./handlers/lifecycle.js";
import type { ServerOptions } from "./options.js";

export interface MetricsSource {
  replica: Replica;
  snapshotter: Snapshotter;
  streams: StreamCounters;
  options: ServerOptions;
  raft: { commitIndex: number };
}

/** Labels that name queues are capped: a scrape of 2,000 series takes 15 ms (design/dependencies.md §2). */
const queueLabelsMax = 500;
const commitSeconds = [0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];
const httpSeconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const states = ["pending", "active", "held", "completed", "dead", "scheduled", "retrying", "cancelled"] as const;

/** What was counted before, by replay, is not this process's. */
function sinceNow(read: () => number): () => number {
  const before = read();
  return () => read() - before;
}

/**
 * Prometheus series under the names of spec/metrics.md. Everything is read at scrape time from counters that are kept anyway,
 * so the hot path pays one observation per log entry and one per HTTP request.
 */
export class Metrics {
  readonly registry = new Registry();
  private readonly queueTime: Histogram;
  private readonly applyTime: Histogram;
  private readonly requests: Counter;
  private readonly requestErrors: Counter;
  private readonly requestSeconds: Histogram;
  private inFlight = 0;
  /** Series of a request, found once per method and route: looking them up by labels costs more than counting. */
  private readonly series = new Map<string, Map<string, { count: Counter.Internal; errors: Counter.Internal; seconds: Histogram.Internal<string> }>>();
  private gcPauseNs = 0;
  private readonly gc: PerformanceObserver;

  constructor(source: MetricsSource) {
    const { replica, streams, options, snapshotter, raft } = source;
    const engine = replica.engine;
    const gauge = (name: string, help: string, read: () => number): void => this.read(new Gauge({ name, help, registers: [this.registry] }), read);
    const counter = (name: string, help: string, read: () => number): void => this.read(new Counter({ name, help, registers: [this.registry] }), read);

    counter("corvo_throughput_enqueued_total", "Jobs added, over every path.", () => engine.lastSeq);
    counter(
      "corvo_throughput_completed_total",
      "Jobs completed, over every path.",
      sinceNow(() => engine.eventsOf("completed")),
    );
    counter(
      "corvo_throughput_failed_total",
      "Failed attempts, over every path.",
      sinceNow(() => engine.eventsOf("failed")),
    );

    gauge("corvo_lifecycle_streams_open", "Open lifecycle streams.", () => streams.open);
    gauge("corvo_lifecycle_streams_max", "Lifecycle streams that may be open; 0: no cap.", () => options.streamsOpenMax);
    gauge("corvo_lifecycle_frames_inflight", "Frames that are worked on.", () => streams.framesInFlight);
    gauge("corvo_lifecycle_frames_max_inflight", "Frames that may be worked on at a time.", () => options.framesInFlightMax);
    counter("corvo_lifecycle_frames_total", "Frames that were worked on.", () => streams.frames);
    counter("corvo_lifecycle_streams_total", "Lifecycle streams opened.", () => streams.opened);
    counter("corvo_lifecycle_overload_total", "Frames refused as overload.", () => streams.overloaded);
    counter("corvo_lifecycle_idle_fetch_total", "Frames answered empty after the idle wait.", () => streams.idleFetches);

    gauge("corvo_cluster_is_leader", "1 when this node leads.", () => (replica.serving ? 1 : 0));
    gauge("corvo_raft_apply_pending", "Commands that wait to be applied.", () => replica.pending);
    gauge("corvo_raft_apply_max_pending", "Commands that may wait to be applied.", () => options.pendingMax);
    counter("corvo_raft_apply_overload_total", "Commands refused because too many waited.", () => replica.counters.overloaded);
    counter("corvo_raft_applied_total", "Commands applied.", () => replica.counters.appliedCommands);
    gauge("corvo_raft_state", "0 follower, 1 candidate, 2 leader, 3 shutdown.", () => (replica.serving ? 2 : 0));
    gauge("corvo_raft_applied_index", "Last applied log index.", () => engine.appliedIndex);
    gauge("corvo_raft_commit_index", "Last committed log index.", () => raft.commitIndex);
    gauge("corvo_raft_snapshot_latest_index", "Index of the latest snapshot; 0: none.", () => snapshotter.latest?.index ?? 0);
    this.queueTime = new Histogram({
      name: "corvo_raft_queue_time_seconds",
      help: "From the first command of an entry to its answer.",
      buckets: commitSeconds,
      registers: [this.registry],
    });
    this.applyTime = new Histogram({
      name: "corvo_raft_apply_time_seconds",
      help: "Time to apply an entry and answer.",
      buckets: commitSeconds,
      registers: [this.registry],
    });

    gauge("corvo_queues_total", "Queues.", () => engine.queues().length);
    this.queueGauges(source);
    gauge("corvo_workers_registered", "Workers known.", () => engine.workers().length);
    gauge(
      "corvo_workers_active",
      "Workers seen within 5 minutes of log time.",
      () => engine.workers().filter((w) => w.lastHeartbeatMs >= engine.logTimeMs - 300_000).length,
    );
    gauge("corvo_state_bytes", "Memory of tables and documents of live jobs.", () => engine.stateBytes);
    gauge("corvo_live_jobs", "Live jobs.", () => engine.liveJobs);
    gauge("corvo_fetch_waiters", "Long polls that are asleep.", () => replica.waiters.size);

    gauge("corvo_process_goroutines", "Active handles and requests of the process.", () => process.getActiveResourcesInfo().length);
    gauge("corvo_process_heap_inuse_bytes", "JavaScript heap in use.", () => process.memoryUsage().heapUsed);
    gauge("corvo_process_stack_inuse_bytes", "Resident memory outside the heap.", () => process.memoryUsage().rss - process.memoryUsage().heapTotal);
    gauge("corvo_process_gc_pause_ns", "Last garbage collection pause.", () => this.gcPauseNs);
    this.schedulerSeries(replica, counter, gauge);

    this.requests = new Counter({
      name: "corvo_http_requests_total",
      help: "Requests by method and route template.",
      labelNames: ["method", "route"],
      registers: [this.registry],
    });
    this.requestErrors = new Counter({
      name: "corvo_http_request_errors_total",
      help: "Requests answered with a status of 400 and above.",
      labelNames: ["method", "route"],
      registers: [this.registry],
    });
    this.requestSeconds = new Histogram({
      name: "corvo_http_request_duration_seconds",
      help: "Duration of requests.",
      labelNames: ["method", "route"],
      buckets: httpSeconds,
      registers: [this.registry],
    });
    gauge("corvo_http_requests_in_flight", "Requests of REST and the probes that are being answered; streams and RPC are counted apart.", () => this.inFlight);

    this.gc = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.gcPauseNs = Math.round(entry.duration * 1e6);
    });
    this.gc.observe({ entryTypes: ["gc"] });
  }

  /** One applied entry: how long its first command waited, and how long applying took. */
  entryApplied(waitedMs: number, applyMs: number): void {
    this.queueTime.observe(waitedMs / 1000);
    this.applyTime.observe(applyMs / 1000);
  }

  /** A request of HTTP that is not RPC came in (1) or its answer is out (-1). */
  inProgress(change: 1 | -1): void {
    this.inFlight += change;
  }

  /** `route` is a template or a method's path, never a raw URL. */
  requestEnded(method: string, route: string, status: number, ms: number): void {
    let series = this.series.get(method)?.get(route);
    if (!series) {
      series = {
        count: this.requests.labels(method, route),
        errors: this.requestErrors.labels(method, route),
        seconds: this.requestSeconds.labels(method, route),
      };
      let routes = this.series.get(method);
      if (!routes) this.series.set(method, (routes = new Map()));
      routes.set(route, series);
    }
    series.count.inc();
    if (status >= 400) series.errors.inc();
    series.seconds.observe(ms / 1000);
  }

  close(): void {
    this.gc.disconnect();
  }

  private read(series: Gauge | Counter, read: () => number): void {
    (series as unknown as { collect: () => void }).collect = () => {
      if (series instanceof Gauge) series.set(read());
      else {
        series.reset();
        series.inc(read());
      }
    };
  }

  private queueGauges({ replica }: MetricsSource): void {
    const byQueue = new Gauge({
      name: "corvo_queue_jobs",
      help: "Jobs by queue and state; queues beyond 500 are summed as `_other`.",
      labelNames: ["queue", "state"],
      registers: [this.registry],
    });
    const byState = new Gauge({ name: "corvo_jobs", help: "Jobs by state.", labelNames: ["state"], registers: [this.registry] });
    (byQueue as unknown as { collect: () => void }).collect = () => {
      byQueue.reset();
      const sums = new Map<string, number>();
      for (const [at, queue] of replica.engine.queues().entries()) {
        for (const state of states) {
          const count = queue[state];
          sums.set(state, (sums.get(state) ?? 0) + count);
          if (at < queueLabelsMax) byQueue.set({ queue: queue.name, state }, count);
          else byQueue.inc({ queue: "_other", state }, count);
        }
      }
      for (const state of states) byState.set({ state }, sums.get(state) ?? 0);
    };
  }

  private schedulerSeries(
    replica: Replica,
    counter: (name: string, help: string, read: () => number) => void,
    gauge: (name: string, help: string, read: () => number) => void,
  ): void {
    for (const task of ["promote", "reclaim", "expire", "purge"] as const) {
      const purge = task === "purge";
      counter(`corvo_scheduler_${task}_total`, `Runs of ${task}.`, () => (purge ? replica.counters.purges : replica.counters.ticks));
      counter(`corvo_scheduler_${task}_errors_total`, `Failed runs of ${task}: a failure would stop the process, so always 0.`, () => 0);
      gauge(`corvo_scheduler_last_${task}_seconds`, `Unix time of the last run of ${task}; 0: never.`, () =>
        Math.floor((purge ? replica.counters.lastPurgeMs : replica.counters.lastTickMs) / 1000),
      );
    }
  }
}
