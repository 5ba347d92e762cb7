import type { WorkerOrder } from "@corvo/engine";
import type { CommandInput, Replica } from "@corvo/replica";
import { namespaceOf } from "./worker-table.js";

/** A worker whose fetch is asleep. */
interface Asleep {
  namespace: string;
  id: string;
  /** Answers its fetch with nothing. */
  end(): void;
}

/** A queue that there cannot be: who waits for its jobs is granted nothing, and is woken when the node goes. */
const noQueues: readonly string[] = [""];

/**
 * What workers are told is in the log: an order that was acknowledged holds over restarts and on every node. Here it is kept: fetches of
 * such a worker wait as others do and are granted nothing, and one that sleeps when its order changes ends.
 */
export class WorkerOrders {
  private readonly asleep = new Set<Asleep>();

  constructor(private readonly replica: Replica) {}

  /** `namespace` is the caller's; empty: `default`, or that of the queues, as in the table of workers. */
  of(namespace: string, queues: readonly string[], id: string): WorkerOrder {
    return id === "" ? "" : this.replica.engine.workerOrder(namespace || namespaceOf(queues), id);
  }

  /**
   * The queues that a fetch may wait for, and its command. A fetch that comes again because its answer was lost gets what it was granted
   * then, whatever its worker was told since.
   */
  allowed(command: CommandInput, queues: readonly string[], id: string): { command: CommandInput; queues: readonly string[] } {
    if (this.of(command.namespace ?? "", queues, id) === "") return { command, queues };
    if (command.requestHash !== undefined && this.replica.engine.remembers(command.verb, command.namespace ?? "", command.body)) return { command, queues };
    return { command: { ...command, requestHash: undefined }, queues: noQueues };
  }

  /** A fetch falls asleep. To be called back when it is answered. */
  sleeps(namespace: string, queues: readonly string[], id: string, end: () => void): () => void {
    if (id === "") return () => {};
    const one = { namespace: namespace || namespaceOf(queues), id, end };
    this.asleep.add(one);
    return () => void this.asleep.delete(one);
  }

  /** The worker's order is another one now: its fetches end, and the next ones go by it. */
  changed(namespace: string, id: string): void {
    for (const one of [...this.asleep]) if (one.id === id && one.namespace === namespace) one.end();
  }
}
