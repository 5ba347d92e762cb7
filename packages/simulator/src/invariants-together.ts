import type { BatchCallback, Grant, NewJob } from "./model/command.js";

/**
 * J12 and J13 as an onlooker sees them: the jobs that the server adds by itself come once, and not before what they wait for. It is
 * told commands and answers by `Invariants`, and knows neither engine nor model.
 */
export class Together {
  readonly #batches = new Map<string, { callback: BatchCallback; sealed: boolean; seen: boolean; members: string[] }>();
  readonly #dependsOn = new Map<string, readonly string[]>();
  readonly #completed = new Set<string>();
  /** Jobs that somebody ran again: what hung on their first end has come already. */
  readonly #again = new Set<string>();
  /** Callbacks and steps that the server may add in all, and those that were seen. */
  #due = 0;
  #seen = 0;

  batch(id: string, callback: BatchCallback, sealed: boolean): void {
    assert(!this.#batches.has(id), `J12: batch ${id} was made twice`);
    this.#batches.set(id, { callback, sealed: false, seen: false, members: [] });
    if (sealed) this.sealed(id);
  }

  sealed(id: string): void {
    const batch = this.#batches.get(id);
    assert(batch !== undefined, `J12: ${id} was sealed and never made`);
    if (!batch.sealed && batch.callback.callbackQueue) this.#due++;
    batch.sealed = true;
  }

  /** `made`: the batch that its request made. */
  added(jobId: string, { batchId, dependsOn, chain }: NewJob, made?: string): void {
    if (dependsOn) this.#dependsOn.set(jobId, dependsOn);
    if (chain) this.#due += chain.steps.length - 1 + (chain.onFailure ? 1 : 0) + (chain.onExit ? 1 : 0);
    const joined = made ?? batchId;
    if (!joined) return;
    const batch = this.#batches.get(joined);
    assert(batch !== undefined && (joined === made || !batch.sealed), `J12: ${jobId} joined batch ${joined}, which is ${batch ? "sealed" : "none"}`);
    batch.members.push(jobId);
  }

  /** A schedule added it, with what it names. Undefined: it is gone again, and nobody knows. */
  bySchedule(jobId: string, job: { batchId: string; chainConfig?: object } | undefined): void {
    // The first of a chain of at most three steps, with two handlers.
    if (!job || job.chainConfig) this.#due += 4;
    if (job?.batchId) this.#batches.get(job.batchId)?.members.push(jobId);
  }

  completed(jobId: string): void {
    this.#completed.add(jobId);
  }

  again(jobId: string): void {
    this.#again.add(jobId);
  }

  granted(jobId: string): void {
    for (const id of this.#dependsOn.get(jobId) ?? []) {
      assert(this.#completed.has(id), `J13: ${jobId} was given out, and ${id}, on which it depends, was never completed`);
    }
  }

  /** A job that no client added was seen for the first time. `leased`: is this one certainly with a worker? */
  follower(jobId: string, grant: Grant | undefined, leased: (jobId: string) => boolean): void {
    assert(++this.#seen <= this.#due, `J2: ${jobId} is there, and all ${this.#due} jobs that the server may have added are known`);
    if (!grant) return;
    const payload = JSON.parse(grant.payload) as { previous_job_id?: string } | null;
    const before = payload?.previous_job_id;
    if (before?.startsWith("job_")) assert(this.#completed.has(before), `J13: ${jobId} was given out, and ${before}, the step before it, was never completed`);
    const of = [...this.#batches.values()].filter(({ callback, seen, sealed }) => sealed && !seen && (callback.callbackPayload || "{}") === grant.payload);
    const done = of.find(({ members }) => !members.some((id) => leased(id) && !this.#again.has(id)));
    assert(of.length === 0 || done !== undefined, `J12: ${jobId}, the callback of a batch, was given out while members were with workers`);
    if (done) done.seen = true;
  }
}

function assert(holds: boolean, breach: string): asserts holds {
  if (!holds) throw new Error(breach);
}
