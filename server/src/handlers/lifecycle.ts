import { FrameCheck, type Refusal, refuse, Verb } from "@corvo/protocol";
import type { CommandInput, Sleeper } from "@corvo/replica";
import type { BidiHandler, BidiStream, Call, MessageSink } from "@corvo/transport";
import { RpcError } from "@corvo/transport";
import { frameWithTrace, traceparentOf, tracing } from "../tracing/carry.js";
import { toCommand } from "./command.js";
import { type HandlerContext, namespaceName, toRpcError } from "./context.js";
import { FrameReport } from "./frame-report.js";

/** Counters of all lifecycle streams, for metrics. */
export interface StreamCounters {
  open: number;
  opened: number;
  framesInFlight: number;
  frames: number;
  idleFetches: number;
  overloaded: number;
}

const strikeMs = 5;
const strikesDelayMsMax = 500;
const notServing = refuse("unavailable", "NOT_LEADER", "this node does not lead; try again", { retryAfterMs: 100 });

/** StreamLifecycle: one answer per frame, in order; pacing and limits of spec/rpc.md §4. */
export function lifecycleHandler(context: HandlerContext, counters: StreamCounters): BidiHandler {
  const slots = new Slots(context.options.framesInFlightMax, counters);
  return {
    kind: "bidi",
    open(call, out) {
      if (!context.replica.serving) throw toRpcError(notServing);
      if (context.options.streamsOpenMax > 0 && counters.open >= context.options.streamsOpenMax) {
        counters.overloaded++;
        throw new RpcError("resource_exhausted", "TOO_MANY_STREAMS", "too many open lifecycle streams", { retryAfterMs: 1000 });
      }
      counters.open++;
      counters.opened++;
      const stream = new LifecycleStream(context, counters, slots, call, out);
      call.onAbort(() => stream.closed());
      return stream;
    },
  };
}

/** A frame's command; `queues`: those that it may fetch from now, of those that its worker wants. */
interface Wish {
  command: CommandInput;
  queues: readonly string[];
  wanted: readonly string[];
  workerId: string;
}

interface FetchReply {
  /** Jobs were leased: what the engine says. */
  granted(bytes: Uint8Array): void;
  answer(bytes: Uint8Array): void;
  refused(refusal: Refusal): void;
  /** It brought nothing. */
  idle(): void;
}

class LifecycleStream implements BidiStream {
  private readonly check = new FrameCheck();
  private strikes = 0;
  private lastFrameMs = Number.NEGATIVE_INFINITY;
  private isClosed = false;
  private holdsSlot = false;
  private stopSleeping: (() => void) | undefined;
  /** Trace context that the stream came with, for jobs that have none of their own. */
  private readonly traceparent: string | undefined;

  constructor(
    private readonly context: HandlerContext,
    private readonly counters: StreamCounters,
    private readonly slots: Slots,
    private readonly call: Call,
    private readonly out: MessageSink,
  ) {
    this.traceparent = traceparentOf(call);
  }

  message(request: Uint8Array): Promise<void> {
    const delayMs = this.paceMs();
    if (delayMs < 0.5) return this.frame(request);
    const kept = request.slice();
    return new Promise((resolve, reject) => setTimeout(() => this.frame(kept).then(resolve, reject), delayMs));
  }

  end(): void {
    this.closed();
  }

  closed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.counters.open--;
    this.stopSleeping?.();
  }

  /** How long this frame must wait: frames are at least 1/fps apart, and a stream that sends bad frames is slowed down. */
  private paceMs(): number {
    const nowMs = performance.now();
    const spacingMs = this.context.options.framesPerSecondMax > 0 ? 1000 / this.context.options.framesPerSecondMax : 0;
    const waitMs = Math.max(0, this.lastFrameMs + spacingMs - nowMs) + Math.min(this.strikes * strikeMs, strikesDelayMsMax);
    this.lastFrameMs = nowMs + waitMs;
    return waitMs;
  }

  private async frame(request: Uint8Array): Promise<void> {
    const report = new FrameReport(this.check, request, this.context.options.payloadBytesMax, this.context.replica.refusesNewWork());
    if (report.refused) throw toRpcError(report.refused);
    if (!report.hasWork) return this.answer(report, report.answer(undefined));
    const turn = this.slots.take();
    if (turn) await turn;
    this.holdsSlot = true;
    try {
      await this.work(report);
    } finally {
      this.giveSlot();
    }
  }

  /** Sends the frame's answer; `bytes` are copied before this returns. A promise: the caller reads too slowly. */
  private answer(report: FrameReport, bytes: Uint8Array): void | Promise<void> {
    this.strikes = report.error !== "" && !report.error.startsWith("OVERLOADED:") ? this.strikes + 1 : 0;
    if (!this.isClosed) return this.out.send(bytes);
  }

  /** When the work is done, or nothing is left to do but wait: sleepers must not keep others from working. */
  private giveSlot(): void {
    if (!this.holdsSlot) return;
    this.holdsSlot = false;
    this.slots.give();
  }

  /** The frame's command and its fetch. Of a worker that may not fetch only the rest of the frame is done. */
  private allowed(report: FrameReport): Wish {
    const command = toCommand(this.call, Verb.LIFECYCLE, report.body, report.hash);
    if (!report.fetches) return { command, queues: [], wanted: [], workerId: "" };
    const { queues: wanted, workerId } = report;
    const found = this.context.workerOrders.allowed(command, wanted, workerId);
    if (found.command !== command && !report.fetchOnly) found.command = { ...command, body: report.withoutFetch() };
    return { ...found, wanted, workerId };
  }

  /** A frame that only fetches: it may sleep, and ends when its worker's order changes. */
  private fetch(report: FrameReport, { command, queues, wanted, workerId }: Wish, waitMs: number, reply: FetchReply): void {
    let awake: (() => void) | undefined;
    let asleep: Sleeper | undefined;
    let over = false;
    const none = (): void => {
      awake?.();
      reply.idle();
      reply.answer(report.answer(undefined));
    };
    const answer = (bytes: Uint8Array): void => {
      awake?.();
      reply.granted(bytes);
      reply.answer(report.answer(bytes));
    };
    const refused = (refusal: Refusal): void => {
      awake?.();
      reply.refused(refusal);
    };
    const orderChanged = (): void => {
      over = true;
      if (asleep?.cancel()) none(); // else an attempt is on its way, and what it brings is handed over
    };
    const sleeping = (sleeper: Sleeper): void => {
      asleep = sleeper;
      this.giveSlot();
      this.stopSleeping = () => {
        sleeper.cancel();
        none();
      };
      awake ??= this.context.workerOrders.sleeps(namespaceName(this.call), wanted, workerId, orderChanged);
      if (over || this.isClosed) this.stopSleeping();
    };
    this.context.replica.fetch(command, queues, waitMs, { answer, refused, none }, sleeping);
  }

  /** Resolves when the frame is answered; rejects when the stream must end. */
  private work(report: FrameReport): Promise<void> {
    return new Promise((done, reject) => {
      const wish = this.allowed(report);
      const spans = tracing.jobs?.frame(this.traceparent, wish.command.body, this.context.replica.engine);
      if (spans) wish.command = { ...wish.command, body: spans.body };
      else if (this.traceparent !== undefined && report.adds) wish.command = { ...wish.command, body: frameWithTrace(this.traceparent, wish.command.body) };
      const resolve = (bytes: Uint8Array): void => done(this.answer(report, bytes));
      const refused = (refusal: Refusal): void => {
        spans?.refused(refusal.code);
        if (refusal.reason === "NOT_LEADER" || refusal.reason === "SHUTTING_DOWN" || refusal.reason === "OUTCOME_UNKNOWN") return reject(toRpcError(refusal));
        if (refusal.reason === "OVERLOADED") this.counters.overloaded++;
        resolve(report.refusedAnswer(refusal));
      };
      const idleMs = report.waitMs > 0 ? Math.min(report.waitMs, 60_000) : this.context.options.idleFetchSleepMs;
      const idle = (): void => {
        this.counters.idleFetches++;
      };
      const granted = (bytes: Uint8Array): void => spans?.answered(bytes);
      if (report.fetchOnly) return this.fetch(report, wish, idleMs, { granted, answer: resolve, refused, idle });
      this.context.replica.submit(wish.command, {
        answer: (bytes, granted) => {
          spans?.answered(bytes);
          if (granted > 0 || !report.isIdle(bytes)) return resolve(report.answer(bytes));
          const answer = report.answer(bytes).slice();
          idle();
          this.giveSlot();
          // What became of the acks is known already, so a job that comes now is left to the next frame: never a long wait here.
          const timer = setTimeout(() => resolve(answer), Math.min(idleMs, this.context.options.idleFetchSleepMs));
          this.stopSleeping = () => {
            clearTimeout(timer);
            resolve(answer);
          };
          if (this.isClosed) this.stopSleeping();
        },
        refused,
      });
    });
  }
}

/** Frames that are worked on at a time; the others wait in line. */
class Slots {
  private readonly waiting: (() => void)[] = [];
  constructor(
    private readonly max: number,
    private readonly counters: StreamCounters,
  ) {}
  take(): void | Promise<void> {
    this.counters.frames++;
    if (this.counters.framesInFlight < this.max) {
      this.counters.framesInFlight++;
      return;
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }
  give(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.counters.framesInFlight--;
  }
}
