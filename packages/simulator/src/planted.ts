import { serialOfTask } from "./model/bulk.js";
import type { Command, Outcome } from "./model/command.js";
import type { Model } from "./model/model.js";

type Mistake = (model: Model, command: Command, run: (command: Command) => Outcome) => Outcome;

export interface Planted {
  /** The seed whose program of 120 steps found it when it was last looked for. It is tried first: where to look, not what is found. */
  foundBy: number;
  mistake: Mistake;
}

function foundBy(seed: number, mistake: Mistake): Planted {
  return { foundBy: seed, mistake };
}

/** Models with one mistake each. A check that lets one pass proves nothing about the engine. */
export const planted: Record<string, Planted> = {
  "a lease that ends a millisecond early": foundBy(3, ({ state }, command, run) => {
    if (command.verb !== "tick") return run(command);
    state.pausedMs--;
    const outcome = run(command);
    state.pausedMs++;
    return outcome;
  }),
  "an ack that keeps the unique key": foundBy(4, ({ state }, command, run) => {
    const locks = [...state.locks];
    const outcome = run(command);
    if (command.verb.startsWith("ack")) for (const [name, lock] of locks) state.locks.set(name, lock);
    return outcome;
  }),
  "fences that are not checked": foundBy(5, (_model, command, run) => run(command.verb === "fail" ? { ...command, fence: 0 } : command)),
  "a retry that keeps the attempts": foundBy(1, ({ state }, command, run) => {
    const job = command.verb === "retry" ? state.jobs.get(command.jobId) : undefined;
    const attempt = job?.attempt;
    const outcome = run(command);
    if (job && attempt !== undefined) job.attempt = attempt;
    return outcome;
  }),
  "an approved job that jumps the queue": foundBy(3, ({ state }, command, run) => {
    const outcome = run(command);
    const job = command.verb === "approve" && outcome.kind === "done" ? state.jobs.get(command.jobId) : undefined;
    const line = job && state.queue(job.queue).lines[job.priority];
    if (line) line.unshift(...line.splice(-1));
    return outcome;
  }),
  "an iteration that is counted although it is held for a person": foundBy(3, ({ state }, command, run) => {
    const job = command.verb === "ack" && command.agentStatus === "hold" ? state.jobs.get(command.jobId) : undefined;
    const outcome = run(command);
    if (job && outcome.kind === "acked") job.iteration++;
    return outcome;
  }),
  "a budget for all that looks at one queue only": foundBy(1, ({ state }, command, run) => {
    const reports = command.verb === "setBudget" && command.scope === "global" ? state.reports.splice(0) : [];
    state.reports.push(...reports.filter(({ queue }) => queue === "a"));
    const outcome = run(command);
    if (reports.length > 0) state.reports.splice(0, state.reports.length, ...reports);
    return outcome;
  }),
  "attempts of earlier iterations that count": foundBy(17, ({ state }, command, run) => {
    if (command.verb === "fail") for (const job of state.jobs.values()) job.attemptsBefore = 0;
    return run(command);
  }),
  "a requeue that gives new attempts": foundBy(1, ({ state }, command, run) => {
    const outcome = run(command);
    const job = command.verb === "requeue" && outcome.kind === "done" ? state.jobs.get(command.jobId) : undefined;
    if (job) job.attempt = 0;
    return outcome;
  }),
  "held jobs that count as waiting ones": foundBy(25, ({ state }, command, run) => {
    const held = [...state.jobs.values()].filter((job) => job.state === "held");
    if (command.verb !== "enqueue") return run(command);
    for (const job of held) job.state = "retrying";
    const outcome = run(command);
    for (const job of held) job.state = "held";
    return outcome;
  }),
  "a member that runs again and does not count": foundBy(18, ({ state }, command, run) => {
    const fates = [...state.batches.values()].map((batch) => ({ batch, before: new Map(batch.fates) }));
    const outcome = run(command);
    if (command.verb === "retry")
      for (const { batch, before } of fates) if (before.has(command.jobId)) batch.fates.set(command.jobId, before.get(command.jobId)!);
    return outcome;
  }),
  "a callback for each time that a batch is done": foundBy(66, ({ state }, command, run) => {
    if (command.verb === "retry") for (const batch of state.batches.values()) if (batch.fates.has(command.jobId)) batch.completedMs = undefined;
    return run(command);
  }),
  "a chain that goes on twice": foundBy(11, ({ state }, command, run) => {
    const outcome = run(command);
    const job = command.verb === "retry" && outcome.kind === "done" ? state.jobs.get(command.jobId) : undefined;
    for (const chain of state.chains) if (job && chain.id === job.chainId && (job.chainStep ?? 0) >= 0) chain.cursor = job.chainStep ?? 0;
    return outcome;
  }),
  "a named chain that goes on from each of its jobs": foundBy(34, ({ state }, command, run) => {
    const job = command.verb === "ack" ? state.jobs.get(command.jobId) : undefined;
    const chain = job?.chainId === "mine" ? state.chains.find(({ id }) => id === "mine") : undefined;
    if (chain && job?.chainStep !== undefined && job.chainStep >= 0) chain.cursor = job.chainStep;
    return run(command);
  }),
  "a dependency that is met by a death": foundBy(1, ({ state }, command, run) => {
    const outcome = run(command);
    if (command.verb === "fail") for (const job of state.jobs.values()) if (job.dependsOn.includes(command.jobId)) job.met.add(command.jobId);
    return outcome;
  }),
  "children that are not counted when they are deleted": foundBy(4, ({ state }, command, run) => {
    const outcome = run(command);
    if (command.verb === "delete") for (const { fates } of state.families.values()) fates.delete(command.jobId);
    return outcome;
  }),
  "a bulk action that takes jobs from the wrong state": foundBy(6, ({ state }, command, run) => {
    const held = command.verb === "bulk" && command.action === "retry" ? [...state.jobs.values()].filter((job) => job.state === "held") : [];
    for (const job of held) job.state = "dead";
    const outcome = run(command);
    for (const job of held) if (job.state === "dead") job.state = "held";
    return outcome;
  }),
  "a bulk task whose jobs have another turn when a step comes twice": foundBy(18, ({ state }, command, run) => {
    const task = command.verb === "bulk" && command.of ? state.bulkTasks.find(({ id }) => serialOfTask(id) === command.of?.serial) : undefined;
    const words = command.verb === "bulk" && command.of && task?.state === "running" ? task.words[command.of.block] : undefined;
    if (words?.includes("waiting")) words.fill("waiting");
    return run(command);
  }),
  "a bulk task that goes on after it was cancelled": foundBy(16, ({ state }, command, run) => {
    const task = command.verb === "cancelBulkTask" ? state.bulkTasks.find(({ id }) => id === command.id) : undefined;
    const ran = task?.state === "running";
    const outcome = run(command);
    if (task && ran) Object.assign(task, { state: "running", endedMs: undefined });
    return outcome;
  }),
  "a bulk task that is kept for an hour only": foundBy(2, ({ state }, command, run) => {
    const outcome = run(command);
    for (const task of [...state.bulkTasks])
      if ((task.endedMs ?? Infinity) + 3_600_000 <= state.nowMs) state.bulkTasks.splice(state.bulkTasks.indexOf(task), 1);
    return outcome;
  }),
  "request ids that are the same in all namespaces": foundBy(2, (_model, { namespace: _namespace, ...command }, run) => run(command as Command)),
  "items whose request ids are the same in all namespaces": foundBy(10, ({ state }, command, run) => {
    const key = state.itemKey;
    state.itemKey = ({ id }) => id;
    const outcome = run(command);
    state.itemKey = key;
    return outcome;
  }),
  "a chain that goes on although its step said exit": foundBy(54, (_model, command, run) => {
    if (command.verb === "ack") return run({ ...command, stepStatus: command.stepStatus?.trim().toLowerCase() === "exit" ? "" : command.stepStatus });
    return run(command);
  }),
  "a slot that does not ask whether the job before has ended": foundBy(10, (_model, command, run) =>
    run(command.verb === "putSchedule" && command.overlap !== "cancel_previous" ? { ...command, overlap: "allow" } : command),
  ),
  "missed slots that are made up for although they are to pass": foundBy(3, (_model, command, run) =>
    run(command.verb === "putSchedule" && command.catchUp === "none" ? { ...command, catchUp: "last" } : command),
  ),
  "a slot that is not put off": foundBy(6, ({ state }, command, run) => {
    const { jitterMs } = state;
    if (command.verb === "tick") state.jitterMs = () => 0;
    const outcome = run(command);
    state.jitterMs = jitterMs;
    return outcome;
  }),
  "request ids that are forgotten": foundBy(5, (_model, { requestId: _requestId, ...command }, run) => run(command as Command)),
};
