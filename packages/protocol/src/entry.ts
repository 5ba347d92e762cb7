import { beginMessage, endMessage, putBytes, putInt32, putText, putUint32, putUint64, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { CommandReader, CommandTag, LogEntryReader, LogEntryTag } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import { Verb } from "@corvo/gen/corvo/internal/v1/log_pb.js";

export { Verb };

/** Format of a LogEntry. */
export const entryVersion = 1;
/** Behaviour of apply that new entries ask for. */
export const engineLevel = 2;

/** Bits of Command.flags. */
export const commandFlags = {
  /** An absent result of an ack stays absent (REST); otherwise it counts as `{}`. */
  absentResult: 1,
  /** The body is a FinishedJobCommand that holds the public request. */
  finishedJob: 2,
  /** Some job in it depends on others. */
  dependent: 4,
} as const;

/** Verb to the word that stands for it in metrics, logs and tests: `enqueue`, `pause_queue`. Index is the verb's number. */
export const verbNames: readonly string[] = Object.entries(Verb).reduce<string[]>((names, [name, verb]) => {
  if (typeof verb === "number") names[verb] = name.replace(/^VERB_/, "").toLowerCase();
  return names;
}, []);

/** What is proposed. Strings may be empty; `body` is the public request as the door let it in. */
export interface CommandInit {
  verb: Verb;
  flags?: number;
  namespace?: string;
  principal?: string;
  /** 16 bytes, when the request has a request id. */
  requestHash?: Uint8Array;
  body?: Uint8Array;
}

/** Gathers the commands of one turn into one LogEntry. Reusable: `start`, `add` …, `finish`. */
export class EntryWriter {
  /** Commands so far. */
  count = 0;
  private readonly w = new Writer(64 * 1024);

  start(logTimeMs: number): this {
    this.count = 0;
    this.w.reset();
    putUint32(this.w, LogEntryTag.version, entryVersion);
    putUint32(this.w, LogEntryTag.engineLevel, engineLevel);
    putUint64(this.w, LogEntryTag.logTimeMs, logTimeMs);
    return this;
  }

  add(command: CommandInit): void {
    const { w } = this;
    const { verb, flags = 0, namespace = "", principal = "", requestHash, body } = command;
    const bodyBytes = body === undefined ? 0 : body.length;
    const at = beginMessage(w, LogEntryTag.commands, bodyBytes + 8 + namespace.length + principal.length);
    putInt32(w, CommandTag.verb, verb);
    if (flags !== 0) putUint32(w, CommandTag.flags, flags);
    if (namespace !== "") putText(w, CommandTag.namespace, namespace);
    if (principal !== "") putText(w, CommandTag.principal, principal);
    if (requestHash !== undefined) putBytes(w, CommandTag.requestHash, requestHash);
    if (body !== undefined && bodyBytes > 0) putBytes(w, CommandTag.body, body);
    endMessage(w, at);
    this.count++;
  }

  /** Bytes so far. An entry is closed when this is over `limits.entryBytesMax`. */
  get bytes(): number {
    return this.w.pos;
  }

  /** The entry, in memory of its own. A log time that is given replaces the one from the start: the last value of a field counts. */
  finish(logTimeMs?: number): Uint8Array<ArrayBuffer> {
    if (logTimeMs !== undefined) putUint64(this.w, LogEntryTag.logTimeMs, logTimeMs);
    return this.w.copy();
  }
}

/** Reads an entry: `read`, then `command(i)` for i below `count`. Both readers are reused. */
export class EntryReader {
  readonly entry = new LogEntryReader();
  private readonly one = new CommandReader();

  /** Throws on bytes that are no entry and on an entry of a later version or level: such a node must not go on. */
  read(bytes: Uint8Array): this {
    const { entry } = this;
    entry.read(bytes, 0, bytes.length);
    if (entry.version !== entryVersion) throw new Error(`log entry of version ${entry.version}: this program reads version ${entryVersion}`);
    if (entry.engineLevel < 1 || entry.engineLevel > engineLevel) {
      throw new Error(`log entry of engine level ${entry.engineLevel}: this program knows 1 to ${engineLevel}`);
    }
    return this;
  }
  get count(): number {
    return this.entry.commandsCount;
  }
  get logTimeMs(): number {
    return this.entry.logTimeMs;
  }
  /** The i-th command; valid until the next call. */
  command(i: number): CommandReader {
    const { entry, one } = this;
    return one.read(entry.buf, entry.commandsStart[i], entry.commandsEnd[i]);
  }
}
