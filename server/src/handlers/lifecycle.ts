import { checkLifecycle, isRefusal, type LifecycleDoor, type Refusal, verbs } from "@corvo/protocol";
import type { BidiHandler, BidiStream, Call, MessageSink } from "@corvo/transport";
import { RpcError } from "@corvo/transport";
import { toCommand } from "./command.js";
import { type HandlerContext, toRpcError } from "./context.js";
import { emptyAnswer, isIdleAnswer, patchAnswer } from "./lifecycle-answer.js";

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

/** StreamLifecycle: one answer per frame, in order; pacing and limits of spec/rpc.md §4. */
export function lifecycleHandler(context: HandlerContext, counters: StreamCounters): BidiHandler {
  const slots = new Slots(context.options.framesInFlightMax, counters);
  return {
    kind: "bidi",
    open(call, out) {
      if (!context.replica.serving) throw toRpcError(notServing);
      if (context.options.streamsOpenMax > 0 && counters.open >= context.options.streamsOpenMax) {
        throw new RpcError("resource_exhausted", "TOO_MANY_STREAMS", "too many open lifecycle streams", { retryAfterMs: 1000 });
      }
      counters.open++;
      counters.opened++;
      call.onAbort(() => stream.closed());
      const stream = new LifecycleStream(context, counters, slots, call, out);
      return stream;
    },
  };
}

const notServing: Refusal = { refused: true, code: "unavailable", reason: "NOT_LEADER", message: "this node does not lead; try again", retryAfterMs: 100 };

class LifecycleStream implements BidiStream {
  private strikes = 0;
  private lastFrameMs = Number.NEGATIVE_INFINITY;
  private isClosed = false;
  private stopSleeping: (() => void) | undefined;

  constructor(
    private readonly context: HandlerContext,
    private readonly counters: StreamCounters,
    private readonly slots: Slots,
    private readonly call: Call,
    private readonly out: MessageSink,
  ) {}

  message(request: Uint8Array): Promise<void> {
    const delayMs = this.paceMs();
    if (delayMs <= 0) return this.frame(request);
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

  private frame(request: Uint8Array): Promise<void> {
    const newWork = this.context.replica.refusesNewWork();
    const door = checkLifecycle(request, { payloadBytesMax: this.context.options.payloadBytesMax, refuseEnqueues: newWork });
    if (isRefusal(door)) throw toRpcError(door);
    return new Promise((resolve, reject) => {
      const finish = (answer: Uint8Array, error: string): void => {
        this.strikes = error !== "" && !error.startsWith("OVERLOADED:") ? this.strikes + 1 : 0;
        if (this.isClosed) return resolve();
        const sent = this.out.send(answer);
        if (sent) sent.then(resolve, reject);
        else resolve();
      };
      if (!door.hasWork) return finish(patchAnswer(emptyAnswer(door.requestId), door), door.error);
      this.slots.take(() => this.work(door, finish, reject));
    });
  }

  private work(door: LifecycleDoor, finish: (answer: Uint8Array, error: string) => void, reject: (error: RpcError) => void): void {
    const done = (answer: Uint8Array, error: string): void => {
      this.slots.give();
      finish(answer, error);
    };
    const fetchOnly = door.fetchCount > 0 && door.acks === 0 && door.enqueues === 0;
    const refused = (refusal: Refusal): void => {
      if (refusal.reason === "NOT_LEADER" || refusal.reason === "SHUTTING_DOWN" || refusal.reason === "OUTCOME_UNKNOWN") {
        this.slots.give();
        return reject(toRpcError(refusal));
      }
      const what = door.acks > 0 ? "ack" : door.fetchCount > 0 ? "fetch" : "enqueue";
      const error = `${refusal.reason === "OVERLOADED" ? "OVERLOADED: " : ""}${what}: ${refusal.message}`;
      done(patchAnswer(emptyAnswer(door.requestId), door, error), error);
    };
    const command = toCommand(this.call, verbs.lifecycle, door);
    const waitMs = door.waitMs > 0 ? door.waitMs : this.context.options.idleFetchSleepMs;
    if (fetchOnly) {
      this.context.replica.fetch(
        command,
        door.queues(),
        waitMs,
        {
          answer: (bytes) => done(door.error === "" ? bytes.slice() : patchAnswer(bytes, door), door.error),
          refused,
          none: () => {
            this.counters.idleFetches++;
            done(patchAnswer(emptyAnswer(door.requestId), door), door.error);
          },
        },
        (sleeper) => {
          this.stopSleeping = () => sleeper.cancel();
          if (this.isClosed) sleeper.cancel();
        },
      );
      return;
    }
    this.context.replica.submit(command, {
      answer: (bytes, granted) => {
        const answer = door.error === "" ? bytes.slice() : patchAnswer(bytes, door);
        if (door.fetchCount > 0 && granted === 0 && door.enqueues === 0 && isIdleAnswer(bytes)) {
          this.counters.idleFetches++;
          setTimeout(() => done(answer, door.error), waitMs);
        } else done(answer, door.error);
      },
      refused,
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
  take(run: () => void): void {
    if (this.counters.framesInFlight >= this.max) return void this.waiting.push(run);
    this.counters.framesInFlight++;
    this.counters.frames++;
    run();
  }
  give(): void {
    const next = this.waiting.shift();
    if (!next) return void this.counters.framesInFlight--;
    this.counters.frames++;
    next();
  }
}
