import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { slotJitterMs } from "@corvo/engine";
import { BulkGetJobsRequestSchema, type BulkGetJobsResponse, BulkGetJobsResponseSchema } from "@corvo/gen/corvo/v1/job_pb.js";
import { archiveSegmentBytesMax } from "@corvo/protocol";
import type { Command, JobRecord, Outcome } from "../../packages/simulator/src/model/command.js";
import { Model } from "../../packages/simulator/src/model/model.js";
import { same, tolerated } from "../../packages/simulator/src/model-check.js";
import { randomProgram } from "../../packages/simulator/src/program.js";
import { type Past, resolve } from "../../packages/simulator/src/resolve.js";
import { Subject } from "../../packages/simulator/src/subject.js";
import { bodies } from "../../packages/simulator/src/wire/command.js";
import type { Step } from "../../packages/simulator/src/wish.js";
import type { TestServer } from "../../server/test/harness.js";
import { BulkCounts, isBulkOf, readTasks } from "./bulk.js";
import { type Answer, Caller, methods } from "./caller.js";
import { isServersOwn, type Logged, readLog, withLater } from "./log.js";
import { recordOf } from "./record.js";

/** A fetch that finds nothing waits; ours gives up after so long. */
const fetchDeadlineMs = 60;
/** A program's clock jumps by hours, a live server's does not: its small jumps are waited for, up to this. */
const waitMsMax = 25;

interface Called {
  command: Command;
  answer: Answer;
}

export interface Seen {
  calls: number;
  /** Calls whose command is in the log, and whose answer was compared. */
  compared: number;
  /** Entries that the server made by itself among them. */
  ticks: number;
  jobs: number;
  outcomes: Map<string, number>;
  /** Verbs that this harness cannot call. */
  skipped: Set<string>;
}

export function nothingSeen(): Seen {
  return { calls: 0, compared: 0, ticks: 0, jobs: 0, outcomes: new Map(), skipped: new Set() };
}

/**
 * Runs a random program of the simulator against a live server, one call after another. Then the server's own log is read: the model
 * runs it, and every answer that a client got, and every job as the wire shows it, must be the model's.
 */
export async function runOverTheWire(server: TestServer, seed: number, steps: number, seen: Seen, model = new Model()): Promise<void> {
  const caller = new Caller(server.port);
  const past = new LivePast(caller);
  const called: Called[] = [];
  for (const step of randomProgram(seed, steps)) await play(step, past, caller, called, seen);
  const before = await past.readAll();
  if (past.seen.length > 0) await past.readAhead();
  const tasks = await readTasks(caller);
  caller.close();
  await server.stop();
  compare(model, await readLog(server.dir), called, before, seen);
  same("bulk tasks at the end", tasks, model.bulkTasks());
  seen.jobs += past.seen.length;
}

async function play(step: Step, past: LivePast, caller: Caller, called: Called[], seen: Seen): Promise<void> {
  const { move } = step;
  if ("byMs" in move && move.byMs > 0) await sleep(Math.min(waitMsMax, move.byMs));
  await past.refresh();
  for (const wish of step.wishes) {
    if (wish.do === "slots" || wish.do === "bulkStep") continue; // the server does both by itself
    // All calls are one caller's: namespaces are in `server/test/namespaces.test.ts`.
    const command = withoutRest(resolve({ ...wish, namespace: undefined }, past));
    if (methods[command.verb] === undefined) {
      seen.skipped.add(command.verb);
      continue;
    }
    const fetches = command.verb === "fetch" || command.verb === "fetchBatch" || command.verb === "lifecycle";
    const answer = await caller.call(command, fetches ? fetchDeadlineMs : 10_000);
    if (command.requestId && wish.do !== "again") past.sent.push(command);
    called.push({ command, answer });
    seen.calls++;
    if ("outcome" in answer) past.learn(answer.outcome);
  }
}

/** RPC has no absent result. */
function withoutRest(command: Command): Command {
  return "keepAbsentResult" in command ? { ...command, keepAbsentResult: false } : command;
}

/** What a program looks at to name its jobs: here what the server says of the jobs that its answers named. */
class LivePast implements Past {
  readonly seen: string[] = [];
  readonly sent: Command[] = [];
  private readonly jobs = new Map<string, JobRecord>();
  private readonly batches = new Map<string, { id: string; sealed: boolean }>();
  private readonly bulkTasks: { id: string; state: "running" }[] = [];
  readonly model = { state: { jobs: this.jobs, batches: this.batches, bulkTasks: this.bulkTasks } } as unknown as Model;

  /** Highest log index that this session was told. */
  private toldIndex = 0;

  constructor(private readonly caller: Caller) {}

  get nowMs(): number {
    return Date.now();
  }

  learn(outcome: Outcome): void {
    if ("logIndex" in outcome) this.toldIndex = Math.max(this.toldIndex, outcome.logIndex);
    if (outcome.kind === "bulkStarted") this.bulkTasks.push({ id: outcome.id, state: "running" });
    const ids = "jobIds" in outcome ? outcome.jobIds : outcome.kind === "enqueued" ? [outcome.jobId] : [];
    for (const id of ids) if (id !== "" && !this.seen.includes(id)) this.seen.push(id);
    if ("batchId" in outcome && outcome.batchId) this.batches.set(outcome.batchId, { id: outcome.batchId, sealed: outcome.kind !== "batchCreated" });
  }

  async refresh(): Promise<void> {
    this.jobs.clear();
    for (const job of await this.readAll()) this.jobs.set(job.id, job);
  }

  async readAll(): Promise<JobRecord[]> {
    if (this.seen.length === 0) return [];
    const answer = await this.read(BigInt(this.toldIndex), 10_000);
    if (typeof answer === "string") throw new Error(`BulkGetJobs: ${answer}`);
    const seenIndex = Number(answer.logIndex);
    if (seenIndex < this.toldIndex) throw new Error(`J16: a read has seen entry ${seenIndex}, and the session was told of ${this.toldIndex} before`);
    this.toldIndex = seenIndex;
    return answer.jobs.map(recordOf);
  }

  /** J16: whoever asks for what is still to come is not answered with what is there. */
  async readAhead(): Promise<void> {
    const answer = await this.read(BigInt(this.toldIndex + 1_000), 200);
    if (typeof answer !== "string") throw new Error(`J16: a read that wants entry ${this.toldIndex + 1_000} was answered at ${answer.logIndex}`);
  }

  private async read(minIndex: bigint, deadlineMs: number): Promise<BulkGetJobsResponse | string> {
    const body = toBinary(BulkGetJobsRequestSchema, create(BulkGetJobsRequestSchema, { jobIds: this.seen.slice(-1000), minIndex }));
    const { status, bytes } = await this.caller.post("corvo.v1.JobService/BulkGetJobs", body, deadlineMs);
    return status === 200 ? fromBinary(BulkGetJobsResponseSchema, bytes) : `${status} ${Buffer.from(bytes)}`;
  }
}

/** A command as its log has it: what a request says twice or not at all is gone. */
function asLogged(command: Command): string {
  if (command.verb === "tick" || command.verb === "bulk" || command.verb === "bulkStart") return command.verb;
  const { command: plain, requestId } = bodies[command.verb].decode(bodies[command.verb].encode(command, command.requestId?.id ?? ""), 0);
  return JSON.stringify([plain, requestId]);
}

function compare(model: Model, log: readonly Logged[], called: readonly Called[], lastRead: readonly JobRecord[], seen: Seen): void {
  // Places in the archive are state: the limits are the server's.
  const engine = new Subject(undefined, undefined, { archiveSegmentBytesMax });
  let at = 0;
  let lastMatch = 0;
  let back = 0;
  model.state.jitterMs = slotJitterMs;
  const listings: string[] = [];
  const counts = new BulkCounts();
  const listed = JSON.stringify(lastRead.map((job) => job.id));
  for (const { entry, bytes, term, foreign } of log) {
    if (foreign) {
      engine.skip(entry.index, term);
      continue;
    }
    const answers = engine.applyBytes(entry, bytes, term);
    model.begin(entry.index, entry.clockMs);
    for (const [i, logged] of entry.commands.entries()) {
      const answer = answers[i];
      if (answer === "again") continue;
      const command = withLater(logged, answer);
      const own = isServersOwn(command);
      // What was sent back comes again for the same call.
      if (!own && !(command.verb === "bulk" && back > 0)) at = matched(called, at, command, entry.index);
      const expected = model.run(command);
      model.adopt(expected, answer);
      same(`engine's answer to command ${i} of entry ${entry.index}, ${JSON.stringify(command)}`, tolerated(answer, expected), expected);
      if (own) {
        seen.ticks++;
        continue;
      }
      const { answer: given, command: sent } = called[at - 1];
      lastMatch = entry.index;
      if (command.verb === "bulk" && sent.verb === "bulk" && expected.kind === "bulk") {
        counts.add(at - 1, sent, command, expected.outcomes);
        back = command.later?.length ?? 0;
        seen.compared++;
        continue;
      }
      if (!("outcome" in given)) {
        // The deadline passed in the very moment of the grant; then nobody was told.
        if (expected.kind === "fetched" || expected.kind === "fetchedBatch" || expected.kind === "frame") continue;
        throw new Error(`the call of ${JSON.stringify(command)} got no answer`);
      }
      const outcome = asIfSent(command, sent, given.outcome, expected);
      same(`answer over the wire to ${JSON.stringify(command)} (entry ${entry.index})`, tolerated(outcome, expected), expected);
      const kind = `${command.verb} ${expected.kind}`;
      seen.outcomes.set(kind, (seen.outcomes.get(kind) ?? 0) + 1);
      seen.compared++;
    }
    model.end();
    if (at === called.length || lastMatch > 0) listings.push(JSON.stringify(listingOf(model, lastRead)));
  }
  counts.compare(called);
  for (const { command, answer } of called.slice(at)) absent(command, answer);
  // The last reading was taken at some moment after the last call; the server's own entries may stand around it.
  if (!listings.includes(JSON.stringify(lastRead.map(sorted)))) same(`jobs as last read (${listed})`, lastRead.map(sorted), listingOf(model, lastRead));
}

/** Place behind the call that this command of the log came from. Calls before it that left no trace must have been refused, or found nothing. */
function matched(called: readonly Called[], from: number, command: Command, index: number): number {
  const wanted = asLoggedCommand(command);
  const bulk = command.verb === "bulk" || command.verb === "bulkStart" ? command : undefined;
  for (let at = from; at < called.length; at++) {
    const sent = called[at].command;
    if (sent.verb === "lifecycle" && command.verb === "lifecycle" && sent.correlation === command.correlation) return at + 1;
    if (bulk ? isBulkOf(sent, bulk) : asLogged(sent) === wanted) return at + 1;
    absent(called[at].command, called[at].answer);
  }
  throw new Error(`entry ${index} has a command that nobody sent: ${JSON.stringify(command)}`);
}

/**
 * The door takes what is wrong out of a frame before it is logged, and says `refused` in its place: the answer that a client would have
 * got without those items.
 */
function asIfSent(logged: Command, sent: Command, answer: Outcome, expected: Outcome): Outcome {
  // A frame that is refused as a whole is answered by a frame that says why.
  if (answer.kind === "frame" && expected.kind === "refused" && answer.error !== "" && answer.acked + answer.jobs.length + answer.jobIds.length === 0)
    return expected;
  if (logged.verb !== "lifecycle" || sent.verb !== "lifecycle" || answer.kind !== "frame" || expected.kind !== "frame") return answer;
  const plain = bodies.lifecycle.decode(bodies.lifecycle.encode(sent, ""), 0).command;
  if (plain.verb !== "lifecycle") return answer;
  const acks = dropped(plain.acks, logged.acks);
  const jobs = dropped(plain.enqueues, logged.enqueues);
  const without = <T extends string>(statuses: T[], places: ReadonlySet<number>): T[] => {
    for (const place of places)
      if (statuses[place] !== "refused")
        throw new Error(`item ${place} of ${JSON.stringify(sent)} is not in the log, and was answered with ${statuses[place]}`);
    return statuses.filter((_, i) => !places.has(i));
  };
  const repaired = acks.size > 0 || jobs.size > 0 || sent.fetchCount !== logged.fetchCount;
  if (repaired && answer.error === "") throw new Error(`parts of ${JSON.stringify(sent)} were refused without an error`);
  return {
    ...answer,
    ackStatuses: without(answer.ackStatuses, acks),
    statuses: without(answer.statuses, jobs),
    error: repaired ? expected.error : answer.error,
  };
}

/** Places of the items that were sent and are not logged; both are in the same order. */
function dropped(sent: readonly unknown[], logged: readonly unknown[]): Set<number> {
  const places = new Set<number>();
  let at = 0;
  for (const [i, item] of sent.entries()) {
    if (at < logged.length && JSON.stringify(item) === JSON.stringify(logged[at])) at++;
    else places.add(i);
  }
  return places;
}

function asLoggedCommand({ requestId, ...command }: Command): string {
  return JSON.stringify([command, requestId?.id ?? ""]);
}

/** What is not in the log did not happen, and was said not to. */
function absent(command: Command, answer: Answer): void {
  if (!("outcome" in answer)) return;
  const { outcome } = answer;
  const empty =
    outcome.kind === "refused" ||
    (outcome.kind === "fetched" && !outcome.job) ||
    (outcome.kind === "fetchedBatch" && outcome.jobs.length === 0) ||
    (outcome.kind === "frame" && outcome.jobs.length === 0 && outcome.acked === 0 && outcome.jobIds.every((id) => id === "")) ||
    (outcome.kind === "beaten" && Object.values(outcome.jobs).every(({ status }) => status === "cancel")) ||
    (outcome.kind === "ackedBatch" && outcome.acked === 0);
  if (!empty) throw new Error(`${JSON.stringify(command)} was answered with ${JSON.stringify(outcome)} and is not in the log`);
}

function listingOf(model: Model, as: readonly JobRecord[]): unknown[] {
  return as.map(({ id }) => sorted(model.job(id)));
}

/** One spelling for the same record: fields in one order, undefined ones left out. */
function sorted(record: JobRecord | undefined): unknown {
  if (record === undefined) return null;
  // Iterations are not part of a job's record over the wire.
  const plain = JSON.parse(JSON.stringify({ ...record, iterations: [] })) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(plain).sort(([a], [b]) => (a < b ? -1 : 1)));
}
