import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { ArchivedJobReader } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import { encodeFinishedJobCommand, type FinishedJobFactInit } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import { commandFlags, EntryWriter, parseJobId, type Refusal, type Verb } from "@corvo/protocol";
import { type ArchivePlace, Engine, type EngineOptions } from "../src/index.js";

/** An archive in memory: latest record by sequence, as a store would find it. */
export class MemoryArchive {
  readonly records = new Map<number, { place: ArchivePlace; bytes: Uint8Array }>();
  readonly placed = new Map<string, Uint8Array>();
  bytes = 0;
  append(place: ArchivePlace, seq: number, bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.records.set(seq, { place: { ...place }, bytes: copy });
    this.placed.set(`${place.segment}:${place.offset}`, copy);
    this.bytes += bytes.length;
  }
  drop(segments: readonly number[]): void {
    for (const [seq, record] of this.records) if (segments.includes(record.place.segment)) this.records.delete(seq);
  }
}

export interface Answer {
  bytes?: Uint8Array;
  granted?: number;
  refusal?: Refusal;
}

export interface CommandGiven {
  verb: Verb;
  body?: Uint8Array;
  flags?: number;
  hash?: Uint8Array;
  /** Of the caller; absent: `default`. */
  namespace?: string;
}

/** An engine with the little that a replica does around it. */
export class Bench {
  readonly archive = new MemoryArchive();
  readonly options: EngineOptions;
  engine: Engine;
  index = 0;
  nowMs: number;
  readonly log: { entry: Uint8Array; index: number }[] = [];
  keepLog = false;
  private readonly entry = new EntryWriter();

  constructor(more: Partial<EngineOptions> = {}, nowMs = 1_000_000) {
    this.options = { archiveRecordOverheadBytes: 24, archiveSegmentBytesMax: 64 * 1024 * 1024, eventsKept: 1000, ...more, archive: this.archive };
    this.engine = new Engine(this.options);
    this.nowMs = nowMs;
  }

  /** Applies the commands as one entry. */
  applyAll(commands: readonly CommandGiven[]): Answer[] {
    this.entry.start(this.nowMs);
    for (const c of commands)
      this.entry.add({ verb: c.verb, body: c.body ?? new Uint8Array(0), flags: c.flags ?? 0, requestHash: c.hash, namespace: c.namespace });
    const bytes = this.entry.finish();
    const answers: Answer[] = commands.map(() => ({}));
    this.index++;
    if (this.keepLog) this.log.push({ entry: bytes, index: this.index });
    this.engine.apply(bytes, this.index, 1, {
      answer: (i, answer, granted) => {
        answers[i] = { bytes: answer.slice(), granted };
      },
      refused: (i, refusal) => {
        answers[i] = { refusal };
      },
    });
    return answers;
  }

  /** Applies one command, with the look into the archive that it may need. */
  apply(given: CommandGiven): Answer {
    return this.applyAll([this.looked(given)])[0];
  }

  /** What the leader makes of a request. */
  looked(given: CommandGiven): CommandGiven {
    const body = given.body ?? new Uint8Array(0);
    const others = this.engine.dependencies(given.verb, body);
    if (others !== undefined) return this.wrapDependent(given, others);
    const seq = this.engine.needsArchive(given.verb, body);
    return seq === undefined ? given : this.wrap(given, seq);
  }

  /** What the leader makes of a request on a finished job. */
  wrap(given: CommandGiven, seq: number): CommandGiven {
    const found = this.archive.records.get(seq);
    const w = new Writer();
    const others = found && this.engine.runsAgain(given.verb) ? this.facts(this.engine.dependenciesOfRecord(found.bytes)) : [];
    encodeFinishedJobCommand(w, { request: given.body, archivedJob: found?.bytes, segment: found?.place.segment, offset: found?.place.offset, others });
    return { ...given, flags: (given.flags ?? 0) | commandFlags.finishedJob, body: w.copy() };
  }

  /** What the leader makes of a request whose jobs depend on others. */
  wrapDependent(given: CommandGiven, seqs: readonly number[]): CommandGiven {
    const flags = (given.flags ?? 0) | commandFlags.dependent;
    if (seqs.length === 0) return { ...given, flags };
    const w = new Writer();
    encodeFinishedJobCommand(w, { request: given.body, others: this.facts(seqs) });
    return { ...given, flags: flags | commandFlags.finishedJob, body: w.copy() };
  }

  private facts(seqs: readonly number[]): FinishedJobFactInit[] {
    return seqs.map((seq) => {
      const found = this.archive.records.get(seq);
      if (found === undefined) return { seq };
      const r = new ArchivedJobReader().read(found.bytes);
      return { seq, state: r.state, createdMs: r.createdMs, queue: found.bytes.slice(r.queueStart, r.queueEnd), ...found.place };
    });
  }

  /** A job, wherever it is. */
  job(id: string) {
    const parsed = parseJobId(id);
    if (parsed === undefined) return undefined;
    const live = this.engine.findLive(parsed);
    if (live !== undefined) return live;
    const seq = this.engine.finishedSeq(parsed);
    const found = seq === undefined ? undefined : this.archive.records.get(seq);
    return found === undefined ? undefined : this.engine.readArchived(found.bytes, found.place);
  }

  async restored(): Promise<Engine> {
    const cut = this.engine.cut();
    const chunks: Uint8Array[] = [];
    for (let chunk = cut.next(); chunk !== undefined; chunk = cut.next()) chunks.push(chunk);
    cut.release();
    return Engine.restore(this.options, stream(chunks));
  }
}

export async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield chunk;
}
