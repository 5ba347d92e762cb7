import { ServerRefusal } from "../failure.js";
import { listQueues, type Queue } from "../queues.js";
import type { Session } from "../session.js";

export interface QueueRow extends Queue {
  /** Jobs a second since the last look; undefined at the first. */
  inPerSecond?: number;
  outPerSecond?: number;
  /** Jobs completed in each of the last looks, oldest first. */
  history: readonly number[];
  workers: number;
}

export interface WorkerRow {
  id: string;
  hostname: string | null;
  queues: string | null;
  last_heartbeat: string;
  active?: number;
}

export interface Picture {
  takenMs: number;
  /** How long the look took. */
  tookMs: number;
  node: { mode?: string; status?: string; node_id?: string; leader_id?: string; nodes?: unknown[] };
  queues: readonly QueueRow[];
  workers: readonly WorkerRow[];
  /** Spent today and the limit of all, where the server says so. */
  spentUsd?: number;
}

const historyLength = 10;
/** A worker that was not heard of for so long is not counted. */
const workerGoneMs = 120_000;

/** Looks at the server again and again; rates come from the difference of two looks. */
export class Watcher {
  private before: Picture | undefined;

  constructor(private readonly session: Session) {}

  async look(): Promise<Picture> {
    const { client, io } = this.session;
    const startedMs = io.nowMs();
    const [node, queues, workers, usage] = await Promise.all([
      client.call("GET", "/api/v1/cluster/status"),
      listQueues(this.session),
      client.call("GET", "/api/v1/workers"),
      orNothing(client.call("GET", "/api/v1/usage/summary?period=24h")),
    ]);
    const takenMs = io.nowMs();
    const live = (JSON.parse(workers.text) as WorkerRow[]).filter((worker) => takenMs - Date.parse(worker.last_heartbeat) < workerGoneMs);
    const seconds = this.before ? Math.max(0.001, (takenMs - this.before.takenMs) / 1000) : undefined;
    const old = new Map(this.before?.queues.map((queue) => [queue.name, queue]));
    const picture: Picture = {
      takenMs,
      tookMs: takenMs - startedMs,
      node: JSON.parse(node.text),
      queues: queues.map((queue) => rated(queue, old.get(queue.name), seconds, live)),
      workers: live,
      spentUsd: usage && (JSON.parse(usage.text) as { totals?: { cost_usd?: number } }).totals?.cost_usd,
    };
    this.before = picture;
    return picture;
  }
}

function rated(queue: Queue, before: QueueRow | undefined, seconds: number | undefined, workers: readonly WorkerRow[]): QueueRow {
  const ended = (row: Queue): number => row.completed + row.dead;
  const all = (row: Queue): number => ended(row) + row.pending + row.active + row.held + row.scheduled + row.retrying;
  const done = before ? Math.max(0, ended(queue) - ended(before)) : 0;
  const came = before ? Math.max(0, all(queue) - all(before)) : 0;
  return {
    ...queue,
    inPerSecond: seconds === undefined || !before ? undefined : came / seconds,
    outPerSecond: seconds === undefined || !before ? undefined : done / seconds,
    history: [...(before?.history ?? []), ...(before ? [done] : [])].slice(-historyLength),
    workers: workers.filter((worker) => takes(worker, queue.name)).length,
  };
}

function takes(worker: WorkerRow, queue: string): boolean {
  try {
    return (JSON.parse(worker.queues ?? "[]") as string[]).includes(queue);
  } catch {
    // Not a list: nothing is known of its queues.
    return false;
  }
}

/** What a server or a key does not give is left out of the picture. */
async function orNothing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ServerRefusal && (error.status === 404 || error.status === 403)) return undefined;
    throw error;
  }
}
