import type { EventLog } from "@corvo/engine";
import { chunkHeadBytes, chunkTailBytes, EventEncoder, type EventForm } from "./encode.js";
import type { EventFilter } from "./filter.js";

/** Events in one block at most: 80 KiB as a rule. Whole blocks begin at multiples of it, so that whoever is behind shares them. */
export const blockEvents = 512;

interface Encoded {
  bytes: Buffer;
  /** Where each event starts; one more for the end. */
  starts: Int32Array;
}

const encoder = new EventEncoder();

/**
 * Some events in a row, encoded once and shared by all who read them. What a filter lets through is cut out once per filter; filters by
 * queue or job look into an index instead of at each event, so that a thousand of them cost little more than one.
 */
export class EventBlock {
  readonly count: number;
  private readonly types: Uint8Array;
  private readonly jobs: Float64Array;
  private readonly queues: string[];
  private readonly forms = new Map<EventForm, Encoded>();
  private readonly cutOut = new Map<string, Buffer>();
  private byQueue: Map<string, number[]> | undefined;
  private byJob: Map<number, number[]> | undefined;

  constructor(
    private readonly events: EventLog,
    readonly firstSeq: number,
    form: EventForm,
    lastSeq: number,
  ) {
    this.count = lastSeq - firstSeq + 1;
    this.forms.set(form, this.encode(form));
    this.types = new Uint8Array(this.count);
    this.jobs = new Float64Array(this.count);
    this.queues = new Array<string>(this.count);
    for (let i = 0; i < this.count; i++) {
      const at = events.slot(firstSeq + i);
      this.types[i] = events.typeAt(at);
      this.jobs[i] = events.jobSeqAt(at);
      this.queues[i] = events.queueAt(at)?.name ?? "";
    }
  }

  get lastSeq(): number {
    return this.firstSeq + this.count - 1;
  }
  /** Bytes that it holds. */
  get bytes(): number {
    let sum = 0;
    for (const { bytes } of this.forms.values()) sum += bytes.length;
    for (const bytes of this.cutOut.values()) sum += bytes.length;
    return sum;
  }

  /** The events of this block after `seq` that the filter lets through; undefined: they are gone and cannot be encoded any more. */
  select(form: EventForm, filter: EventFilter, seq: number): Buffer | undefined {
    const from = Math.max(0, seq + 1 - this.firstSeq);
    if (filter.all) {
      const encoded = this.form(form);
      return encoded && (from === 0 ? encoded.bytes : encoded.bytes.subarray(encoded.starts[from]));
    }
    const matches = this.matches(filter, from);
    if (matches.length === 0) return nothing;
    if (filter.view !== undefined && this.events.firstSeq > this.firstSeq) return undefined;
    const encoded = this.form(form);
    if (encoded === undefined) return undefined;
    if (from > 0 || filter.view !== undefined) return this.cut(form, encoded, matches, filter);
    const key = form + filter.key;
    let bytes = this.cutOut.get(key);
    if (bytes === undefined) this.cutOut.set(key, (bytes = this.cut(form, encoded, matches, filter)));
    return bytes;
  }

  private cut(form: EventForm, encoded: Encoded, matches: readonly number[], filter: EventFilter): Buffer {
    if (filter.view !== undefined) {
      encoder.pos = 0;
      const { view } = filter;
      for (const i of matches) encoder.add(form, this.events, this.firstSeq + i, (queue) => view.shown(queue));
      return Buffer.from(encoder.buf.subarray(0, encoder.pos));
    }
    const { bytes, starts } = encoded;
    let size = 0;
    for (const i of matches) size += starts[i + 1] - starts[i];
    const found = Buffer.allocUnsafe(size);
    let at = 0;
    for (const i of matches) at += bytes.copy(found, at, starts[i], starts[i + 1]);
    return found;
  }

  private matches(filter: EventFilter, from: number): number[] {
    const matches: number[] = [];
    for (const i of this.candidates(filter)) if (i >= from && filter.passes(this.types[i], this.jobs[i], this.queues[i])) matches.push(i);
    return matches;
  }

  private candidates(filter: EventFilter): Iterable<number> {
    if (filter.jobs !== undefined) {
      this.byJob ??= grouped(this.count, (i) => this.jobs[i] % 2 ** 40);
      return together(this.byJob, filter.jobs);
    }
    if (filter.queues !== undefined && filter.view === undefined) {
      this.byQueue ??= grouped(this.count, (i) => this.queues[i]);
      return together(this.byQueue, filter.queues);
    }
    return Array(this.count).keys();
  }

  private form(form: EventForm): Encoded | undefined {
    const known = this.forms.get(form);
    if (known !== undefined) return known;
    if (this.events.firstSeq > this.firstSeq) return undefined;
    const encoded = this.encode(form);
    this.forms.set(form, encoded);
    return encoded;
  }

  private encode(form: EventForm): Encoded {
    encoder.pos = 0;
    const starts = new Int32Array(this.count + 1);
    for (let i = 0; i < this.count; i++) {
      encoder.add(form, this.events, this.firstSeq + i);
      starts[i + 1] = encoder.pos;
    }
    return { bytes: Buffer.from(encoder.buf.subarray(0, encoder.pos)), starts };
  }
}

const nothing = Buffer.alloc(0);

function grouped<K>(count: number, key: (i: number) => K): Map<K, number[]> {
  const groups = new Map<K, number[]>();
  for (let i = 0; i < count; i++) {
    const k = key(i);
    const group = groups.get(k);
    if (group === undefined) groups.set(k, [i]);
    else group.push(i);
  }
  return groups;
}

/** The members of several groups, in order. */
function together<K>(groups: ReadonlyMap<K, number[]>, keys: ReadonlySet<K>): number[] {
  const found: number[] = [];
  let merged = 0;
  for (const key of keys) {
    const group = groups.get(key);
    if (group === undefined) continue;
    for (const i of group) found.push(i);
    merged++;
  }
  return merged > 1 ? found.sort((a, b) => a - b) : found;
}

/** Events of the form `sse` without their chunks, for HTTP/2. */
export function withoutChunks(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number.parseInt(bytes.toString("latin1", at, at + 6), 16);
    parts.push(bytes.subarray(at + chunkHeadBytes, at + chunkHeadBytes + length));
    at += chunkHeadBytes + length + chunkTailBytes;
  }
  return Buffer.concat(parts);
}
