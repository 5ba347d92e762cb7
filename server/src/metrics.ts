import { type IntervalHistogram, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import { type Durations, jobSecondsBuckets } from "@corvo/engine";
import type { Replica, Snapshotter } from "@corvo/replica";
import { type LogCounters, syncMsBuckets } from "@corvo/storage";
import { Counter, Gauge, Registry } from "prom-client";
import { Distribution, register } from "./distribution.js";
import type { StreamCounters } from "./handlers/lifecycle.js";
import type { ServerOptions } from "./options.js";

export interface MetricsSource {
  replica: Replica;
  snapshotter: Snapshotter;
  streams: StreamCounters;
  options: ServerOptions;
  raft: { commitIndex: number };
  log: { counters: LogCounters; bytes: number };
  archive: { bytes: number };
  /** The read view: changes that wait for it, and log entries that it has not seen. */
  view(): { readonly backlog: number; readonly lag: number } | undefined;
}

/** One method and route. */
interface RouteSeries {
  method: string;
  route: string;
  errors: number;
  seconds: Distribution;
}

/** Labels that name queues are capped: a scrape of 2,000 series takes 15 ms (design/dependencies.md §2). */
const queueLabelsMax = 500;
const commitSeconds = [0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];
const httpSeconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const states = ["pending", "active", "held", "completed", "dead", "scheduled", "retrying", "cancelled"] as const;

/** Steps in which the event loop's delay is looked at: 100 timers a second. */
const loopResolutionMs = 10;

type ReadSeries = (name: string, help: string, read: () => number) => void;

function atScrape(series: Gauge | Counter, run: () => void): void {
  (series as unknown as { collect: () => void }).collect = run;
}

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
  private readonly queueTime = new Distribution(commitSeconds);
  private readonly applyTime = new Distribution(commitSeconds);
  private inFlight = 0;
  private readonly refused = new Map<string, { method: string; count: number }>();
  /** By method, then route. */
  private readonly series = new Map<string, Map<string, RouteSeries>>();
  private gcPauseNs = 0;
  private readonly gc: PerformanceObserver;
  private readonly loop: IntervalHistogram = monitorEventLoopDelay({ resolution: loopResolutionMs });

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
    counter("corvo_raft_fetch_overload_total", "Fetches refused because too many of their queue waited: fetches share log entries here, so always 0.", () => 0);
    counter("corvo_raft_applied_total", "Commands applied.", () => replica.counters.appliedCommands);
    gauge("corvo_raft_state", "0 follower, 1 candidate, 2 leader, 3 shutdown.", () => (replica.serving ? 2 : 0));
    gauge("corvo_raft_applied_index", "Last applied log index.", () => engine.appliedIndex);
    gauge("corvo_raft_commit_index", "Last committed log index.", () => raft.commitIndex);
    gauge("corvo_raft_snapshot_latest_index", "Index of the latest snapshot; 0: none.", () => snapshotter.latest?.index ?? 0);
    register(this.registry, "corvo_raft_queue_time_seconds", "From the first command of an entry to its answer.", () => [
      { labels: {}, ...this.queueTime.read() },
    ]);
    register(this.registry, "corvo_raft_apply_time_seconds", "Time to apply an entry and answer.", () => [{ labels: {}, ...this.applyTime.read() }]);
    this.storageSeries(source, gauge, counter);
    this.jobSeries(source, counter);
    this.loopSeries();

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

    this.httpSeries();
    gauge("corvo_http_requests_in_flight", "Requests of REST and the probes that are being answered; streams and RPC are counted apart.", () => this.inFlight);

    this.gc = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.gcPauseNs = Math.round(entry.duration * 1e6);
    });
    this.gc.observe({ entryTypes: ["gc"] });
    this.loop.enable();
    counter("corvo_metrics_errors_total", "Parts of this page that could not be read: none can fail alone, so always 0.", () => 0);
  }

  /** One applied entry: how long its first command waited, and how long applying took. */
  entryApplied(waitedMs: number, applyMs: number): void {
    this.queueTime.add(waitedMs / 1000);
    this.applyTime.add(applyMs / 1000);
  }

  /** A request of HTTP that is not RPC came in (1) or its answer is out (-1). */
  inProgress(change: 1 | -1): void {
    this.inFlight += change;
  }

  /** `route` is a template or a method's path, never a raw URL. */
  requestEnded(method: string, route: string, status: number, ms: number): void {
    let series = this.series.get(method)?.get(route);
    if (!series) {
      series = { method, route, errors: 0, seconds: new Distribution(httpSeconds) };
      let routes = this.series.get(method);
      if (!routes) this.series.set(method, (routes = new Map()));
      routes.set(route, series);
    }
    if (status >= 400) series.errors++;
    series.seconds.add(ms / 1000);
  }

  /** The rate limiter refused a call; `route` is the method's path. */
  throttled(method: string, route: string): void {
    const one = this.refused.get(route);
    if (one) one.count++;
    else this.refused.set(route, { method, count: 1 });
  }

  close(): void {
    this.gc.disconnect();
    this.loop.disable();
  }

  private *routes(): Iterable<RouteSeries> {
    for (const routes of this.series.values()) yield* routes.values();
  }

  /** Requests by method and route template: few, because routes are templates. */
  private httpSeries(): void {
    const byRoute = (name: string, help: string, fill: (series: Counter) => void): void => {
      const series = new Counter({ name, help, labelNames: ["method", "route"], registers: [this.registry] });
      atScrape(series, () => {
        series.reset();
        fill(series);
      });
    };
    byRoute("corvo_http_requests_total", "Requests by method and route template.", (series) => {
      for (const { method, route, seconds } of this.routes()) series.inc({ method, route }, seconds.count);
    });
    byRoute("corvo_http_request_errors_total", "Requests answered with a status of 400 and above.", (series) => {
      for (const { method, route, errors } of this.routes()) series.inc({ method, route }, errors);
    });
    register(this.registry, "corvo_http_request_duration_seconds", "Duration of requests.", () =>
      [...this.routes()].map(({ method, route, seconds }) => ({ labels: { method, route }, ...seconds.read() })),
    );
    byRoute("corvo_rate_limit_throttled_total", "Requests refused by the rate limiter.", (series) => {
      for (const [route, { method, count }] of this.refused) series.inc({ method, route }, count);
    });
  }

  /** Log, archive and view: read from what is counted anyway. */
  private storageSeries({ log, archive, view }: MetricsSource, gauge: ReadSeries, counter: ReadSeries): void {
    register(this.registry, "corvo_log_sync_seconds", "Syncs of the log's file: one for each group of entries.", () => {
      const { syncMsCounts, syncMsSum } = log.counters;
      return [{ labels: {}, bounds: syncMsBuckets.map((ms) => ms / 1000), counts: syncMsCounts, sum: syncMsSum / 1000 }];
    });
    counter("corvo_log_entries_total", "Entries written to the log.", () => log.counters.entries);
    counter("corvo_log_written_bytes_total", "Bytes written to the log.", () => log.counters.bytes);
    gauge("corvo_log_bytes", "Bytes of the log that are kept.", () => log.bytes);
    gauge("corvo_archive_bytes", "Bytes of finished jobs.", () => archive.bytes);
    gauge("corvo_sqlite_mirror_lag_updates", "Changes that the read view has not applied yet.", () => view()?.backlog ?? 0);
    counter("corvo_sqlite_mirror_dropped_total", "Changes that the read view lost: it holds its feeder back instead, so always 0.", () => 0);
    gauge("corvo_view_lag_entries", "Log entries that are applied and not yet in the read view.", () => view()?.lag ?? 0);
  }

  /** How long jobs wait and run, what went wrong with their leases, and how old the oldest are. */
  private jobSeries({ replica }: MetricsSource, counter: ReadSeries): void {
    const { engine } = replica;
    const { measured } = engine;
    measured.reset();
    const durations = (name: string, help: string, read: () => Durations): void =>
      register(this.registry, name, help, () => {
        const { counts, sumMs } = read();
        return [{ labels: {}, bounds: jobSecondsBuckets, counts, sum: sumMs / 1000 }];
      });
    durations("corvo_job_waiting_seconds", "From becoming pending to the lease, in log time.", () => measured.waiting);
    durations("corvo_job_running_seconds", "From the lease to its end, however it ended, in log time.", () => measured.running);
    counter("corvo_stale_fences_total", "Acks, fails, heartbeats and releases under a fence that is not the lease's.", () => measured.staleFences);
    counter(
      "corvo_lease_expiries_total",
      "Leases that ended because their worker fell silent.",
      sinceNow(() => engine.eventsOf("reclaimed")),
    );
    const oldest = new Gauge({
      name: "corvo_queue_oldest_seconds",
      help: "Age of the job that has been longest in a state, since its creation, for at most 500 queues.",
      labelNames: ["queue", "state"],
      registers: [this.registry],
    });
    atScrape(oldest, () => {
      oldest.reset();
      const nowMs = Math.max(Date.now(), engine.logTimeMs);
      engine.oldest((queue, state, createdMs) => oldest.set({ queue, state }, Math.max(0, nowMs - createdMs) / 1000), queueLabelsMax);
    });
  }

  private loopSeries(): void {
    const delay = new Gauge({
      name: "corvo_event_loop_delay_seconds",
      help: "How late the event loop was since the last scrape; quantile 1 is the latest.",
      labelNames: ["quantile"],
      registers: [this.registry],
    });
    atScrape(delay, () => {
      const { loop } = this;
      for (const quantile of [0.5, 0.9, 0.99, 1]) {
        const seconds = (quantile === 1 ? loop.max : loop.percentile(quantile * 100)) / 1e9;
        delay.set({ quantile }, loop.count === 0 ? 0 : Math.max(0, seconds - loopResolutionMs / 1000));
      }
      loop.reset();
    });
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
