import { QuietWorkerRequestReader } from "@corvo/gen/corvo/v1/cluster_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

/** What a worker can be told. Numbers are in snapshots. */
export const workerOrders = ["", "quiet", "stop"] as const;
export type WorkerOrder = (typeof workerOrders)[number];

export const workerOrdersMax = 10_000;
/** Longer than any deployment takes; an order for a worker that is gone for good does not stay. */
export const workerOrderMs = 7 * 86_400_000;

/** All requests that name one worker have its id in field 1. */
const reader = new QuietWorkerRequestReader();
const nothing = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * Tells a worker to be quiet (1) or to stop (2): an entity whose key is the number of its namespace and its id, and whose first integer is
 * the order. The engine only keeps it: who grants nothing to the worker, and tells it, is the leader.
 */
export function orderWorker(s: State, c: Command, order: number): Refusal | undefined {
  const key = keyOf(s, c);
  if (key === undefined) return required();
  const { entities: e } = s;
  let row = e.find(EntityKind.workerOrder, key, 0, key.length);
  if (row === -1) {
    if (e.count(EntityKind.workerOrder) >= workerOrdersMax) {
      return refuse("resource_exhausted", "TOO_LARGE", `there are orders for ${workerOrdersMax} workers already`, { field: "id" });
    }
    row = e.add(EntityKind.workerOrder, key, 0, key.length, nothing, 0, 0);
  }
  e.setInt4(row, 0, order);
  e.setDue(row, s.logTimeMs + workerOrderMs);
  if (s.answering) answerStatus(s.out, order === 2 ? "stopping" : "quiet");
  return undefined;
}

/** Takes an order back. Without one nothing changes. */
export function resumeWorker(s: State, c: Command): Refusal | undefined {
  const key = keyOf(s, c);
  if (key === undefined) return required();
  const row = s.entities.find(EntityKind.workerOrder, key, 0, key.length);
  if (row !== -1) s.entities.remove(row);
  if (s.answering) answerStatus(s.out, "resumed");
  return undefined;
}

/** The order of a worker of a namespace (empty: `default`). */
export function workerOrder({ entities: e }: State, namespace: string, id: string): WorkerOrder {
  if (e.count(EntityKind.workerOrder) === 0) return "";
  const key = encoder.encode(`${numberOf({ entities: e }, namespace)}/${id}`);
  const row = e.find(EntityKind.workerOrder, key, 0, key.length);
  return row === -1 ? "" : workerOrders[e.int4(row, 0)];
}

/** -1: nobody has owned anything there yet. */
function numberOf({ entities: e }: Pick<State, "entities">, namespace: string): number {
  if (namespace === "" || namespace === "default") return 0;
  const name = encoder.encode(namespace);
  const row = e.find(EntityKind.namespaceNumber, name, 0, name.length);
  return row === -1 ? -1 : e.int4(row, 0);
}

function keyOf(s: State, c: Command): Uint8Array | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.idEnd === r.idStart) return undefined;
  const prefix = encoder.encode(`${s.entities.adding}/`);
  const key = new Uint8Array(prefix.length + r.idEnd - r.idStart);
  key.set(prefix);
  key.set(r.buf.subarray(r.idStart, r.idEnd), prefix.length);
  return key;
}

function required(): Refusal {
  return refuse("invalid_argument", "REQUIRED", "id is required", { field: "id" });
}
