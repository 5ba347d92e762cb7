import { performance as hooks } from "node:perf_hooks";
import type { EventLog } from "@corvo/engine";
import { blockEvents, EventBlock } from "./block.js";
import { EventEncoder, type EventForm, gapType } from "./encode.js";
import type { EventFilter } from "./filter.js";
import { gapMessage } from "./gap.js";
import { QuietReaders } from "./quiet.js";

/** Where a subscriber's events go. */
export interface Outlet {
  readonly form: EventForm;
  /** False: it has enough to read; `Subscription.resume` says that it has caught up. */
  ready(): boolean;
  /** Bytes that were written and that the system has not taken yet. */
  unsent?(): number;
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
  /** Number of the last event that it was given, or that its filter left out, as far as it was looked for. */
  position: number;
  /** Among the quiet ones: it has all there is for it. */
  quiet: boolean;
  filter: EventFilter;
  outlet: Outlet;
  heardMs: number;
  stuckSinceMs: number;
  overtaken: boolean;
}

/** Longest stretch of work before the event loop is free again. */
const sliceMs = 1;
/** After a stretch comes a pause this many times as long: all subscribers together take at most an eighth of the event loop, */
const pauseFactor = 7;
/** and a sixteenth while it has other things to do for most of the time. */
const busyPauseFactor = 15;
const busyShare = 0.7;
/** What a byte costs that the system takes later, before that was measured; and at most. */
const msPerByteFirst = 5e-7;
const msPerByteMax = 5e-6;
const keepaliveMs = 15_000;
/** How long a subscriber may leave its events unread. */
const stuckMsMax = 60_000;
/** Encoded events that are kept for subscribers that are a little behind. */
const blocksBytesMax = 16 * 1024 * 1024;

/**
 * Hands events to all who subscribed. Each event is encoded once; those of one turn of the event loop go out together; who is behind is
 * served from the ring until that has moved on, and then gets a `gap` that says what is missing. All of it together is bounded: an eighth
 * of the event loop, half of that while others need it, however many subscribers there are and however much happens. What does not fit into that becomes gaps.
 */
export class EventHub {
  readonly counters: HubCounters = { subscribers: 0, sentBytes: 0, gaps: 0, missed: 0, dropped: 0, busyMs: 0 };
  private readonly all = new Set<Reader>();
  /** Those for whom there may be something. */
  private readers: Reader[] = [];
  private readonly quiet: QuietReaders<Reader>;
  private next = 0;
  /** What was written lately costs this much when the system takes it, outside of `run`. */
  private owedMs = 0;
  private msPerByte = msPerByteFirst;
  private loop = hooks.eventLoopUtilization();
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

  constructor(private readonly events: EventLog) {
    this.quiet = new QuietReaders(events);
  }

  /** Called after each applied entry. */
  ring(): void {
    this.quiet.look(this.wake);
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
    const { quiet } = this;
    const reader: Reader = {
      // 0 means: what there is. Nothing is missing then, however much was dropped before.
      position: position === 0 ? this.events.firstSeq - 1 : position,
      quiet: false,
      get after() {
        return this.quiet ? Math.max(this.position, quiet.looked) : this.position;
      },
      filter,
      outlet,
      heardMs: nowMs,
      stuckSinceMs: 0,
      overtaken: false,
      resume: () => {
        if (reader.stuckSinceMs !== 0) this.plan();
      },
      close: () => this.remove(reader),
    };
    this.all.add(reader);
    this.readers.push(reader);
    this.counters.subscribers++;
    this.life ??= setInterval(() => this.lookAfter(), 1000).unref();
    this.plan();
    return reader;
  }

  close(): void {
    clearInterval(this.life);
    this.readers = [];
    for (const reader of this.all) reader.outlet.end();
    this.all.clear();
  }

  private remove(reader: Reader): void {
    if (!this.all.delete(reader)) return;
    if (reader.quiet) this.quiet.delete(reader);
    else this.leave(this.readers.indexOf(reader));
    this.counters.subscribers--;
    if (this.all.size > 0) return;
    clearInterval(this.life);
    this.life = undefined;
    this.whole.clear();
    this.bytesKept = 0;
    this.head = undefined;
  }

  private leave(at: number): void {
    this.readers[at] = this.readers[this.readers.length - 1];
    this.readers.pop();
  }

  private readonly wake = (reader: Reader, seen: number): void => {
    reader.quiet = false;
    reader.position = Math.max(reader.position, seen);
    this.readers.push(reader);
  };

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
    const sentBefore = this.counters.sentBytes;
    let idle = 0;
    while (idle < this.readers.length) {
      if (this.next >= this.readers.length) this.next = 0;
      const at = this.next++;
      const reader = this.readers[at];
      const served = this.serve(reader);
      if (reader.position >= this.events.lastSeq && QuietReaders.fits(reader)) {
        this.leave(at);
        this.next = at;
        reader.quiet = true;
        this.quiet.add(reader, reader.position);
      } else if (!served) idle++;
      if (!served) continue;
      idle = 0;
      if (performance.now() - startMs > sliceMs) break;
    }
    const endMs = performance.now();
    // On a busy machine much of that time was somebody else's.
    const cpu = process.cpuUsage(startCpu);
    const spentMs = Math.min(endMs - startMs, (cpu.user + cpu.system) / 1000);
    this.learn(this.counters.sentBytes - sentBefore, spentMs);
    const costMs = spentMs + this.owedMs;
    this.owedMs = 0;
    this.counters.busyMs += costMs;
    this.notBeforeMs = endMs + costMs * (this.loopIsBusy() ? busyPauseFactor : pauseFactor);
    if (idle < this.readers.length) this.plan();
  };

  /** Since the last time that it was asked. */
  private loopIsBusy(): boolean {
    const now = hooks.eventLoopUtilization();
    const { utilization } = hooks.eventLoopUtilization(now, this.loop);
    this.loop = now;
    return utilization > busyShare;
  }

  /** What a byte costs, from stretches that sent many. */
  private learn(bytes: number, spentMs: number): void {
    if (bytes < 256 * 1024) return;
    this.msPerByte += (Math.min(spentMs / bytes, msPerByteMax) - this.msPerByte) / 16;
  }

  /** Gives a reader what comes next for it; false: there is nothing, or it does not read. */
  private serve(reader: Reader): boolean {
    const { events } = this;
    if (reader.position >= events.lastSeq) return false;
    if (!reader.outlet.ready()) {
      reader.stuckSinceMs ||= performance.now();
      return false;
    }
    reader.stuckSinceMs = 0;
    if (reader.position + 1 < events.firstSeq) {
      // The ring has moved on. Who is overtaken again and again goes on at the meeting point, so that many share what is encoded there.
      const to = reader.overtaken ? Math.max(this.meetingPoint() - 1, events.firstSeq - 1) : events.firstSeq - 1;
      reader.overtaken = true;
      this.gap(reader, to); // and what comes next at once, or it would be overtaken again before its next turn
    }
    const block = this.blockAt(reader.position + 1, reader.outlet.form);
    const held = block.bytes;
    const bytes = block.select(reader.outlet.form, reader.filter, reader.position);
    if (block !== this.head) this.bytesKept += block.bytes - held;
    if (bytes === undefined) {
      this.gap(reader, block.lastSeq);
      return true;
    }
    reader.position = block.lastSeq;
    if (reader.position >= events.lastSeq) reader.overtaken = false;
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
    const from = reader.position + 1;
    reader.position = to;
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
    // What the system did not take at once it takes later, in the event loop's time as well.
    this.owedMs += Math.min(bytes.length, reader.outlet.unsent?.() ?? 0) * this.msPerByte;
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
    for (const reader of [...this.all]) {
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
