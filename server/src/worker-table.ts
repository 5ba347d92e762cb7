import type { WorkerFacts } from "@corvo/gen/corvo/v1/worker_pb.js";

/** What a worker said about itself, and when. Times are Unix milliseconds of this node's clock. */
export interface ToldWorker {
  facts: WorkerFacts;
  startedMs: number;
  heardMs: number;
}

/** What is not heard of for so long is forgotten. */
export const forgetAfterMs = 3_600_000;
/** At most about 50 MB, if all of them say as much as they may. */
export const toldWorkersMax = 10_000;

/**
 * What workers say about themselves in heartbeats: only to be looked at, so it is in memory and in no log. Above `toldWorkersMax` the one
 * that was not heard of for the longest time goes.
 */
export class WorkerTable {
  /** In the order of being heard of, so that the first is the oldest. */
  private readonly told = new Map<string, ToldWorker>();

  constructor(private readonly nowMs: () => number) {}

  /** `namespace` is the caller's; empty: `default`. */
  hear(namespace: string, facts: WorkerFacts): void {
    const key = workerKey(namespace || namespaceOf(facts.queues), facts.workerId, facts.hostname);
    const nowMs = this.nowMs();
    const startedMs = this.told.get(key)?.startedMs ?? nowMs;
    this.told.delete(key);
    this.told.set(key, { facts, startedMs, heardMs: nowMs });
    for (const [oldest, { heardMs }] of this.told) {
      if (this.told.size <= toldWorkersMax && heardMs > nowMs - forgetAfterMs) break;
      this.told.delete(oldest);
    }
  }

  /** Its last word. */
  forget(namespace: string, facts: WorkerFacts): void {
    this.told.delete(workerKey(namespace || namespaceOf(facts.queues), facts.workerId, facts.hostname));
  }

  /** A worker of this namespace (empty: `default`) said so within the last hour, on whatever host. */
  has(namespace: string, id: string): boolean {
    return [...this.all()].some(([key, { facts }]) => facts.workerId === id && key === workerKey(namespace, id, facts.hostname));
  }

  /** Those heard of within the last hour, by key; the caller's to change. */
  all(): Map<string, ToldWorker> {
    const sinceMs = this.nowMs() - forgetAfterMs;
    return new Map([...this.told].filter(([, { heardMs }]) => heardMs > sinceMs));
  }
}

/** Workers of two namespaces may have one name. */
export function workerKey(namespace: string, id: string, hostname: string): string {
  return JSON.stringify([namespace, id, hostname]);
}

/** The namespace of who fetches from these queues; empty: `default`. */
export function namespaceOf(queues: readonly string[]): string {
  const name = queues[0] ?? "";
  const end = name.indexOf("::");
  return end < 0 ? "" : name.slice(0, end);
}
