import type { BulkCommand, BulkTaskRecord, BulkWord, Command, Outcome } from "./command.js";
import type { State } from "./state.js";

type Of<V extends Command["verb"]> = Extract<Command, { verb: V }>;
type Run = (single: Command) => Outcome;

/** `docs/search.md`: an action in the background, on jobs that were chosen when it began. */
export interface BulkTask {
  /** Made elsewhere (see `Model.adopt`). */
  id: string;
  made: number;
  /** Of whoever began it. */
  namespace: string;
  content: Of<"bulkStart">;
  state: "running" | "completed" | "cancelled";
  /** Of each job, block by block. */
  words: (BulkWord | "waiting")[][];
  createdMs: number;
  /** When something was last done about it. */
  stepMs: number;
  endedMs?: number;
}

const runningMax = 32;
/** What became of the jobs is kept for a day. */
const keptMs = 86_400_000;

/** `jobs.md` §17: each job is treated as by the single action, with the guard of the single action. */
export function bulk(state: State, command: BulkCommand, run: Run): Outcome {
  if (command.of) return step(state, command, command.of, run);
  const outcomes = command.jobIds.map((jobId, i): BulkWord => (command.later?.includes(i) ? "again" : wordOf(run(single(command, jobId)))));
  return { kind: "bulk", outcomes };
}

export function single({ action, queue, priority }: Pick<BulkCommand, "action" | "queue" | "priority">, jobId: string): Command {
  if (action === "move") return { verb: "move", jobId, queue };
  return action === "changePriority" ? { verb: "changePriority", jobId, priority } : { verb: action, jobId };
}

function wordOf(outcome: Outcome): BulkWord {
  if (outcome.kind !== "refused") return "done";
  return outcome.reason === "NOT_FOUND" ? "not_found" : outcome.reason === "WRONG_STATE" ? "wrong_state" : "refused";
}

export function startBulkTask(state: State, command: Of<"bulkStart">): Outcome {
  const running = [...state.bulkTasks].filter((task) => task.state === "running").length;
  if (running >= runningMax) return { kind: "refused", code: "resource_exhausted", reason: "OVERLOADED" };
  const words = command.blocks.map((block) => block.map(() => "waiting" as const));
  const made = ++state.made;
  const { namespace } = state;
  const task: BulkTask = { id: `bulk-${made}`, made, namespace, content: command, state: "running", words, createdMs: state.nowMs, stepMs: state.nowMs };
  state.bulkTasks.push(task);
  if (words.length === 0) end(state, task, "completed");
  return { kind: "bulkStarted", id: task.id, logIndex: state.index };
}

/** What was done stays done. One that has ended stays as it is. */
export function cancelBulkTask(state: State, { id }: Of<"cancelBulkTask">): Outcome {
  const task = state.bulkTasks.find((one) => one.id === id);
  if (!task) return { kind: "refused", code: "not_found", reason: "NOT_FOUND", message: `bulk task "${id}" not found` };
  if (task.state === "running") end(state, task, "cancelled");
  return { kind: "done", status: task.state };
}

/** Whoever leads carries out the next block, in as many steps as it likes. No job has its turn twice, whatever comes twice. */
function step(state: State, command: BulkCommand, { serial, block, places }: NonNullable<BulkCommand["of"]>, run: Run): Outcome {
  const task = state.bulkTasks.find((one) => serialOfTask(one.id) === serial && one.state === "running");
  if (!task || nextBlock(task) !== block) return { kind: "bulk", outcomes: [] };
  const words = task.words[block];
  const outcomes = places.map((place, i): BulkWord => {
    const known = words[place];
    if (known !== "waiting") return known;
    if (command.later?.includes(i)) return "again";
    return (words[place] = wordOf(run(single(task.content, command.jobIds[i]))));
  });
  task.stepMs = state.nowMs;
  if (nextBlock(task) === task.words.length) end(state, task, "completed");
  return { kind: "bulk", outcomes };
}

/** Blocks follow each other: the first one with a job that waits. */
export function nextBlock({ words }: BulkTask): number {
  const next = words.findIndex((block) => block.includes("waiting"));
  return next < 0 ? words.length : next;
}

function end(state: State, task: BulkTask, how: "completed" | "cancelled"): void {
  task.state = how;
  task.endedMs = task.stepMs = state.nowMs;
}

/** When it is forgotten. */
export function bulkTaskDueMs({ endedMs }: BulkTask): number {
  return endedMs === undefined ? Infinity : endedMs + keptMs;
}

export function forgetBulkTask(state: State, task: BulkTask): void {
  state.bulkTasks.splice(state.bulkTasks.indexOf(task), 1);
}

/** Far from all real ones: stands for the number until the id is known. */
const temporarySerial = 1_000_000_000;

export function isTemporary(id: string): boolean {
  return id.startsWith("bulk-");
}

/** The number in an id. */
export function serialOfTask(id: string): number {
  if (isTemporary(id)) return temporarySerial + Number(id.slice(5));
  const [, , serial] = /^bulk_([0-9a-z]+)_([0-9a-z]+)$/.exec(id) ?? [];
  return serial ? Number.parseInt(serial, 36) : 0;
}

export function bulkTaskRecord(task: BulkTask): BulkTaskRecord {
  const { id, content, state, words, createdMs, stepMs, endedMs } = task;
  const all = words.flat();
  const count = (word: string): number => all.filter((one) => one === word).length;
  const ids = content.blocks.flat();
  return {
    ...{ id, action: content.action, queue: content.queue, priority: content.priority, status: state, total: all.length },
    ...{ processed: all.length - count("waiting"), affected: count("done"), notFound: count("not_found") },
    ...{ wrongState: count("wrong_state"), refused: count("refused"), createdMs, stepMs, endedMs },
    items: ids.map((jobId, i) => ({ jobId, outcome: all[i] })),
  };
}
