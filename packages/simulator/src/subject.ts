import { Engine, type EngineOptions, EntityKind } from "@corvo/engine";
import { formatJobId, parseJobId, type Verb } from "@corvo/protocol";
import { archiveRecordOverheadBytes } from "@corvo/storage";
import { MemoryArchive } from "./memory-archive.js";
import type {
  AskingRecord,
  BatchRecord,
  BudgetRecord,
  BulkTaskRecord,
  ChainRecord,
  Command,
  CountsRecord,
  Entry,
  JobRecord,
  Outcome,
  QueueRecord,
  ScheduleRecord,
  WorkerRecord,
} from "./model/command.js";
import { chainIdOf, given, plainBulkTask, plainJob, plainQueue } from "./plain.js";
import { decodeAnswer } from "./wire/answer.js";
import { encodeBulk } from "./wire/bulk.js";
import { type ArchivedFact, encodeCommand, encodeEntry, purgeCommand, stateHashCommand, type WireCommand, withArchivedJob, withFacts } from "./wire/entry.js";

/** Small, so that a short program fills and drops several. */
export const archiveSegmentBytesMax = 4_000;
/** Entries between two hash commands. */
const stateHashEntries = 7;

const text = new TextDecoder();

/** The engine, spoken to with the model's words, and the part of the leader that looks finished jobs up. */
export class Subject {
  readonly archive: MemoryArchive;
  /** All entries so far, as the log would have them. */
  readonly #log: { index: number; bytes: Uint8Array }[] = [];
  #engine: Engine;
  /** Commands that were sent with an archived record. */
  archived = 0;

  constructor(engine?: Engine, archive = new MemoryArchive(), limits: Partial<EngineOptions> = {}) {
    this.archive = archive;
    this.#engine = engine ?? new Engine({ ...optionsFor(archive), ...limits });
  }

  /** The answer to each command; `again`: its job ended meanwhile, it is to be sent once more. */
  apply(entry: Entry): (Outcome | "again")[] {
    const commands = entry.commands.map((command) => this.#made(command));
    if (this.#log.length % stateHashEntries === stateHashEntries - 1) commands.push(this.stateHash());
    return this.applyBytes(entry, encodeEntry(entry.clockMs, commands), 1);
  }

  /** The same without a hash of the state. */
  applyPlain(entry: Entry): (Outcome | "again")[] {
    return this.applyBytes(
      entry,
      encodeEntry(
        entry.clockMs,
        entry.commands.map((command) => this.#made(command)),
      ),
      1,
    );
  }

  /** The same for an entry as a log has it. `entry` may lack commands that are none of a client's. */
  applyBytes(entry: Entry, bytes: Uint8Array, term: number): (Outcome | "again")[] {
    this.#log.push({ index: entry.index, bytes });
    const answers: (Outcome | "again")[] = entry.commands.map(() => ({ kind: "silent" }));
    const at = entry.places && new Map(entry.places.map((place, i) => [place, i]));
    const commandAt = (place: number): number => (at ? (at.get(place) ?? answers.length) : place);
    this.#engine.apply(bytes, entry.index, term, {
      answer: (place, answer) => {
        const i = commandAt(place);
        if (i < answers.length) answers[i] = decodeAnswer(entry.commands[i].verb, answer);
      },
      refused: (place, refusal) => {
        const { code, reason, message } = refusal;
        const i = commandAt(place);
        if (i < answers.length) answers[i] = this.#engine.wantsArchiveAgain(refusal) ? "again" : { kind: "refused", code, reason, message };
      },
    });
    return answers;
  }

  /** An entry that is none of the engine's business. */
  skip(index: number, term: number): void {
    this.#engine.skip(index, term);
  }

  /** Retention: an entry of its own. */
  purge(index: number, clockMs: number, endedBeforeMs: number): void {
    const bytes = encodeEntry(clockMs, [purgeCommand(endedBeforeMs)]);
    this.#log.push({ index, bytes });
    this.#engine.apply(bytes, index, 1);
  }

  /** A command of the program's own beside the model's: an entry of its own. */
  own(index: number, clockMs: number, verb: Verb, body: Uint8Array): void {
    const bytes = encodeEntry(clockMs, [{ verb, flags: 0, requestHash: new Uint8Array(0), body }]);
    this.#log.push({ index, bytes });
    this.#engine.apply(bytes, index, 1, { answer: () => {}, refused: (_, refusal) => refused(refusal.message) });
  }

  /** Events after this number. */
  events(after: number): SeenEvent[] {
    return this.#engine.eventsSince(after, Number.POSITIVE_INFINITY).map(({ seq, index, atMs, type, jobSeq, jobCreatedMs, queue, reason, data }) => ({
      ...{ seq, index, atMs, type, queue, reason, data: text.decode(data) },
      jobId: jobSeq === 0 ? "" : formatJobId(jobCreatedMs, jobSeq),
    }));
  }

  /** Numbers of the events that the one webhook has still to deliver, and of its dead letters. */
  deliveries(): { pending: number[]; dead: number[] } {
    const [hook] = this.#engine.webhooks();
    const of = (dead: boolean): number[] => this.#engine.webhookDeliveries(hook.serial, dead, Number.POSITIVE_INFINITY).map(({ seq }) => seq);
    return { pending: of(false), dead: of(true) };
  }

  /** Serials of what waits for delivery, in its order. */
  deliverySerials(): number[] {
    return this.#engine.webhookPending(0).map(({ serial }) => serial);
  }

  stateHash(): WireCommand {
    const { low, high } = this.#engine.stateHash;
    return stateHashCommand(this.#engine.appliedIndex, low, high);
  }

  #made(command: Command): WireCommand {
    return command.verb === "bulk" ? encodeBulk(command, (one) => this.#prepared(one)) : this.#prepared(encodeCommand(command));
  }

  /** As the leader does: jobs that are not live are looked up, and what was found travels in the command. */
  #prepared(command: WireCommand): WireCommand {
    const dependencies = this.#engine.dependencies(command.verb, command.body);
    if (dependencies) return withFacts(command, this.#facts(dependencies));
    const seq = this.#engine.needsArchive(command.verb, command.body);
    if (seq === undefined) return command;
    const found = this.archive.find(seq);
    this.archived++;
    const others = found && this.#engine.runsAgain(command.verb) ? this.#engine.dependenciesOfRecord(found.bytes) : [];
    return withArchivedJob(command, found && { seq, bytes: found.bytes, ...found.place }, this.#facts(others));
  }

  #facts(seqs: readonly number[]): ArchivedFact[] {
    return seqs.map((seq) => {
      const found = this.archive.find(seq);
      return found ? { seq, bytes: found.bytes, ...found.place } : { seq };
    });
  }

  job(id: string): JobRecord | undefined {
    const parsed = parseJobId(id);
    if (!parsed) throw new Error(`${id} is no job id`);
    const live = this.#engine.findLive(parsed);
    const seq = live ? undefined : this.#engine.finishedSeq(parsed);
    const found = seq === undefined ? undefined : this.archive.find(seq);
    const record = live ?? (found && this.#engine.readArchived(found.bytes, found.place));
    if (record?.id !== id) return undefined;
    return plainJob(record, this.#engine.liveIterations(parsed) ?? this.#engine.archivedIterations(found!.bytes));
  }

  queues(): QueueRecord[] {
    return this.#engine.queues().map(plainQueue);
  }

  workers(): WorkerRecord[] {
    return this.#engine
      .workers()
      .map(({ id, hostname, queues, lastHeartbeatMs, startedMs }) => ({ id, hostname, queues: [...queues], lastHeartbeatMs, startedMs }));
  }

  budgets(): BudgetRecord[] {
    return this.#engine.budgets(this.#engine.logTimeMs).map(({ id: _id, createdMs: _createdMs, resetsMs: _resetsMs, ...budget }) => budget);
  }

  /** Everything that was ever used, by queue and model. */
  usage(): Record<string, { count: number; inputTokens: number; nanos: number }> {
    const sums: Record<string, { count: number; inputTokens: number; nanos: number }> = {};
    for (const { queue, model, count, inputTokens, costNanos } of this.#engine.usageSince(0)) {
      const sum = (sums[`${queue} ${model}`] ??= { count: 0, inputTokens: 0, nanos: 0 });
      sum.count += count;
      sum.inputTokens += inputTokens;
      sum.nanos += costNanos;
    }
    return sums;
  }

  /** Oldest first, as all of these. */
  batches(): BatchRecord[] {
    const all = this.#engine.batches(0, Number.POSITIVE_INFINITY, "").reverse();
    return all.map(({ serial: _, callbackPayload, completedMs, ...rest }) => {
      const ended = rest.state === "completed";
      return { ...rest, callbackPayload: text.decode(callbackPayload), completedMs: ended ? completedMs : undefined };
    });
  }

  chains(): ChainRecord[] {
    return this.#engine
      .chains(0, Number.POSITIVE_INFINITY, "")
      .reverse()
      .map(({ serial: _, id, endedMs, ...rest }) => ({ id: chainIdOf(id), ...rest, endedMs: given(endedMs) }));
  }

  /** Counts of children by their parent. */
  families(): Record<string, CountsRecord> {
    const parents = this.#engine.entities(EntityKind.child).map(({ key }) => text.decode(key));
    return Object.fromEntries(parents.map((parentId) => [parentId, this.#engine.family(parentId)!]));
  }

  schedules(): ScheduleRecord[] {
    return this.#engine.schedules(0, Number.POSITIVE_INFINITY).map(({ serial: _, content: _content, nextMs, lastSlotMs, bufferedMs, ...rest }) => ({
      ...{ ...rest, nextMs: given(nextMs), lastSlotMs: given(lastSlotMs), bufferedMs: given(bufferedMs) },
    }));
  }

  bulkTasks(): BulkTaskRecord[] {
    return this.#engine
      .bulkTasks()
      .reverse()
      .map((task) =>
        plainBulkTask(
          task,
          Array.from({ length: task.blocks }, (_, i) => this.#engine.bulkBlock(task.serial, i)),
        ),
      );
  }

  /** By their serials. */
  asking(): AskingRecord[] {
    const all = this.#engine.askingSchedules(Number.POSITIVE_INFINITY, new Set()).sort((a, b) => a.serial - b.serial);
    return all.map(({ serial, revision, cron, afterMs, late }) => ({ serial, changes: revision, cron, afterMs, late }));
  }

  fetchable(queues: readonly string[]): boolean {
    return this.#engine.fetchable(queues, this.#engine.logTimeMs) > 0;
  }

  takeReady(): string[] {
    return this.#engine.takeReady();
  }

  nextTickMs(): number {
    return this.#engine.nextTimerMs();
  }

  throttledUntilMs(queue: string): number {
    return this.#engine.throttledUntilMs(queue, this.#engine.logTimeMs);
  }

  get logTimeMs(): number {
    return this.#engine.logTimeMs;
  }

  /** Both hashes, and where the archive ends. */
  digest() {
    return { ...digestOf(this.#engine), records: this.archive.records.length };
  }

  checkInvariants(): void {
    this.#engine.checkInvariants();
  }

  /** The state as of now, to be read later. */
  cut(): SubjectCut {
    const cut = this.#engine.cut();
    const archive = this.archive.copy();
    return {
      index: this.#engine.appliedIndex,
      digest: this.digest(),
      restore: async () => {
        const chunks: Uint8Array[] = [];
        for (let chunk = cut.next(); chunk; chunk = cut.next()) chunks.push(chunk);
        cut.release();
        return new Subject(await Engine.restore(optionsFor(archive), oneByOne(chunks)), archive);
      },
    };
  }

  /** All entries so far, as the log would have them. */
  get log(): readonly { index: number; bytes: Uint8Array }[] {
    return this.#log;
  }

  /** A new engine that has read the whole log. */
  replay(): Subject {
    const other = new Subject();
    for (const { index, bytes } of this.#log) other.#engine.apply(bytes, index, 1);
    return other;
  }
}

/** An event as checks see it. */
export interface SeenEvent {
  seq: number;
  index: number;
  atMs: number;
  type: string;
  /** Empty: it is not about one job. */
  jobId: string;
  queue: string;
  reason: string;
  /** JSON; empty: none. */
  data: string;
}

function refused(message: string): never {
  throw new Error(`a command of the program's own was refused: ${message}`);
}

/** Both hashes, and where the archive ends. */
export function digestOf(engine: Engine) {
  const { low, high } = engine.stateHash;
  return { index: engine.appliedIndex, low, high, content: engine.contentDigest(), archive: { ...engine.archiveEnd } };
}

export interface SubjectCut {
  index: number;
  digest: unknown;
  /** Reads the cut now, and builds an engine of it. */
  restore(): Promise<Subject>;
}

function optionsFor(archive: MemoryArchive): EngineOptions {
  return { archive, archiveRecordOverheadBytes, archiveSegmentBytesMax, eventsKept: 4096 };
}

async function* oneByOne(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* chunks;
}
