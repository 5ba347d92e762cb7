import { create, toBinary } from "@bufbuild/protobuf";
import type { WorkerRecord } from "@corvo/engine";
import { GetClusterStatusResponseSchema, ListWorkersResponseSchema } from "@corvo/gen/corvo/v1/cluster_pb.js";
import { GetServerInfoResponseSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import type { UnaryHandler } from "@corvo/transport";
import { apiVersion, serverVersion } from "../version.js";
import { namespaceOf, type ToldWorker, type WorkerTable, workerKey } from "../worker-table.js";
import type { HandlerContext } from "./context.js";

/** What the node knows about itself beside the engine. */
export interface NodeFacts {
  term(): number;
  commitIndex(): number;
  role(): string;
  snapshot(): { count: number; index: number; term: number; bytes: number };
}

export function serverInfoHandler(): UnaryHandler {
  const answer = toBinary(GetServerInfoResponseSchema, create(GetServerInfoResponseSchema, { serverVersion, apiVersion }));
  return { kind: "unary", handle: () => answer };
}

export function clusterStatusHandler({ replica, options }: HandlerContext, facts: NodeFacts): UnaryHandler {
  return {
    kind: "unary",
    handle() {
      const { engine, counters } = replica;
      const role = facts.role();
      const snapshot = facts.snapshot();
      const leads = role === "Leader";
      const hash = engine.stateHash;
      const hex = (half: number): string => (half >>> 0).toString(16).padStart(8, "0");
      return toBinary(
        GetClusterStatusResponseSchema,
        create(GetClusterStatusResponseSchema, {
          mode: "cluster",
          state: role,
          status: !replica.serving ? "starting" : replica.refusesNewWork() ? "read_only" : "healthy",
          leaderId: leads ? options.nodeId : "",
          leaderAddr: "",
          nodeId: options.nodeId,
          appliedIndex: String(engine.appliedIndex),
          commitIndex: String(facts.commitIndex()),
          term: BigInt(facts.term()),
          raftNosync: !options.durable,
          raftStore: options.logBackend,
          lifecycleEvents: true,
          snapshotThreshold: options.snapshotThresholdEntries,
          applyMaxPending: options.pendingMax,
          applyPendingNow: replica.pending,
          appliedTotal: BigInt(counters.appliedCommands),
          overloadTotal: BigInt(counters.overloaded),
          stateHash: hex(hash.high) + hex(hash.low),
          snapshot: { count: snapshot.count, latestIndex: BigInt(snapshot.index), latestTerm: BigInt(snapshot.term), latestSize: BigInt(snapshot.bytes) },
          nodes: [{ id: options.nodeId, address: "", voter: true, role, self: true }],
          liveJobs: BigInt(engine.liveJobs),
          stateBytes: BigInt(engine.stateBytes),
        }),
      );
    },
  };
}

/** Who has fetched, with what they say about themselves, and those who have said something and fetched nothing yet. */
export function listWorkersHandler({ replica }: HandlerContext, table: WorkerTable): UnaryHandler {
  return {
    kind: "unary",
    handle() {
      const told = table.all();
      const rows = replica.engine.workers().map((w) => {
        const key = workerKey(namespaceOf(w.queues), w.id, w.hostname);
        const said = told.get(key);
        told.delete(key);
        return { ...w, said, lastHeartbeatMs: Math.max(w.lastHeartbeatMs, said?.heardMs ?? 0) };
      });
      // Without queues nobody knows whose it is.
      const idle = [...told.values()].filter(({ facts }) => facts.queues.length > 0).map(idleRow);
      const workers = [...rows, ...idle]
        .sort((a, b) => b.lastHeartbeatMs - a.lastHeartbeatMs)
        .map(({ said, ...w }) => ({
          id: w.id,
          hostname: w.hostname,
          queues: JSON.stringify(w.queues),
          lastHeartbeat: new Date(w.lastHeartbeatMs).toISOString(),
          startedAt: new Date(w.startedMs).toISOString(),
          active: BigInt(w.active),
          sdk: said?.facts.sdk,
          sdkVersion: said?.facts.sdkVersion,
          slots: said?.facts.slots,
          order: replica.engine.workerOrder(namespaceOf(w.queues), w.id),
          capabilities: said?.facts.capabilities,
        }));
      return toBinary(ListWorkersResponseSchema, create(ListWorkersResponseSchema, { workers }));
    },
  };
}

function idleRow(said: ToldWorker): Omit<WorkerRecord, "queues"> & { queues: string[]; said: ToldWorker } {
  const { workerId: id, hostname, queues } = said.facts;
  return { id, hostname, queues, said, lastHeartbeatMs: said.heardMs, startedMs: said.startedMs, active: 0 };
}
