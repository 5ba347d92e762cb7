import { create, toBinary } from "@bufbuild/protobuf";
import { GetClusterStatusResponseSchema, ListWorkersResponseSchema } from "@corvo/gen/corvo/v1/cluster_pb.js";
import { GetServerInfoResponseSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import type { UnaryHandler } from "@corvo/transport";
import { apiVersion, serverVersion } from "../version.js";
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

export function listWorkersHandler({ replica }: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle() {
      const workers = replica.engine
        .workers()
        .sort((a, b) => b.lastHeartbeatMs - a.lastHeartbeatMs)
        .map((w) => ({
          id: w.id,
          hostname: w.hostname,
          queues: JSON.stringify(w.queues),
          lastHeartbeat: new Date(w.lastHeartbeatMs).toISOString(),
          startedAt: new Date(w.startedMs).toISOString(),
          active: BigInt(w.active),
        }));
      return toBinary(ListWorkersResponseSchema, create(ListWorkersResponseSchema, { workers }));
    },
  };
}
