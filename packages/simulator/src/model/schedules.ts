import { addJob } from "./add.js";
import type { Command, NewJob, Outcome, ScheduleRecord, ToldSlots } from "./command.js";
import { durationMs } from "./duration.js";
import { cancelJob } from "./operator-verbs.js";
import type { Job, State } from "./state.js";
import { cannotJoin, ended } from "./together.js";

type Of<V extends Command["verb"]> = Extract<Command, { verb: V }>;

/** `docs/time.md`. */
export interface Schedule {
  /** `sched_…`: made elsewhere (see `Model.adopt`). */
  id: string;
  name: string;
  content: Of<"putSchedule">;
  paused: boolean;
  createdMs: number;
  /** When it was last put or resumed: fixed intervals count from here. */
  updatedMs: number;
  /** How often it was put or resumed: what was asked before does not count any more. */
  changes: number;
  /** Slots up to this moment have had their job, or never will. */
  settledMs: number;
  /** The slot behind that, as far as it is known. */
  nextMs?: number;
  /** The leader is to tell slots: the next one, or those that passed, too. */
  asks?: "next" | "passed";
  last?: Job;
  lastSlotMs?: number;
  /** The slot that waits for the last job to end. */
  bufferedMs?: number;
  /** When that job ended. */
  freedMs?: number;
  runs: number;
  skipped: number;
  missed: number;
  /** Place in the order of making, among everything that has a time. */
  made: number;
}

/** What comes later has been missed. */
const graceMs = 60_000;
const catchUpMax = 100;
const countedMax = 200;

export function putSchedule(state: State, command: Of<"putSchedule">): Outcome {
  const { name, cron, job } = command;
  if (!name || !cron) return { kind: "refused", code: "invalid_argument", reason: "REQUIRED" };
  if (intervalMs(cron) === undefined) return { kind: "refused", code: "invalid_argument", reason: "INVALID_VALUE" };
  if (!job.queue) return { kind: "refused", code: "invalid_argument", reason: "REQUIRED" };
  const known = state.schedules.get(name);
  const fresh = { id: temporaryId(state.made + 1), name, createdMs: state.nowMs, changes: 0, runs: 0, skipped: 0, missed: 0 };
  const schedule = known ?? ({ ...fresh, made: ++state.made } as Schedule);
  state.schedules.set(name, schedule);
  state.schedulesEver.add(schedule);
  Object.assign(schedule, { content: command, paused: command.paused });
  begin(state, schedule);
  return { kind: "schedule", id: schedule.id, name, replaced: known !== undefined, logIndex: state.index };
}

/** From now on: what lies behind is settled. */
function begin(state: State, schedule: Schedule): void {
  rest(schedule);
  schedule.changes++;
  schedule.updatedMs = schedule.settledMs = state.nowMs;
  lookAhead(schedule);
}

/** Nothing is waited for. */
function rest(schedule: Schedule): void {
  schedule.nextMs = schedule.asks = schedule.bufferedMs = schedule.freedMs = undefined;
}

/** A fixed interval is counted; what a cron expression means, the leader knows. */
function lookAhead(schedule: Schedule): void {
  const { content, updatedMs, settledMs, paused } = schedule;
  if (paused || schedule.nextMs !== undefined) return;
  const interval = intervalMs(content.cron)!;
  if (interval === 0) schedule.asks ??= "next";
  else schedule.nextMs = updatedMs + (Math.floor((settledMs - updatedMs) / interval) + 1) * interval;
}

export function scheduleVerb(state: State, { verb, name }: Of<"deleteSchedule" | "pauseSchedule" | "resumeSchedule">): Outcome {
  const schedule = state.schedules.get(name);
  if (!schedule) return noSuch(name);
  if (verb === "deleteSchedule") state.schedules.delete(name);
  else if (verb === "pauseSchedule" && !schedule.paused) {
    rest(schedule);
    schedule.paused = true;
  } else if (verb === "resumeSchedule" && schedule.paused) {
    schedule.paused = false;
    begin(state, schedule);
  }
  return { kind: "done", status: "" };
}

/** Whatever pause and overlap policy say; no slot is settled by it. */
export function runSchedule(state: State, { name }: Of<"runSchedule">): Outcome {
  const schedule = state.schedules.get(name);
  if (!schedule) return noSuch(name);
  const refusal = cannotJoin(state, schedule.content.job);
  if (refusal) return refusal;
  const { jobId, status } = add(state, schedule, state.nowMs);
  return { kind: "scheduleRun", jobId, duplicate: status === "duplicate", logIndex: state.index };
}

function noSuch(name: string): Outcome {
  if (!name) return { kind: "refused", code: "invalid_argument", reason: "REQUIRED" };
  return { kind: "refused", code: "not_found", reason: "NOT_FOUND", message: `schedule "${name}" not found` };
}

/** Slots of cron expressions. Who was changed, paused or told since it asked does not listen: so no slot comes twice. */
export function tellSlots(state: State, { told }: Of<"scheduleSlots">): Outcome {
  for (const slots of told) {
    const schedule = [...state.schedules.values()].find(({ id }) => serialOf(id) === slots.serial);
    if (schedule?.asks && schedule.changes === slots.changes && schedule.settledMs === slots.afterMs) tell(state, schedule, slots);
  }
  return { kind: "silent" };
}

/** Only what lies behind the settled slots, and not ahead, has passed; each once, whatever the leader says. */
function tell(state: State, schedule: Schedule, { past, pastTotal, untilMs, nextMs }: ToldSlots): void {
  const { settledMs, asks } = schedule;
  schedule.asks = undefined;
  fireBuffered(state, schedule);
  schedule.settledMs = Math.min(Math.max(untilMs, settledMs), state.nowMs);
  let lastMs = settledMs;
  const passed = past.filter((atMs) => atMs > lastMs && atMs <= schedule.settledMs && (lastMs = atMs));
  if (asks === "passed") catchUp(state, schedule, passed, pastTotal);
  schedule.nextMs = nextMs > schedule.settledMs ? nextMs : undefined;
}

/** Until it is known. */
export function temporaryId(made: number): string {
  return `schedule-${made}`;
}

/** The number in an id; 0: it has none yet. */
export function serialOf(id: string): number {
  return id.startsWith("sched_") ? Number.parseInt(id.slice(22), 16) : 0;
}

/** When a tick does something about it. */
export function scheduleDueMs(state: State, schedule: Schedule): number {
  return schedule.paused ? Infinity : (schedule.freedMs ?? slotDueMs(state, schedule));
}

function slotDueMs(state: State, { id, nextMs, content }: Schedule): number {
  if (nextMs === undefined) return Infinity;
  const most = Math.ceil(durationMs(content.jitter) ?? 0);
  return nextMs + (most > 0 ? state.jitterMs(serialOf(id), nextMs, most) : 0);
}

/** Its time has come: what waited may go, then the slot that is due. */
export function scheduleDue(state: State, schedule: Schedule): void {
  schedule.freedMs = undefined;
  fireBuffered(state, schedule);
  if (slotDueMs(state, schedule) <= state.nowMs) slotCame(state, schedule);
  lookAhead(schedule);
}

/** What waited goes ahead of every later slot. */
function fireBuffered(state: State, schedule: Schedule): void {
  const { bufferedMs } = schedule;
  if (bufferedMs === undefined || lives(state, schedule)) return;
  schedule.bufferedMs = schedule.freedMs = undefined;
  fire(state, schedule, bufferedMs);
}

function slotCame(state: State, schedule: Schedule): void {
  const slotMs = schedule.nextMs!;
  const late = state.nowMs - slotDueMs(state, schedule) > graceMs;
  const interval = intervalMs(schedule.content.cron)!;
  schedule.nextMs = undefined;
  if (late && interval === 0) {
    schedule.asks = "passed";
    return;
  }
  if (!late) {
    schedule.settledMs = slotMs;
    return run(state, schedule, slotMs);
  }
  const all: number[] = [];
  for (let at = slotMs; at <= state.nowMs; at += interval) all.push(at);
  schedule.settledMs = all.at(-1)!;
  catchUp(state, schedule, all, all.length);
}

/** Slots that passed while nobody served, the newest last. */
function catchUp(state: State, schedule: Schedule, passed: readonly number[], total: number): void {
  const policy = schedule.content.catchUp || "last";
  const made = policy === "none" ? [] : passed.slice(policy === "all" ? -catchUpMax : -1);
  schedule.missed += Math.max(0, Math.min(Math.max(total, Math.min(passed.length, catchUpMax)), countedMax) - made.length);
  for (const slotMs of made) run(state, schedule, slotMs);
}

/** One slot, as the overlap policy has it. */
function run(state: State, schedule: Schedule, slotMs: number): void {
  const { content, last, bufferedMs } = schedule;
  if (!lives(state, schedule) || content.overlap === "allow") return fire(state, schedule, slotMs);
  if (content.overlap === "cancel_previous") {
    if (last!.state !== "held") cancelJob(state, last!);
    return fire(state, schedule, slotMs);
  }
  if (content.overlap === "buffer_one" && bufferedMs === undefined) schedule.bufferedMs = slotMs;
  else schedule.skipped++;
}

/** Has the job that was added last not ended? */
function lives(state: State, { last }: Schedule): boolean {
  return last !== undefined && !ended(last) && state.jobs.get(last.id) === last;
}

/** A slot's job; without one the slot has passed. */
function fire(state: State, schedule: Schedule, slotMs: number): void {
  const added = cannotJoin(state, schedule.content.job) ? undefined : add(state, schedule, slotMs);
  if (added && added.status !== "duplicate") schedule.lastSlotMs = slotMs;
  else schedule.skipped++;
}

function add(state: State, schedule: Schedule, slotMs: number): { jobId: string; status: string } {
  const added = addJob(state, schedule.content.job as NewJob, { schedule, slotMs });
  if (added.status === "duplicate") return added;
  schedule.last = state.jobs.get(added.jobId);
  schedule.runs++;
  return added;
}

/** Somebody has ended: the next tick sees to what waited for it. */
export function freed(state: State, job: Job): void {
  for (const schedule of state.schedules.values()) {
    if (schedule.last === job && schedule.bufferedMs !== undefined) schedule.freedMs = state.nowMs;
  }
}

/** Of `@every 5m`. 0: it is a cron expression; undefined: it means nothing. */
export function intervalMs(cron: string): number | undefined {
  if (!cron.startsWith("@every")) return 0;
  const ms = cron.startsWith("@every ") ? durationMs(cron.slice(7).trim()) : undefined;
  return ms !== undefined && ms >= 1_000 && ms <= 366 * 86_400_000 ? Math.ceil(ms) : undefined;
}

export function scheduleRecord(state: State, schedule: Schedule): ScheduleRecord {
  const { id, name, paused, createdMs, updatedMs, settledMs, nextMs, lastSlotMs, last, runs, skipped, missed, bufferedMs } = schedule;
  const due = nextMs === undefined ? undefined : scheduleDueMs(state, schedule);
  return { id, name, paused, createdMs, updatedMs, settledMs, nextMs: due, lastSlotMs, lastJobId: last?.id ?? "", runs, skipped, missed, bufferedMs };
}
