import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import type { DescMethod } from "@bufbuild/protobuf";
import { failpoint, scanJsonValue, Verb } from "@corvo/protocol";
import { coreUrl } from "@corvo/raft";
import { type OpenedReplica, openReplica } from "@corvo/replica";
import type { Storage } from "@corvo/storage";
import {
  type Authenticate,
  createHealth,
  createListener,
  createRestHandler,
  type Listener,
  methodPath,
  type NodeHandler,
  type Observer,
  type Route,
  RpcError,
  reflectionRoutes,
  type WholeHandler,
} from "@corvo/transport";
import { assertAddressFree } from "./address-free.js";
import type { AdminContext } from "./admin/context.js";
import { adminHttp } from "./admin/http.js";
import { takeUpRestored } from "./admin/restore.js";
import { Guard } from "./auth/guard.js";
import { noteUsedKeys } from "./auth/key-use.js";
import type { Principal } from "./auth/principal.js";
import { calendar } from "./calendar.js";
import { documents } from "./documents.js";
import { EventHub } from "./events/hub.js";
import { eventMetrics } from "./events/metrics.js";
import type { AuthContext } from "./handlers/auth.js";
import { publicRoutes } from "./handlers/index.js";
import type { StreamCounters } from "./handlers/lifecycle.js";
import { httpHandler } from "./http.js";
import { atStorageFailpoint, killAtFailpoint } from "./kill-switch.js";
import { type Log, openLog } from "./log.js";
import { assertLogReachesSnapshot } from "./log-end.js";
import { Metrics } from "./metrics.js";
import { moneyMetrics } from "./money-metrics.js";
import { nodeClock, nodeRandom } from "./node-seams.js";
import { type GivenFlags, OptionError, resolveServerOptions, type ServerOptions } from "./options.js";
import { startFailure } from "./start-failure.js";
import { openStores } from "./stores.js";
import { Tracing } from "./tracing/spans.js";
import { tuneV8 } from "./tune-v8.js";
import { serverVersion } from "./version.js";
import { openView } from "./view.js";
import { WebhookDeliverer } from "./webhooks/deliverer.js";
import { Poster } from "./webhooks/post.js";
import { WorkerOrders } from "./worker-orders.js";

/** Newer clients of Corvo send several jobs to the route of one. */
const enqueueLists = [{ template: "/api/v1/enqueue", member: "jobs", by: "/api/v1/enqueue/batch" }];

/** A server that runs in this process. */
export interface RunningServer {
  readonly address: AddressInfo;
  /** Stops cleanly: no more calls, running ones finish for a while, the log is sealed. */
  stop(): Promise<void>;
  /** Resolves when it has ended by itself, with the cause. */
  readonly failed: Promise<unknown>;
  /** Resolves when a restored backup lies ready: stop this server and start it anew. */
  readonly restart: Promise<void>;
}

/** `corvo server`: runs until SIGTERM or SIGINT. Resolves with the exit code. */
export async function runServer(given: GivenFlags): Promise<number> {
  let options: ServerOptions;
  try {
    options = resolveServerOptions(given, process.env);
  } catch (cause) {
    if (!(cause instanceof OptionError)) throw cause;
    for (const line of cause.message.split("\n")) process.stderr.write(`error: ${line}\n`);
    process.stderr.write("hint:  corvo server --help\n");
    return 2;
  }
  const log = openLog(options.logLevel, options.logFormat);
  tuneV8();
  killAtFailpoint(process.env.CORVO_FAILPOINT);
  const signalled = nextSignal();
  for (;;) {
    let server: RunningServer;
    try {
      server = await startServer(options, log);
    } catch (cause) {
      log.error("corvo server could not start", { error: (cause as Error).message });
      const { message, hint } = startFailure(cause as Error, options);
      process.stderr.write(`error: ${message}\nhint:  ${hint}\n`);
      return 1;
    }
    const why = await Promise.race([signalled, server.failed.then(() => "failed" as const), server.restart.then(() => "restart" as const)]);
    if (why === "failed") return 1;
    if (why !== "restart") log.info("received shutdown signal", { signal: why });
    await server.stop();
    if (why === "restart") continue;
    log.info("corvo server stopped");
    return 0;
  }
}

/** Starts a server; resolves when it serves. */
export async function startServer(options: ServerOptions, log: Log): Promise<RunningServer> {
  for (const notice of options.notices) log.warn(notice);
  log.info("starting corvo server", {
    version: serverVersion,
    node_id: options.nodeId,
    data_dir: options.dataDir,
    raft_store: options.logBackend,
    durable: options.durable,
  });
  if (!options.durable) log.warn("answers do not wait for the disk: a power cut loses the last writes", { flag: "--durable=false" });
  await assertAddressFree(options);
  await takeUpRestored(options.dataDir, log, () => failpoint("restore-step"));
  const core = WebAssembly.compile(await readFile(coreUrl));
  let fail: (cause: unknown) => void = () => {};
  const failed = new Promise<unknown>((resolve) => {
    fail = resolve;
  });
  // A broken promise of disk, core or engine: nobody may be answered any more, not even by what is already queued.
  const onFatal = (cause: unknown): void => {
    log.error("a promise cannot be kept, the server stops at once", { error: cause as Error });
    fail(cause);
    process.exitCode = 1;
    setImmediate(() => process.exit(1));
  };
  const stores = await openStores(options, log, { random: nodeRandom, failpoint: atStorageFailpoint, onFailure: onFatal });
  try {
    await assertLogReachesSnapshot(stores, options.durable, log);
  } catch (cause) {
    await stores.close();
    throw cause;
  }
  const opened = await openReplica({
    log: stores.log,
    archive: stores.archive,
    snapshots: stores.snapshots,
    core: await core,
    clock: nodeClock,
    random: nodeRandom,
    id: 1,
    members: [1],
    eventsKept: options.eventsKept,
    viewFeed: options.readView,
    snapshotThresholdEntries: options.snapshotThresholdEntries,
    snapshotLogBytesMin: options.snapshotLogBytesMin,
    pendingMax: options.pendingMax,
    fetchesInFlightMax: options.fetchesInFlightMax,
    entriesInFlightMax: 2,
    memoryBytesMax: options.memoryBytesMax,
    stateHashEntries: 100,
    hashSeed: Number.parseInt(stores.identity.salt.slice(0, 7), 16),
    calendar,
    diskPressure: () => stores.space.pressure !== "none",
    onFatal,
    onDamagedSnapshot: (cause) => log.warn("a snapshot is damaged, an older one and the log are used", { error: cause.message }),
    onNoRoomForSnapshot: (cause) =>
      log.warn("the disk has no room for a snapshot: the log stays as it is until one can be written", { error: (cause as Error).message }),
    onRaftLog: (level, text) => (level >= 2 ? log.warn(text) : log.debug(text)),
  });
  await opened.replica.whenServing();
  try {
    return await serve(options, log, stores, opened, failed);
  } catch (cause) {
    await opened.stop();
    await stores.close();
    throw cause;
  }
}

async function serve(options: ServerOptions, log: Log, stores: Storage, opened: OpenedReplica, failed: Promise<unknown>): Promise<RunningServer> {
  const { replica, raft, snapshotter } = opened;
  const streams: StreamCounters = { open: 0, opened: 0, framesInFlight: 0, frames: 0, idleFetches: 0, overloaded: 0 };
  const events = new EventHub(replica.engine.events);
  let view: Awaited<ReturnType<typeof openView>>;
  const metrics = new Metrics({ replica, snapshotter, streams, options, raft, log: stores.log, archive: stores.archive, view: () => view });
  const poster = new Poster({ allowPrivate: options.webhookAllowPrivate, timeoutMs: options.webhookTimeoutMs });
  const webhooks = new WebhookDeliverer({
    engine: replica.engine,
    serving: () => replica.serving,
    propose: (body) => replica.submitOwn(Verb.WEBHOOK_DELIVERED, body),
    post: (url, headers, body) => poster.post(url, headers, body),
    nowMs: () => nodeClock.nowMs(),
    random: Math.random,
    log,
  });
  events.onEntry(() => webhooks.look());
  eventMetrics(metrics.registry, events.counters, webhooks.counters);
  moneyMetrics(metrics.registry, replica);
  void replica.whenServing().then(() => webhooks.look());
  view = await openView(options, log, stores, opened);
  let accepting = true;
  const onError = (cause: unknown, where: string): void => log.error("a call failed inside", { where, error: cause as Error });
  const guard = new Guard({
    replica,
    archive: stores.archive,
    adminPassword: options.adminPassword,
    limits: options.rateLimits,
    nowMs: () => nodeClock.nowMs(),
    onError,
    onDenied: (who, what, why) => log.info("a call was refused", { principal: who.name, namespace: who.namespace, what, why }),
  });
  replica.onApplied = (_index, _commands, waitedMs, applyMs) => {
    metrics.entryApplied(waitedMs, applyMs);
    events.ring();
    guard.directory.refresh();
    view?.changed();
  };
  const facts = {
    term: () => raft.term,
    commitIndex: () => raft.commitIndex,
    role: () => (raft.role === "leader" ? "Leader" : raft.role === "follower" ? "Follower" : "Candidate"),
    snapshot: () => ({
      count: snapshotter.kept,
      index: snapshotter.latest?.index ?? 0,
      term: snapshotter.latest?.term ?? 0,
      bytes: snapshotter.latest?.bytes ?? 0,
    }),
  };
  let wantRestart: () => void = () => {};
  const restart = new Promise<void>((resolve) => {
    wantRestart = resolve;
  });
  const context: AdminContext & AuthContext = {
    replica,
    options,
    log,
    archive: stores.archive,
    events,
    workerOrders: new WorkerOrders(replica),
    stores,
    snapshotter,
    view,
    guard,
    restored: () => wantRestart(),
  };
  const traces = options.otelEndpoint === undefined ? undefined : await Tracing.start({ endpoint: options.otelEndpoint }, log);
  if (traces) {
    const applied = replica.onApplied;
    replica.onApplied = (index, commands, waitedMs, applyMs) => {
      applied(index, commands, waitedMs, applyMs);
      if (commands > 0) traces.applied(index, commands, waitedMs);
    };
  }
  const handlers = publicRoutes(context, streams, facts);
  const published = guard.wrap(traces?.wrap(handlers) ?? handlers);
  const services = [...new Set(published.map((route) => route.method.parent))];
  const health = createHealth(services.map((service) => service.typeName));
  const routes: Route[] = [...published, ...health.routes, ...reflectionRoutes([...services, ...new Set(health.routes.map((route) => route.method.parent))])];
  const rpcPlaces = new Map(routes.map((route) => [route, { verb: "POST", path: methodPath(route.method) }]));
  const restPlaces = new Map<Route, { verb: string; path: string }>();
  const observe: Observer = {
    call: (route, protocol, _code, status, ms) => {
      const { verb, path } = (protocol === "rest" ? restPlaces : rpcPlaces).get(route) ?? unknownPlace;
      metrics.requestEnded(verb, path, status, ms);
    },
    abuse: (why, peer) => log.warn("connection ended for abuse", { why, peer }),
  };
  const limits = { connectionsMax: options.connectionsMax };
  const authenticate: Authenticate = (header, path, peer, call) => {
    const who = guard.authenticate(header, path, peer, call);
    if (who instanceof RpcError && who.reason === "RATE_LIMITED") metrics.throttled(call.rest?.verb ?? "POST", path);
    return who;
  };
  const rest = createRestHandler({
    routes: published,
    lists: enqueueLists,
    scanJson: scanJsonValue,
    nowMs: () => performance.now(),
    limits,
    authenticate,
    observe,
    seen: () => replica.engine.appliedIndex,
    onError,
  });
  for (const { route, verb, template } of rest.table.routes) restPlaces.set(route, { verb, path: template });
  const docs = options.docs ? documents() : undefined;
  const http = httpHandler({ replica, metrics, events, rest: (req, res) => rest.handle(req, res), docs, guard, accepting: () => accepting });
  const ended = (method: string, route: string, status: number, ms: number): void => metrics.requestEnded(method, route, status, ms);
  const admin = adminHttp({
    ...context,
    authenticate,
    ended,
    onError,
    audit: (call, status, ms) => void guard.audit.add(call.principal as Principal, call, status, ms),
  });
  const served: NodeHandler = (req, res) => void (admin(req, res) || http(req, res));
  const whole: WholeHandler = (req, res) => {
    if (!rest.whole(req, res)) return false;
    metrics.inProgress(1);
    res.on("close", () => metrics.inProgress(-1));
    return true;
  };
  const listener: Listener = createListener({ routes, http: served, whole, limits, authenticate, onError, observe, compression: options.compression });
  const address = await listener.listen(options.port, options.host === "" ? undefined : options.host);
  const endForbidden = (): void => {
    guard.endStreams();
    for (const calls of [listener.open, rest.open]) {
      calls.visit((call) => {
        const why = guard.mustEnd(call.principal, (call as { method?: DescMethod }).method);
        if (why) call.cut(why);
      });
    }
  };
  let wasOpen = guard.directory.open;
  guard.directory.onChanged = () => {
    endForbidden();
    if (wasOpen && !guard.directory.open) log.info("the server is closed now: every call needs a key");
    wasOpen = guard.directory.open;
  };
  // Keys end by time alone, and what they hold open must end with them.
  const expiries = setInterval(endForbidden, 1000);
  const uses = setInterval(() => noteUsedKeys(guard.directory, replica), options.keyUseIntervalMs);
  const purges = setInterval(() => replica.purge(Math.max(0, nodeClock.nowMs() - options.retentionMs)), options.retentionIntervalMs);
  let pressure: Storage["space"]["pressure"] = "none";
  const refills = setInterval(() => {
    stores.space.refill().catch((cause: unknown) => log.warn("the disk's reserve could not be filled", { error: (cause as Error).message }));
    if (pressure === (pressure = stores.space.pressure)) return;
    if (pressure === "none") log.info("there is room on the disk again, new jobs are taken");
    else log.warn("the disk is full: new jobs are refused, everything else goes on as far as the reserve lasts", { pressure });
  }, 1000);
  const shown =
    address.family === "IPv6" ? `[${address.address === "::" ? "::1" : address.address}]` : address.address === "0.0.0.0" ? "127.0.0.1" : address.address;
  if (wasOpen) sayOpen(log, options.host);
  health.set(true);
  log.info("corvo server ready", { bind: `${shown}:${address.port}` });
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    accepting = false;
    health.set(false);
    for (const timer of [expiries, uses]) clearInterval(timer);
    clearInterval(purges);
    clearInterval(refills);
    replica.endWaiting();
    events.close();
    webhooks.stop();
    poster.close();
    await listener.close({ graceMs: options.shutdownTimeoutMs });
    await opened.stop();
    await view?.stop();
    failpoint("stop-before-seal");
    await stores.close();
    failpoint("stop-after-seal");
    metrics.close();
    await traces?.close();
  };
  return { address, failed, restart, stop: () => (stopping ??= stop()) };
}

/** Loud, because it is forgotten easily. */
function sayOpen(log: Log, host: string): void {
  const everywhere = host === "" || host === "0.0.0.0" || host === "::";
  const line = "*".repeat(72);
  log.warn(line);
  log.warn("THE SERVER IS OPEN: it asks nobody who they are, everybody is admin", {
    reachable_from: everywhere ? "every address of this machine" : host,
    hint: everywhere ? "corvo keys create admin --role admin, or --bind 127.0.0.1:8080" : "corvo keys create admin --role admin",
  });
  log.warn(line);
}

const unknownPlace = { verb: "POST", path: "unknown" };

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, resolve);
  });
}
