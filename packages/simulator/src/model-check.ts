import { isDeepStrictEqual } from "node:util";
import { EventCheck } from "./event-check.js";
import { Invariants } from "./invariants.js";
import type { AckStatus, Command, Entry, Outcome } from "./model/command.js";
import { Model } from "./model/model.js";
import { Player } from "./player.js";
import { randomProgram } from "./program.js";
import { Rng } from "./random.js";
import { ScheduleCheck } from "./schedule-check.js";
import { sentBack } from "./sent-back.js";
import { shrink } from "./shrink.js";
import { Subject, type SubjectCut } from "./subject.js";
import type { Step } from "./wish.js";

/** What a run of programs has seen; a check that saw nothing proves nothing. */
export interface Coverage {
  programs: number;
  entries: number;
  commands: number;
  restores: number;
  /** Restores of a cut that was read while later entries were applied. */
  restoresUnderWay: number;
  /** Commands on finished jobs that were sent with the archived record. */
  archived: number;
  /** Commands that were refused because their job had ended meanwhile, and were sent again. */
  sentAgain: number;
  /** Refused commands whose absence made no difference (J24). */
  refusedAgain: number;
  /** Verb and kind of outcome → how often. */
  outcomes: Map<string, number>;
}

export function noCoverage(): Coverage {
  return { programs: 0, entries: 0, commands: 0, restores: 0, restoresUnderWay: 0, archived: 0, sentAgain: 0, refusedAgain: 0, outcomes: new Map() };
}

/** Two that should say the same and do not. */
export class Disagreement extends Error {
  constructor(what: string, engine: unknown, model: unknown) {
    super(`${what}\n  engine: ${shown(engine)}\n  model:  ${shown(model)}`);
    this.name = "Disagreement";
  }
}

interface CutUnderWay {
  cut: SubjectCut;
  /** What was applied since, to be applied to the restored engine too; gives back what it answered. */
  since: { index: number; apply: (subject: Subject) => unknown; answered: unknown }[];
  left: number;
}

/**
 * Runs a program through engine and model, one entry after another, and compares every answer, every job and queue after each
 * entry, the timers, and the state after snapshots and replays. Throws at the first disagreement.
 */
export async function checkProgram(program: readonly Step[], seed: number, coverage = noCoverage(), model = new Model()): Promise<void> {
  const rng = new Rng(seed ^ 0x5eed);
  const player = new Player(model);
  const invariants = new Invariants();
  const subject = new Subject();
  const events = new EventCheck();
  const schedules = new ScheduleCheck();
  let under: CutUnderWay | undefined;
  const refused: Command[] = [];
  coverage.programs++;
  for (const step of program) {
    let entry: Entry | undefined = player.entry(step);
    for (let tries = 0; entry; tries++) {
      const sent: Entry = entry;
      const shut = player.model.queues().filter(({ name }) => !player.model.fetchable([name]));
      const answers = subject.apply(sent);
      under?.since.push({ index: sent.index, apply: (other) => other.apply(sent), answered: answers });
      const back = sentBack(sent, answers);
      const expected = player.run(back.heard, back.places);
      invariants.begin(entry.clockMs, player.pausedMs);
      const bySchedules = schedules.look(subject.events(schedules.seq), sent);
      const added = bySchedules.added.map((id) => ({ id, job: subject.job(id) }));
      invariants.bySchedules(added, bySchedules.cancelled);
      for (const [i, command] of entry.commands.entries()) {
        const answer = answers[i];
        if (answer === "again") continue;
        player.model.adopt(expected[i]!, answer);
        same(`answer to command ${i} of entry ${entry.index}, ${JSON.stringify(command)}`, tolerated(answer, expected[i]), expected[i]);
        invariants.saw(command, answer);
        if (answer.kind === "refused") refused.push(command);
        count(coverage.outcomes, `${command.verb} ${answer.kind}`);
        if (answer.kind === "acked" && answer.agent) count(coverage.outcomes, `iteration ${answer.agent.state}`);
        if (answer.kind === "refused" && answer.reason === "BUDGET_EXCEEDED") count(coverage.outcomes, `over budget ${command.verb}`);
        if (answer.kind === "refused" && answer.reason === "QUEUE_FULL") count(coverage.outcomes, `full ${command.verb}`);
        if (answer.kind === "frame" && answer.error.includes(" is full: ")) count(coverage.outcomes, "full frame");
        const ackStatuses = answer.kind === "frame" ? answer.ackStatuses : answer.kind === "ackedBatch" ? answer.statuses : [];
        if (ackStatuses.includes("budget_exceeded")) count(coverage.outcomes, "over budget ack");
        if (answer.kind === "beaten" && Object.values(answer.jobs).some((one) => one.budgetExceeded)) count(coverage.outcomes, "over budget heartbeat");
        coverage.commands++;
        if (command.namespace && command.requestId && answer.kind !== "refused") count(coverage.outcomes, "of a namespace with a request id");
      }
      coverage.entries++;
      if (player.model.state.budgetHeld.length > 0) count(coverage.outcomes, "held for a budget");
      compare(subject, player, entry);
      events.look(subject, (id) => player.model.job(id));
      checkReady(subject.takeReady(), shut, player.model);
      if (back.commands.length > 0 && tries === 5) throw new Error(`entry ${entry.index}: a command on a finished job was sent back five times`);
      coverage.sentAgain += back.commands.length;
      entry = back.commands.length > 0 ? player.again(back.commands) : undefined;
    }
    if (rng.oneIn(10)) {
      const { index, clockMs } = player.again([]);
      player.model.begin(index, clockMs);
      const { verb, body } = events.step(subject, rng);
      const apply = (other: Subject): void => other.own(index, clockMs, verb, body);
      apply(subject);
      under?.since.push({ index, apply, answered: undefined });
      events.look(subject, (id) => player.model.job(id));
    }
    if (refused.length > 0 && !under && rng.oneIn(5)) await checkRefused(subject, player, refused, coverage);
    refused.length = 0;
    if (rng.oneIn(30)) under?.since.push(checkPurge(subject, player, rng.pick([0, 1, 1_000, 60_000])));
    if (!under && rng.oneIn(20)) under = { cut: subject.cut(), since: [], left: rng.pick([0, 0, 1, 3, 10]) };
    else if (under) under.left--;
    if (under?.left !== 0) continue;
    await checkCut(under, subject, player);
    coverage[under.since.length > 0 ? "restoresUnderWay" : "restores"]++;
    under = undefined;
  }
  if (under) await checkCut(under, subject, player);
  coverage.archived += subject.archived;
  countTogether(player.model, coverage.outcomes);
  same("state after replaying the whole log (J18)", subject.replay().digest(), subject.digest());
}

/** What became of what belongs together. */
function countTogether(model: Model, outcomes: Map<string, number>): void {
  for (const { state, total, callbackJobId } of model.batches()) if (total > 0) count(outcomes, `batch ${state}${callbackJobId ? " with callback" : ""}`);
  for (const { id, state, step, createdMs, endedMs } of model.chains())
    if (id !== "new" && step > 0 && endedMs !== createdMs) count(outcomes, `named chain ${state}`);
  for (const { state, step } of model.chains()) count(outcomes, `chain ${state}${step > 0 ? " behind its first step" : ""}`);
  for (const { succeeded, deleted } of Object.values(model.families())) if (succeeded + deleted > 0) count(outcomes, "children ended");
  for (const { runs, lastSlotMs, skipped, missed, bufferedMs } of model.schedules()) {
    const told = { fired: lastSlotMs, skipped, missed, buffered: bufferedMs, "by hand": lastSlotMs ? 0 : runs };
    for (const [what, some] of Object.entries(told)) if (some) count(outcomes, `slot ${what}`);
  }
  for (const { status, items, affected, createdMs, endedMs } of model.bulkTasks())
    if (affected > 0 && affected < items.length && createdMs !== endedMs) count(outcomes, `bulk task ${status}`);
  for (const { dependsOn, startedMs } of model.state.jobs.values()) if (dependsOn.length > 0 && startedMs) count(outcomes, "dependent started");
}

/** Everything that can be seen of engine and model after an entry. */
function compare(subject: Subject, { model, seen }: Player, entry: Entry): void {
  const at = `after entry ${entry.index} at ${entry.clockMs}`;
  for (const id of seen) same(`job ${id} ${at}`, subject.job(id), model.job(id));
  same(`queues ${at}`, subject.queues(), model.queues());
  same(`budgets ${at}`, subject.budgets(), model.budgets());
  same(`usage ${at}`, subject.usage(), model.usage());
  same(`batches ${at}`, subject.batches(), model.batches());
  same(`chains ${at}`, subject.chains(), model.chains());
  same(`children ${at}`, subject.families(), model.families());
  same(`schedules ${at}`, subject.schedules(), model.schedules());
  same(`bulk tasks ${at}`, subject.bulkTasks(), model.bulkTasks());
  same(`schedules that ask for slots ${at}`, subject.asking(), model.asking());
  same(`workers ${at}`, subject.workers(), model.workers());
  same(`next timer ${at}`, subject.nextTickMs(), model.nextTickMs());
  for (const { name } of model.queues()) {
    same(`is ${name} fetchable ${at}`, subject.fetchable([name]), model.fetchable([name]));
    same(`when does the throttle of ${name} end ${at}`, Math.max(subject.throttledUntilMs(name), model.state.nowMs), model.throttledUntilMs(name));
  }
  same(`log time ${at}`, subject.logTimeMs, model.state.nowMs);
  subject.checkInvariants();
}

/** Who sleeps on a queue is told when it opens. A throttle that ends by time alone is the replica's to watch. */
function checkReady(ready: readonly string[], shut: readonly { name: string }[], model: Model): void {
  const now = new Map(model.queues().map((queue) => [queue.name, queue]));
  for (const { name } of shut) {
    const opened = now.get(name)?.rateLimit === 0 && model.fetchable([name]);
    if (opened && !ready.includes(name)) throw new Error(`queue ${name} has become fetchable and is not among the ready ones: ${ready.join(", ")}`);
  }
}

/** Retention, so many milliseconds back: only finished jobs that ended before may go, and by whole segments. */
function checkPurge(subject: Subject, player: Player, olderByMs: number): CutUnderWay["since"][number] {
  const { index, clockMs } = player.again([]);
  player.model.begin(index, clockMs);
  const endedBeforeMs = player.model.state.nowMs - olderByMs;
  subject.purge(index, clockMs, endedBeforeMs);
  const gone: string[] = [];
  for (const job of player.model.jobs()) {
    if (subject.job(job.id)) continue;
    const endedMs = { completed: job.completedMs, dead: job.failedMs, cancelled: job.cancelledMs }[job.state as string] ?? Infinity;
    if (endedMs >= endedBeforeMs) throw new Error(`retention of what ended before ${endedBeforeMs} took ${job.id}, ${job.state} since ${endedMs}`);
    gone.push(job.id);
  }
  player.model.purged(gone, endedBeforeMs);
  const at = `after retention of what ended before ${endedBeforeMs}`;
  same(`batches ${at}`, subject.batches(), player.model.batches());
  same(`chains ${at}`, subject.chains(), player.model.chains());
  same(`children ${at}`, subject.families(), player.model.families());
  return { index, apply: (other) => other.purge(index, clockMs, endedBeforeMs), answered: undefined };
}

/** J24: an entry of commands that are refused leaves what an entry without them does. */
async function checkRefused(subject: Subject, player: Player, commands: readonly Command[], coverage: Coverage): Promise<void> {
  const twin = await subject.cut().restore();
  const { index, clockMs } = player.again([]);
  player.model.begin(index, clockMs);
  player.model.end();
  subject.applyPlain({ index, clockMs, commands: [] });
  // What was done beside them may have made one possible.
  const answers = twin.applyPlain({ index, clockMs, commands: [...commands] });
  if (answers.every((answer) => answer !== "again" && answer.kind === "refused")) {
    same(`J24: state after refusing ${JSON.stringify(commands)}, beside that without`, twin.digest(), subject.digest());
    same("J24: events after refusals, beside those without", twin.events(0), subject.events(0));
    coverage.refusedAgain += commands.length;
  }
}

/** J18: what is restored from a cut is what was there at the cut, and goes on like the one that was cut. */
async function checkCut({ cut, since }: CutUnderWay, subject: Subject, player: Player): Promise<void> {
  const restored = await cut.restore();
  same(`state restored from the cut at entry ${cut.index}`, restored.digest(), cut.digest);
  for (const { index, apply, answered } of since) same(`answers of the restored engine to entry ${index}`, apply(restored), answered);
  same(`state of the restored engine after ${since.length} more entries`, restored.digest(), subject.digest());
  for (const id of player.seen) same(`job ${id} in the restored engine`, restored.job(id), player.model.job(id));
  same(`events of the restored engine`, restored.events(0), subject.events(0));
  restored.checkInvariants();
}

/** One random program; a failure is shrunk and told with the line that runs it again. */
export async function checkSeed(seed: number, steps: number, coverage: Coverage): Promise<void> {
  const program = randomProgram(seed, steps);
  try {
    await checkProgram(program, seed, coverage);
  } catch (cause) {
    // A smaller program that fails in another way tells nothing about this one.
    const kind = kindOf(cause as Error);
    const small = await shrink(program, async (candidate) => kindOf(await failureOf(candidate, seed)) === kind);
    const failure = await failureOf(small, seed);
    throw new Error(
      `engine and model disagree: CORVO_SEED=${seed} CORVO_STEPS=${steps} npx vitest run packages/simulator -t "engine and model agree"\n` +
        `shrunk from ${steps} to ${small.length} steps:\n${small.map((step) => `  ${JSON.stringify(step)}`).join("\n")}\n${failure?.message}`,
      { cause: failure },
    );
  }
}

/** The words before the first thing that has a number. */
function kindOf(failure: Error | undefined): string | undefined {
  return failure?.message.split(/[0-9{]/)[0];
}

async function failureOf(program: readonly Step[], seed: number): Promise<Error | undefined> {
  try {
    await checkProgram(program, seed);
    return undefined;
  } catch (cause) {
    return cause as Error;
  }
}

/**
 * What the engine may say otherwise than the model: a text where the specification gives none; and that a deleted job is not
 * active where the model knows that it is no more (the engine does not remember deleted jobs for ever).
 */
export function tolerated(answer: Outcome, expected: Outcome | undefined): Outcome {
  if (answer.kind === "refused" && expected?.kind === "refused") {
    if (expected.reason === "NOT_FOUND" && answer.reason === "WRONG_STATE" && answer.message?.includes("is not active")) return expected;
    return expected.message === undefined ? { ...answer, message: undefined } : answer;
  }
  const softened = (given: AckStatus[], wanted: AckStatus[]) =>
    given.map((status, i) => (wanted[i] === "not_found" && status === "not_active" ? "not_found" : status));
  if (answer.kind === "frame" && expected?.kind === "frame") {
    const ackStatuses = softened(answer.ackStatuses, expected.ackStatuses);
    const reused = expected.error.includes("request id") && answer.error.startsWith("enqueue: ");
    return { ...answer, ackStatuses, error: reused ? expected.error : answer.error };
  }
  if (answer.kind === "ackedBatch" && expected?.kind === "ackedBatch") return { ...answer, statuses: softened(answer.statuses, expected.statuses) };
  if (answer.kind === "beaten" && expected?.kind === "beaten") {
    const entries = Object.entries(answer.jobs).map(([id, one]) => {
      const gone = one.reason === "not_active" && expected.jobs[id]?.reason === "not_found";
      return [id, gone ? { ...one, reason: "not_found" } : one] as const;
    });
    return { ...answer, jobs: Object.fromEntries(entries) };
  }
  return answer;
}

export function same(what: string, engine: unknown, model: unknown): void {
  // Nearly always both have their fields in the same order, which is faster to find out.
  if (JSON.stringify(engine) === JSON.stringify(model)) return;
  if (!isDeepStrictEqual(plain(engine), plain(model))) throw new Disagreement(what, engine, model);
}

/** Without fields that are undefined: absent and undefined are the same here. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, plain(field)]));
}

function shown(value: unknown): string {
  return JSON.stringify(plain(value)) ?? "nothing";
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
