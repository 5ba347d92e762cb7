import { type EventExtra, type EventLog, type EventQueue, type EventWorker, eventTypes } from "@corvo/engine";
import { jobIdBytes, putJobId } from "@corvo/protocol";
import { tellsOfAll } from "./budget-data.js";

/**
 * How events look on the wire, written byte by byte: at 100,000 jobs a second there are 300,000 of them. Each is written once per form,
 * whoever reads it.
 *
 * `sse`: an event of a server-sent stream, framed as one HTTP/1.1 chunk of its own, because parsers of v0.3 need it in one read.
 * `rpc`: a SubscribeEvent in the envelope that Connect and gRPC share.
 */
export type EventForm = "sse" | "rpc";

/** Bytes before and behind the text of an event in the form `sse`: the chunk's length and its end. */
export const chunkHeadBytes = 8;
export const chunkTailBytes = 2;
/** Bytes before a message in the form `rpc`. */
export const envelopeBytes = 5;

export const gapType = "gap";

interface Texts {
  /** As the inside of a JSON string. */
  json: Uint8Array;
  plain: Uint8Array;
}

const encoder = new TextEncoder();
const types = eventTypes.map((type) => ({ plain: encoder.encode(type), head: encoder.encode(`event: ${type}\ndata: {"at_ns":`) }));
const queueTexts = new WeakMap<EventQueue, Texts>();
const workerTexts = new WeakMap<EventWorker, Texts>();
const actorTexts = new Map<string, Texts>();

const idHead = encoder.encode("id: ");
const jobIdKey = encoder.encode(',"job_id":"');
const queueKey = encoder.encode(',"queue":"');
const seqKey = encoder.encode(',"seq":');
const typeKey = encoder.encode(',"type":"');
const dataKey = encoder.encode(',"data":');
const indexKey = encoder.encode(',"index":');
const attemptKey = encoder.encode(',"attempt":');
const workerKey = encoder.encode(',"worker_id":"');
const actorKey = encoder.encode(',"actor":"');
const reasonKey = encoder.encode(',"reason":"');
const eventEnd = encoder.encode("}\n\n");

const quote = 0x22;
const hex = encoder.encode("0123456789abcdef");

/** The inside of a JSON string; `<`, `>` and `&` are escaped as everywhere in REST. */
export function jsonInside(text: string): Uint8Array {
  return encoder.encode(escaped(JSON.stringify(text).slice(1, -1)));
}

function escaped(json: string): string {
  return json.replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}

/** JSON text for one line: line breaks (outside strings there are no others) become spaces. */
export function oneLine(json: Uint8Array): Uint8Array {
  let plain = true;
  for (const b of json) if (b === 0x0a || b === 0x0d || b === 0x3c || b === 0x3e || b === 0x26) plain = false;
  return plain ? json : encoder.encode(escaped(new TextDecoder().decode(json).replace(/[\r\n]/g, " ")));
}

function textsOf(text: string): Texts {
  return { json: jsonInside(text), plain: encoder.encode(text) };
}

/** What an event has to tell; undefined: nothing, or nothing for who does not see all. */
function dataOf(type: number, extra: EventExtra | undefined, some: boolean): Uint8Array | undefined {
  if (extra === undefined || extra.data.length === 0 || (some && tellsOfAll(type, extra.data))) return undefined;
  return extra.data;
}

/** Writes events one after the other into memory that grows. */
export class EventEncoder {
  buf = Buffer.allocUnsafe(64 * 1024);
  pos = 0;
  private msCached = -1;
  /** `at_ns` of `msCached`: its digits, and its varint. */
  private digits: Uint8Array = new Uint8Array(0);
  private varint: Uint8Array = new Uint8Array(0);

  add(form: EventForm, events: EventLog, seq: number, shownQueue?: (queue: string) => string): void {
    if (form === "sse") this.addSse(events, seq, shownQueue);
    else this.addRpc(events, seq, shownQueue);
  }

  private addSse(events: EventLog, seq: number, shownQueue: ((queue: string) => string) | undefined): void {
    const at = events.slot(seq);
    const type = types[events.typeAt(at)];
    const queue = this.queue(events.queueAt(at), shownQueue);
    const worker = this.worker(events.workerAt(at));
    const actor = this.actor(events.actorAt(at));
    const extra = events.extraAt(at);
    const raw = dataOf(events.typeAt(at), extra, shownQueue !== undefined);
    const data = raw && oneLine(raw);
    const reason = extra === undefined || extra.reason.length === 0 ? undefined : jsonInside(new TextDecoder().decode(extra.reason));
    this.ensure(512 + size(queue?.json) + size(worker?.json) + size(actor?.json) + size(data) + size(reason));
    const start = this.pos;
    this.pos += chunkHeadBytes;
    this.put(idHead);
    const seqFrom = this.pos;
    this.number(seq);
    const seqTo = this.pos;
    this.buf[this.pos++] = 0x0a;
    this.put(type.head);
    this.time(events.atMsAt(at));
    this.put(this.digits);
    const jobSeq = events.jobSeqAt(at);
    if (jobSeq !== 0) {
      this.put(jobIdKey);
      putJobId(this.buf, this.pos, events.jobCreatedMsAt(at), jobSeq);
      this.pos += jobIdBytes;
      this.buf[this.pos++] = quote;
    }
    this.text(queueKey, queue?.json);
    this.put(seqKey);
    this.buf.copyWithin(this.pos, seqFrom, seqTo);
    this.pos += seqTo - seqFrom;
    this.text(typeKey, type.plain);
    if (data !== undefined) {
      this.put(dataKey);
      this.put(data);
    }
    this.put(indexKey);
    this.number(events.indexAt(at));
    const attempt = events.attemptAt(at);
    if (attempt !== 0) {
      this.put(attemptKey);
      this.number(attempt);
    }
    this.text(workerKey, worker?.json);
    this.text(actorKey, actor?.json);
    this.text(reasonKey, reason);
    this.put(eventEnd);
    this.frame(start);
  }

  /** A ready event of the form `sse`. */
  addSseText(text: string): void {
    const bytes = encoder.encode(text);
    this.ensure(bytes.length + 16);
    const start = this.pos;
    this.pos += chunkHeadBytes;
    this.put(bytes);
    this.frame(start);
  }

  /** Six hexadecimal digits, zeros in front: as long as any event. */
  private frame(start: number): void {
    const bytes = this.pos - start - chunkHeadBytes;
    for (let i = 0; i < 6; i++) this.buf[start + i] = hex[(bytes >>> (20 - 4 * i)) & 15];
    this.buf[start + 6] = 0x0d;
    this.buf[start + 7] = 0x0a;
    this.buf[this.pos++] = 0x0d;
    this.buf[this.pos++] = 0x0a;
  }

  private addRpc(events: EventLog, seq: number, shownQueue: ((queue: string) => string) | undefined): void {
    const at = events.slot(seq);
    const type = types[events.typeAt(at)];
    const queue = this.queue(events.queueAt(at), shownQueue);
    const worker = this.worker(events.workerAt(at));
    const actor = this.actor(events.actorAt(at));
    const extra = events.extraAt(at);
    const data = dataOf(events.typeAt(at), extra, shownQueue !== undefined);
    this.ensure(256 + size(queue?.plain) + size(worker?.plain) + size(actor?.plain) + size(data) + size(extra?.reason));
    const start = this.pos;
    this.pos += envelopeBytes;
    this.buf[this.pos++] = 0x08;
    this.unsigned(seq);
    this.field(2, type.plain);
    const jobSeq = events.jobSeqAt(at);
    if (jobSeq !== 0) {
      this.buf[this.pos++] = 0x1a;
      this.buf[this.pos++] = jobIdBytes;
      putJobId(this.buf, this.pos, events.jobCreatedMsAt(at), jobSeq);
      this.pos += jobIdBytes;
    }
    this.field(4, queue?.plain);
    this.buf[this.pos++] = 0x28;
    this.time(events.atMsAt(at));
    this.put(this.varint);
    this.field(6, data);
    this.unsigned(100 << 3);
    this.unsigned(events.indexAt(at));
    this.field(101, actor?.plain);
    this.field(102, extra?.reason);
    const attempt = events.attemptAt(at);
    if (attempt !== 0) {
      this.unsigned(103 << 3);
      this.unsigned(attempt);
    }
    this.field(104, worker?.plain);
    this.envelope(start);
  }

  /** A ready SubscribeEvent. */
  addRpcMessage(message: Uint8Array): void {
    this.ensure(message.length + envelopeBytes);
    const start = this.pos;
    this.pos += envelopeBytes;
    this.put(message);
    this.envelope(start);
  }

  private envelope(start: number): void {
    this.buf[start] = 0;
    this.buf.writeUInt32BE(this.pos - start - envelopeBytes, start + 1);
  }

  private queue(queue: EventQueue | undefined, shown: ((queue: string) => string) | undefined): Texts | undefined {
    if (queue === undefined) return undefined;
    if (shown !== undefined) return textsOf(shown(queue.name));
    let texts = queueTexts.get(queue);
    if (texts === undefined) queueTexts.set(queue, (texts = textsOf(queue.name)));
    return texts;
  }

  private worker(worker: EventWorker | undefined): Texts | undefined {
    if (worker === undefined || worker.idBytes === 0) return undefined;
    let texts = workerTexts.get(worker);
    if (texts === undefined) workerTexts.set(worker, (texts = textsOf(Buffer.from(worker.name.subarray(0, worker.idBytes)).toString())));
    return texts;
  }

  private actor(actor: string): Texts | undefined {
    if (actor === "") return undefined;
    let texts = actorTexts.get(actor);
    if (texts === undefined) {
      if (actorTexts.size >= 1000) actorTexts.clear();
      actorTexts.set(actor, (texts = textsOf(actor)));
    }
    return texts;
  }

  private time(ms: number): void {
    if (ms === this.msCached) return;
    this.msCached = ms;
    this.digits = encoder.encode(ms === 0 ? "0" : `${ms}000000`);
    const bytes: number[] = [];
    let rest = BigInt(ms) * 1_000_000n;
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
    this.varint = Uint8Array.from(bytes);
  }

  private text(key: Uint8Array, inside: Uint8Array | undefined): void {
    if (inside === undefined) return;
    this.put(key);
    this.put(inside);
    this.buf[this.pos++] = quote;
  }

  private field(number: number, bytes: Uint8Array | undefined): void {
    if (bytes === undefined || bytes.length === 0) return;
    this.unsigned((number << 3) | 2);
    this.unsigned(bytes.length);
    this.put(bytes);
  }

  private put(bytes: Uint8Array): void {
    const { buf } = this;
    let at = this.pos;
    if (bytes.length > 32) {
      buf.set(bytes, at);
      at += bytes.length;
    } else for (let i = 0; i < bytes.length; i++) buf[at++] = bytes[i];
    this.pos = at;
  }

  private unsigned(value: number): void {
    let rest = value;
    for (; rest >= 0x80000000; rest = Math.floor(rest / 128)) this.buf[this.pos++] = (rest % 128) | 128;
    for (; rest > 127; rest >>>= 7) this.buf[this.pos++] = (rest & 127) | 128;
    this.buf[this.pos++] = rest;
  }

  /** Decimal digits. */
  private number(value: number): void {
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits++;
    let rest = value;
    for (let at = this.pos + digits - 1; at >= this.pos; at--) {
      const next = Math.floor(rest / 10);
      this.buf[at] = 0x30 + rest - next * 10;
      rest = next;
    }
    this.pos += digits;
  }

  private ensure(bytes: number): void {
    if (this.pos + bytes <= this.buf.length) return;
    const bigger = Buffer.allocUnsafe(Math.max(this.buf.length * 2, this.pos + bytes));
    this.buf.copy(bigger, 0, 0, this.pos);
    this.buf = bigger;
  }
}

function size(bytes: Uint8Array | undefined): number {
  return bytes === undefined ? 0 : bytes.length;
}
