import type { EventLog } from "@corvo/engine";
import { blockEvents, EventBlock } from "./block.js";
import { EventEncoder, type EventForm, gapType } from "./encode.js";
import type { EventFilter } from "./filter.js";
import { gapMessage } from "./gap.js";

/** Where a subscriber's events go. */
export interface Outlet {
  readonly form: EventForm;
  /** False: it has more than enough to read; `Subscription.resume` says that it has caught up. */
  ready(): boolean;
  /** `bytes` are shared with others and never change. */
  write(bytes: Buffer): void;
  /** A sign of life after a silence. */
  keepalive(): void;
  /** The server is going. */
  end(): void;
  /** It did not read for so long that it is given up. */
  giveUp(): void;
}

/** One reader of events. */
export interface Subscription {
  /** Number of the last event that it was given, or that its filter left out. */
  readonly after: number;
  /** The outlet is ready again. */
  resume(): void;
  close(): void;
}

export interface HubCounters {
  subscribers: number;
  /** Bytes that were handed to subscribers. */
  sentBytes: number;
  /** Times that a subscriber lost events, and how many it lost. */
  gaps: number;
  missed: number;
  /** Subscribers that did not read. */
  dropped: number;
  /** Time of the event loop that subscribers have taken. */
  busyMs: number;
}

interface Reader extends Subscription {
  after: number;
  filter: EventFilter;
  outlet: Outlet;
  heardMs: number;
  stuckSinceMs: number;
  overtaken: boolean;
}

/** Longest stretch of work before the event loop is free again. */
const sliceMs = 1;
/** After a stretch comes a pause this many times as long: all subscribers together take at most an eighth of the event loop. */
const pauseFactor = 7;
const keepaliveMs = 15_000;
/** How long a subscriber may leave its events unread. */
const stuckMsMax = 60_000;
/** Encoded events that are kept for subscribers that are a little behind. */
const blocksBytesMax = 16 * 1024 * 1024;

/**
 * Hands events to all who subscribed. Each event is encoded once; those of one turn of the event loop go out together; who is behind is
 * served from the ring until that has moved on, and then gets a `gap` that says what is missing. All of it together is bounded: an eighth
 * of the event loop, however many subscribers there are and however much happens. What does not fit into that becomes gaps.
 */
export class EventHub {
  readonly counters: HubCounters = { subscribers: 0, sentBytes: 0, gaps: 0, missed: 0, dropped: 0, busyMs: 0 };
  private readers: Reader[] = [];
  private next = 0;
  /** Whole blocks by number, the one made last at the end. */
  private readonly whole = new Map<number, EventBlock>();
  private bytesKept = 0;
  private meeting = 0;
  /** The newest events, if there are not enough yet for a whole block. */
  private head: EventBlock | undefined;
  private planned = false;
  private notBeforeMs = 0;
  private life: NodeJS.Timeout | undefined;
  private readonly bells = new Set<() => void>();
  private readonly gapEncoder = new EventEncoder();

  constructor(private readonly events: EventLog) {}

  /** Called after each applied entry. */
  ring(): void {
    if (this.readers.length > 0) this.plan();
    if (this.bells.size > 0) for (const run of this.bells) run();
  }

  /** Calls `run` after each applied entry until the returned function is called. */
  onEntry(run: () => void): () => void {
    this.bells.add(run);
    return () => void this.bells.delete(run);
  }

  /** `after` undefined: from now on. */
  subscribe(filter: EventFilter, after: number | undefined, outlet: Outlet): Subscription {
    const nowMs = performance.now();
    // A position ahead of all events is one of another data directory: it would wait for ever.
    const position = after === undefined ? this.events.lastSeq : Math.min(after, this.events.lastSeq);
    const reader: Reader = {
      // 0 means: what there is. Nothing is missing then, however much was dropped before.
      after: position === 0 ? this.events.firstSeq - 1 : position,
      filter,
      outlet,
      heardMs: nowMs,
      stuckSinceMs: 0,
      overtaken: false,
      resume: () => this.plan(),
      close: () => this.remove(reader),
    };
    this.readers.push(reader);
    this.counters.subscribers++;
    this.life ??= setInterval(() => this.lookAfter(), 1000).unref();
    this.plan();
    return reader;
  }

  close(): void {
    clearInterval(this.life);
    for (const reader of this.readers.splice(0)) reader.outlet.end();
  }

  private remove(reader: Reader): void {
    const at = this.readers.indexOf(reader);
    if (at < 0) return;
    this.readers[at] = this.readers[this.readers.length - 1];
    this.readers.pop();
    this.counters.subscribers--;
    if (this.readers.length > 0) return;
    clearInterval(this.life);
    this.life = undefined;
    this.whole.clear();
    this.bytesKept = 0;
    this.head = undefined;
  }

  private plan(): void {
    if (this.planned) return;
    this.planned = true;
    const waitMs = this.notBeforeMs - performance.now();
    if (waitMs <= 0) setImmediate(this.run);
    else setTimeout(this.run, Math.ceil(waitMs));
  }

  private readonly run = (): void => {
    this.planned = false;
    const startMs = performance.now();
    const startCpu = process.cpuUsage();
    const { readers } = this;
    let idle = 0;
    while (idle < this.readers.length) {
      if (this.next >= readers.length) this.next = 0;
      const reader = readers[this.next++];
      if (this.serve(reader)) {
        idle = 0;
        if (performance.now() - startMs > sliceMs) break;
      } else idle++;
    }
    const endMs = performance.now();
    // On a busy machine much of that time was somebody else's.
    const cpu = process.cpuUsage(startCpu);
    const spentMs = Math.min(endMs - startMs, (cpu.user + cpu.system) / 1000);
    this.counters.busyMs += spentMs;
    this.notBeforeMs = endMs + spentMs * pauseFactor;
    if (idle < this.readers.length) this.plan();
  };

  /** Gives a reader what comes next for it; false: there is nothing, or it does not read. */
  private serve(reader: Reader): boolean {
    const { events } = this;
    if (reader.after >= events.lastSeq) return false;
    if (!reader.outlet.ready()) {
      reader.stuckSinceMs ||= performance.now();
      return false;
    }
    reader.stuckSinceMs = 0;
    if (reader.after + 1 < events.firstSeq) {
      // The ring has moved on. Who is overtaken again and again goes on at the meeting point, so that many share what is encoded there.
      const to = reader.overtaken ? Math.max(this.meetingPoint() - 1, events.firstSeq - 1) : events.firstSeq - 1;
      reader.overtaken = true;
      this.gap(reader, to); // and what comes next at once, or it would be overtaken again before its next turn
    }
    const block = this.blockAt(reader.after + 1, reader.outlet.form);
    const held = block.bytes;
    const bytes = block.select(reader.outlet.form, reader.filter, reader.after);
    if (block !== this.head) this.bytesKept += block.bytes - held;
    if (bytes === undefined) {
      this.gap(reader, block.lastSeq);
      return true;
    }
    reader.after = block.lastSeq;
    if (reader.after >= events.lastSeq) reader.overtaken = false;
    if (bytes.length > 0) this.send(reader, bytes);
    return true;
  }

  /** Where readers go on that were overtaken: about the middle of what is kept, the same place until it is nearly gone. */
  private meetingPoint(): number {
    const { firstSeq, lastSeq } = this.events;
    const kept = lastSeq - firstSeq;
    if (this.meeting < firstSeq + kept / 8) this.meeting = Math.floor((firstSeq + kept * 0.75) / blockEvents) * blockEvents;
    return this.meeting;
  }

  private gap(reader: Reader, to: number): void {
    const from = reader.after + 1;
    reader.after = to;
    this.counters.gaps++;
    this.counters.missed += to - from + 1;
    this.gapEncoder.pos = 0;
    const data = `{"from":${from},"missed":${to - from + 1},"to":${to}}`;
    if (reader.outlet.form === "sse")
      this.gapEncoder.addSseText(`id: ${to}\nevent: ${gapType}\ndata: {"at_ns":${Date.now()}000000,"seq":${to},"type":"${gapType}","data":${data}}\n\n`);
    else this.gapEncoder.addRpcMessage(gapMessage(to, data));
    this.send(reader, Buffer.from(this.gapEncoder.buf.subarray(0, this.gapEncoder.pos)));
  }

  private send(reader: Reader, bytes: Buffer): void {
    reader.heardMs = performance.now();
    this.counters.sentBytes += bytes.length;
    reader.outlet.write(bytes);
  }

  /**
   * The block in which an event is; made if need be. Blocks that are full begin at multiples of their size, so there is one for all who are
   * behind; at the head there are smaller ones, each as long as what came in one turn.
   */
  private blockAt(seq: number, form: EventForm): EventBlock {
    const { events } = this;
    const number = Math.floor(seq / blockEvents);
    const first = number * blockEvents;
    const last = first + blockEvents - 1;
    if (last <= events.lastSeq) {
      const known = this.whole.get(number);
      if (known !== undefined && known.firstSeq <= seq) return known;
      const made = new EventBlock(events, Math.max(first, events.firstSeq), form, last);
      if (known !== undefined) this.bytesKept -= known.bytes;
      this.whole.set(number, made);
      this.bytesKept += made.bytes;
      for (const [oldest, block] of this.whole) {
        if (this.bytesKept <= blocksBytesMax || block === made) break;
        this.bytesKept -= block.bytes;
        this.whole.delete(oldest);
      }
      return made;
    }
    if (this.head !== undefined && this.head.firstSeq <= seq && this.head.lastSeq >= seq) return this.head;
    this.head = new EventBlock(events, seq, form, events.lastSeq);
    return this.head;
  }

  private lookAfter(): void {
    const nowMs = performance.now();
    for (const reader of [...this.readers]) {
      if (reader.stuckSinceMs !== 0 && nowMs - reader.stuckSinceMs > stuckMsMax) {
        this.counters.dropped++;
        reader.close();
        reader.outlet.giveUp();
      } else if (nowMs - reader.heardMs >= keepaliveMs && reader.outlet.ready()) {
        reader.heardMs = nowMs;
        reader.outlet.keepalive();
      }
    }
  }
}
