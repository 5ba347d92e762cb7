import { addJob } from "./add.js";
import type { BatchCallback, BatchRecord, ChainJob, ChainRecord, ChainSpec, Command, CountsRecord, NewJob, Outcome } from "./command.js";
import type { Job, State } from "./state.js";

/** What has become of a member of a batch, or of a child. */
export type Fate = "pending" | "succeeded" | "failed" | "cancelled" | "deleted";
/** Job → fate. What becomes of a job after its end does not matter any more. */
export type Fates = Map<string, Fate>;

export interface Batch extends BatchCallback {
  id: string;
  /** Of whoever made it. */
  namespace: string;
  sealed: boolean;
  fates: Fates;
  callbackJobId: string;
  createdMs: number;
  completedMs?: number;
}

/** The definition is that of its first job: others may bring their own. */
export interface Chain extends ChainSpec {
  id: string;
  state: "running" | "completed" | "exited" | "failed" | "cancelled";
  /** The newest step that was added. */
  cursor: number;
  /** Step → its newest job. */
  jobs: Map<number, string>;
  /** Handlers that were added: each comes once. */
  handled: Set<number>;
  createdMs: number;
  /** When it stopped. Undefined ⇔ it runs. */
  endedMs?: number;
}

/** What is known of an end: its error; the result of this acknowledgement; whether the chain is to end here. */
export interface HowEnded {
  error: string;
  result: string;
  exit: boolean;
}

/** A job that ended in this command. */
export interface Ending {
  job: Job;
  fate: Fate;
  /** Adds what its chain calls for. */
  goOn?: () => void;
  /** The batch whose last member this was. */
  last?: Batch;
}

/** Steps of a chain that are none. */
const onExit = -1;
const onFailure = -2;

export function createBatch(state: State, command: Extract<Command, { verb: "createBatch" }>): Outcome {
  const { id } = openBatch(state, command);
  return { kind: "batchCreated", batchId: id, logIndex: state.index };
}

export function openBatch(state: State, { callbackQueue, callbackPayload }: BatchCallback): Batch {
  const id = `batch-${++state.batchesCreated}`;
  const { namespace } = state;
  const batch: Batch = { id, namespace, callbackQueue, callbackPayload, sealed: false, fates: new Map(), callbackJobId: "", createdMs: state.nowMs };
  state.batches.set(id, batch);
  return batch;
}

/** `docs/together.md`: a batch without members completes when it is sealed. Sealing again changes nothing. */
export function sealBatch(state: State, { batchId }: Extract<Command, { verb: "sealBatch" }>): Outcome {
  if (!batchId) return { kind: "refused", code: "invalid_argument", reason: "REQUIRED" };
  const batch = state.batches.get(batchId);
  if (!batch) return { kind: "refused", code: "not_found", reason: "NOT_FOUND", message: `batch "${batchId}" not found` };
  batch.sealed = true;
  completeWhenDone(state, batch);
  const { completedMs, callbackJobId } = batch;
  return { kind: "sealed", status: completedMs === undefined ? "sealed" : "completed", callbackJobId, logIndex: state.index };
}

export function isDone({ sealed, completedMs, fates }: Batch): boolean {
  return sealed && completedMs === undefined && ![...fates.values()].includes("pending");
}

/** The callback comes once, when the batch is sealed and nobody is left to end. */
export function completeWhenDone(state: State, batch: Batch): void {
  if (!isDone(batch)) return;
  batch.completedMs = state.nowMs;
  if (batch.callbackQueue) batch.callbackJobId = addJob(state, { queue: batch.callbackQueue, payload: batch.callbackPayload }).jobId;
}

/**
 * What the jobs that ended call for, when the command is done with them, in the order of their ends: the callback of a batch, the next step
 * of a chain, the release of those that wait.
 */
export function follow(state: State): void {
  for (const ending of state.endings.splice(0)) {
    if (ending.last) completeWhenDone(state, ending.last);
    ending.goOn?.();
    if (ending.fate === "succeeded") wakeDependents(state, ending.job);
  }
}

/** The same for jobs that went with their queue, when the entry is over: in the order in which their batches were made. */
export function followSwept(state: State): void {
  if (state.swept.length === 0) return;
  for (const job of state.swept.splice(0)) state.ended(job, "deleted");
  for (const { goOn } of state.endings.splice(0)) goOn?.();
  for (const batch of state.batches.values()) completeWhenDone(state, batch);
}

/**
 * `jobs.md` §9: a job of a chain has ended, and the chain moves on or stops at once; what it calls for is added when the command is done.
 * Handlers end without a word, and so do steps after which the chain has gone on already.
 */
export function moveChain(state: State, job: Job, fate: Fate, { error, result, exit }: HowEnded): (() => void) | undefined {
  const { chainSpec: spec, chainStep: step = 0 } = job;
  const chain = spec && chainOf(state, job);
  if (!chain || step !== chain.cursor) return undefined;
  const stop = (how: Chain["state"], handler?: number, left?: object): (() => void) | undefined => {
    chain.state = how;
    chain.endedMs = state.nowMs;
    const next = handler === onExit ? spec.onExit : spec.onFailure;
    if (handler === undefined || !left || !next || chain.handled.has(handler)) return undefined;
    chain.handled.add(handler);
    return () => addStep(state, chain, spec, handler, next, left);
  };
  if (fate === "failed") return stop("failed", onFailure, { failed_job_id: job.id, failed_step: step, error });
  if (fate !== "succeeded") return stop("cancelled");
  const left = { previous_job_id: job.id, ...(result ? { previous_result: JSON.parse(result) as unknown } : {}) };
  const next = exit ? undefined : spec.steps[step + 1];
  if (!next) return stop(exit ? "exited" : "completed", onExit, left);
  const at = ++chain.cursor;
  return () => addStep(state, chain, spec, at, next, left);
}

function chainOf(state: State, { chainId }: Job): Chain | undefined {
  return state.chains.find(({ id }) => id === chainId);
}

/** Its own payload wins over what the job before left. */
function addStep(state: State, chain: Chain, spec: ChainSpec, step: number, { queue, payload }: ChainJob, left: object): void {
  const given: unknown = payload ? JSON.parse(payload) : {};
  const own = typeof given === "object" && given !== null && !Array.isArray(given) ? given : {};
  const rest = Object.fromEntries(Object.entries(left).filter(([name]) => !(name in own)));
  const { jobId } = addJob(state, { queue, payload: JSON.stringify({ ...rest, ...own }) }, { chain, spec, step });
  chain.jobs.set(step, jobId);
}

/** A new chain, or the one that the job names: of that its newest step counts. */
export function joinChain(state: State, job: Job, spec: ChainSpec): void {
  const step = job.chainStep ?? 0;
  // Whoever names no chain begins one, and is told its place.
  if (!job.chainId) Object.assign(job, { chainId: `${newChain}${++state.chainsCreated}`, chainStep: step });
  let chain = chainOf(state, job);
  if (chain) chain.cursor = Math.max(chain.cursor, step);
  else {
    const cursor = Math.max(0, step);
    chain = { id: job.chainId, ...spec, state: "running", cursor, jobs: new Map(), handled: new Set(), createdMs: state.nowMs };
    state.chains.push(chain);
  }
  chain.jobs.set(step, job.id);
}

const newChain = "new ";

/** Ids that the server makes are all the same here. */
export function shownChainId(id: string): string {
  return id.startsWith(newChain) ? "new" : id;
}

/** A job that had ended is to run again: it counts as pending again, and its chain goes on from it. */
export function revived(state: State, job: Job): void {
  for (const fates of fatesOf(state, job)) fates.set(job.id, "pending");
  const chain = job.chainSpec && chainOf(state, job);
  if (chain && chain.cursor === (job.chainStep ?? 0)) Object.assign(chain, { state: "running", endedMs: undefined });
  // One that was handed out once had nobody left to wait for. Others look at their dependencies anew.
  if (job.startedMs === undefined) job.met = new Set(job.dependsOn.filter((id) => state.jobs.get(id)?.state === "completed"));
}

/** Where this job is counted. */
export function fatesOf(state: State, job: Job): Fates[] {
  const all = [state.batches.get(job.batchId)?.fates, state.families.get(job.parentId)?.fates];
  return all.filter((fates): fates is Fates => fates?.has(job.id) === true);
}

/** Whoever waits for this job has one less to wait for, for good; with the last one it goes to the tail of its priority. */
function wakeDependents(state: State, completed: Job): void {
  for (const job of state.jobs.values()) {
    if (ended(job) || !job.dependsOn.includes(completed.id) || job.met.has(completed.id)) continue;
    job.met.add(completed.id);
    if (waitsFor(job) === 0 && job.state === "pending") state.makePending(job);
  }
}

export function waitsFor(job: Job): number {
  return job.dependsOn.filter((id) => !job.met.has(id)).length;
}

export function ended(job: Job): boolean {
  return job.state === "completed" || job.state === "dead" || job.state === "cancelled";
}

/** Why a job cannot join the others that it names. */
export function cannotJoin(state: State, { batchId, dependsOn }: NewJob): Extract<Outcome, { kind: "refused" }> | undefined {
  const batch = batchId ? state.batches.get(batchId) : undefined;
  if (batchId && !batch) return { kind: "refused", code: "not_found", reason: "NOT_FOUND", message: `batch "${batchId}" not found` };
  if (batch?.sealed) return { kind: "refused", code: "failed_precondition", reason: "WRONG_STATE", message: `batch "${batchId}" is sealed` };
  const future = dependsOn?.some((id) => isToCome(state, id));
  return future ? { kind: "refused", code: "failed_precondition", reason: "DEPENDENCY_CYCLE" } : undefined;
}

/** Retention: what is over goes when its last job ended so long ago. A batch or family that somebody is left in stays. */
export function forget(state: State, endedBeforeMs: number): void {
  const over = (fates: Fates, endedMs: number | undefined): boolean => ![...fates.values()].includes("pending") && (endedMs ?? Infinity) < endedBeforeMs;
  for (const [id, { fates, completedMs }] of state.batches) if (over(fates, completedMs)) state.batches.delete(id);
  for (const [id, { fates, endedMs }] of state.families) if (over(fates, endedMs)) state.families.delete(id);
  state.chains = state.chains.filter(({ endedMs }) => (endedMs ?? Infinity) >= endedBeforeMs);
}

/** May a job get this id one day? Its number has not been reached, nor its time gone by. */
function isToCome(state: State, id: string): boolean {
  if (!/^job_[0-9a-f]{26}$/.test(id)) return false;
  const createdMs = BigInt(`0x${id.slice(4, 20)}`) / 1_000_000n;
  return createdMs >= BigInt(state.nowMs) && Number.parseInt(id.slice(20), 16) > state.jobsCreated;
}

export function countsOf(fates: Fates): CountsRecord {
  const counts = { total: fates.size, pending: 0, succeeded: 0, failed: 0, cancelled: 0, deleted: 0 };
  for (const fate of fates.values()) counts[fate]++;
  return counts;
}

export function batchRecord(batch: Batch): BatchRecord {
  const { id, sealed, fates, callbackQueue, callbackPayload, callbackJobId, createdMs, completedMs } = batch;
  const state = completedMs !== undefined ? "completed" : sealed ? "running" : "open";
  return { id, state, ...countsOf(fates), callbackQueue, callbackPayload, callbackJobId, createdMs, completedMs };
}

export function chainRecord(chain: Chain): ChainRecord {
  const shown = ({ queue }: ChainJob, step: number) => ({ queue, jobId: chain.jobs.get(step) ?? "" });
  return {
    id: shownChainId(chain.id),
    state: chain.state,
    step: chain.cursor,
    steps: chain.steps.map(shown),
    onFailure: chain.onFailure && shown(chain.onFailure, onFailure),
    onExit: chain.onExit && shown(chain.onExit, onExit),
    createdMs: chain.createdMs,
    endedMs: chain.endedMs,
  };
}

/** The definition as jobs show it. */
export function chainConfig({ chainSpec: chain, chainRest, dependsOn }: Job): object | undefined {
  const shown = ({ queue, payload }: ChainJob) => ({ queue, payload: payload ? (JSON.parse(payload) as unknown) : undefined });
  if (!chain && dependsOn.length === 0) return chainRest ? (JSON.parse(chainRest) as object) : undefined;
  return {
    ...(chain && {
      steps: chain.steps.map(shown),
      on_failure: chain.onFailure && shown(chain.onFailure),
      on_exit: chain.onExit && shown(chain.onExit),
    }),
    ...(dependsOn.length > 0 && { depends_on: dependsOn }),
  };
}
