import type { Command, NewJob, RequestId } from "./model/command.js";
import type { Model } from "./model/model.js";
import { contentOf } from "./wire/job.js";

/** Stands for things of others: nothing has such an id. */
const foreign = { batch: "batch_00000000000000000000000000", task: "bulk_0_0" };
const queueFields = new Set(["queue", "callbackQueue"]);

/**
 * `docs/access.md`, as far as it concerns the log: the queues of a namespace, its schedules and the chains and parents that its callers
 * make names for have it before their names, and ids of others are ids of nothing.
 */
export function atTheDoor(command: Command, namespace: string, model: Model): Command {
  const own = new Own(namespace, model);
  const inside = own.look(command, "", command.verb.endsWith("Schedule")) as Command;
  // Who chooses jobs for a task does not find those of others.
  if (inside.verb === "bulkStart") inside.blocks = inside.blocks.map((ids) => ids.filter((id) => !own.stands.has(id))).filter((ids) => ids.length > 0);
  return namespace === "" ? inside : { ...ofNamespace(inside, namespace), namespace };
}

/** Budgets are its own, and so are their queues. */
function ofNamespace(command: Command, namespace: string): Command {
  if (command.verb !== "setBudget" && command.verb !== "deleteBudget") return command;
  return { ...command, of: namespace, target: command.scope === "queue" ? `${namespace}::${command.target}` : command.target };
}

class Own {
  readonly #prefix: string;
  /** What stands for jobs of others. */
  readonly stands = new Map<string, string>();
  constructor(
    readonly namespace: string,
    readonly model: Model,
  ) {
    this.#prefix = namespace === "" ? "" : `${namespace}::`;
  }

  /** What is inside a command; `field`: where it stands. */
  look(value: unknown, field: string, schedule = false): unknown {
    if (typeof value === "string") return this.#text(value, field, schedule);
    if (Array.isArray(value)) {
      const all = value.map((one: unknown) => this.look(one, field === "queues" ? "queue" : field));
      return field === "dependsOn" ? [...new Set(all)] : all;
    }
    if (typeof value !== "object" || value === null || field === "requestId") return value;
    const entries = Object.entries(value).map(([key, one]) => [this.#text(key, ""), this.look(one, key, schedule)] as const);
    const inside = Object.fromEntries(entries);
    // An item is compared as it is behind the door.
    const { requestId } = inside as { requestId?: RequestId };
    return requestId && field !== "" ? { ...inside, requestId: { ...requestId, hash: contentOf(inside as unknown as NewJob) } } : inside;
  }

  #text(text: string, field: string, schedule = false): string {
    const { state } = this.model;
    if (field === "hostname") return this.#prefix + text;
    if (text === "") return text;
    if (queueFields.has(field) || (schedule && field === "name")) return this.#prefix + text;
    if (field === "chainId") return this.#prefix + text;
    const isJob = /^job_[0-9a-f]{26}$/.test(text);
    if (field === "parentId") return isJob && this.#isOwnJob(text) !== false ? text : this.#prefix + text;
    if (isJob) return this.#isOwnJob(text) === false ? this.#standIn(text) : text;
    if (field === "batchId") return (state.batches.get(text)?.namespace ?? this.namespace) === this.namespace ? text : foreign.batch;
    if (field === "id") return (state.bulkTasks.find(({ id }) => id === text)?.namespace ?? this.namespace) === this.namespace ? text : foreign.task;
    return text;
  }

  #standIn(id: string): string {
    for (const [stand, of] of this.stands) if (of === id) return stand;
    const stand = `job_${"f".repeat(16)}${this.stands.size.toString(16).padStart(10, "0")}`;
    this.stands.set(stand, id);
    return stand;
  }

  /** Undefined: there is none with this id. */
  #isOwnJob(id: string): boolean | undefined {
    const queue = this.model.state.jobs.get(id)?.queue;
    if (queue === undefined) return undefined;
    return this.namespace === "" ? !queue.includes("::") : queue.startsWith(this.#prefix);
  }
}
