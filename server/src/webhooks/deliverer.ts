import type { Engine, WebhookRecord } from "@corvo/engine";
import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeWebhookDeliveredCommand, type WebhookOutcomeInit } from "@corvo/gen/corvo/internal/v1/webhook_fast.js";
import type { Log } from "../log.js";
import type { PostResult } from "./post.js";
import { bodyOf, headersOf } from "./sign.js";

export interface DelivererOptions {
  engine: Engine;
  /** This node leads: it alone delivers. */
  serving: () => boolean;
  /** Puts what became of deliveries into the log. */
  propose: (body: Uint8Array) => void;
  post: (url: string, headers: Record<string, string>, body: Buffer) => Promise<PostResult>;
  nowMs: () => number;
  /** From 0 to below 1. */
  random: () => number;
  log: Log;
}

/** Deliveries on their way at a time, to one webhook and in all. One that hangs for its 10 s holds up nobody else. */
const perHookMax = 8;
const inAllMax = 256;
/** What became of deliveries goes into the log at least so often, or when so many are known. */
const settleMs = 20;
const settleMax = 256;
const backoffMsMax = 300_000;

/** Deliveries of one webhook. Invariant: a line that is busy has its first event on its way, or waiting for another attempt. */
interface HookState {
  hook: WebhookRecord;
  /** Events by job, in their order; of no job: 0. */
  lines: Map<number, Line>;
  /** Lines that are not busy and have something. */
  ready: Line[];
  onTheWay: number;
}

interface Line {
  jobSeq: number;
  events: { serial: number; attempts: number }[];
  busy: boolean;
  timer: NodeJS.Timeout | undefined;
}

export interface DelivererCounters {
  attempts: number;
  delivered: number;
  failed: number;
  dead: number;
}

/**
 * Delivers what the log says is to be delivered, and tells the log what became of it. It keeps nothing that cannot be made again: after a
 * restart, or on the next leader, everything that is not settled is delivered (again), under the same event id. Events of one job go one
 * after the other; a failing one holds up its job only, a dead endpoint its webhook only.
 */
export class WebhookDeliverer {
  readonly counters: DelivererCounters = { attempts: 0, delivered: 0, failed: 0, dead: 0 };
  private readonly hooks = new Map<number, HookState>();
  private version = -1;
  private seenSerial = 0;
  private inAll = 0;
  private outcomes: WebhookOutcomeInit[] = [];
  private settling: NodeJS.Timeout | undefined;
  private planned = false;
  private stopped = false;

  constructor(private readonly o: DelivererOptions) {}

  /** Something was applied: look whether there is anything new, once for all of this turn. */
  look(): void {
    if (this.planned || this.stopped || !this.mayHaveWork()) return;
    this.planned = true;
    setImmediate(() => {
      this.planned = false;
      this.work();
    });
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.settling);
    this.forgetAll();
  }

  /** On a node that does not lead: another one delivers, and whoever leads next reads everything anew. */
  private forgetAll(): void {
    for (const state of this.hooks.values()) this.forget(state);
    this.hooks.clear();
    this.version = -1;
    this.seenSerial = 0;
  }

  private mayHaveWork(): boolean {
    return this.version !== this.o.engine.webhooksVersion || this.o.engine.lastDeliverySerial > this.seenSerial || this.hooks.size > 0;
  }

  private work(): void {
    if (this.stopped) return;
    if (!this.o.serving()) return this.forgetAll();
    this.readHooks();
    if (this.hooks.size === 0) return;
    const { engine } = this.o;
    if (engine.lastDeliverySerial > this.seenSerial) {
      for (const { serial, webhook, jobSeq, attempts } of engine.webhookPending(this.seenSerial)) {
        this.seenSerial = serial;
        const state = this.hooks.get(webhook);
        if (state !== undefined) this.putInLine(state, jobSeq, serial, attempts);
      }
      this.seenSerial = Math.max(this.seenSerial, engine.lastDeliverySerial);
    }
    for (const state of this.hooks.values()) this.start(state);
  }

  private readHooks(): void {
    const { engine } = this.o;
    if (this.version === engine.webhooksVersion) return;
    this.version = engine.webhooksVersion;
    const there = new Set<number>();
    for (const hook of engine.webhooks()) {
      there.add(hook.serial);
      const known = this.hooks.get(hook.serial);
      if (known === undefined) this.hooks.set(hook.serial, { hook, lines: new Map(), ready: [], onTheWay: 0 });
      else known.hook = hook;
    }
    for (const [serial, state] of this.hooks) {
      if (there.has(serial)) continue;
      this.forget(state);
      this.hooks.delete(serial);
    }
  }

  private forget(state: HookState): void {
    for (const line of state.lines.values()) clearTimeout(line.timer);
    state.lines.clear();
    state.ready = [];
  }

  private putInLine(state: HookState, jobSeq: number, serial: number, attempts: number): void {
    let line = state.lines.get(jobSeq);
    if (line === undefined) state.lines.set(jobSeq, (line = { jobSeq, events: [], busy: false, timer: undefined }));
    line.events.push({ serial, attempts });
    if (line.events.length === 1 && !line.busy) state.ready.push(line);
  }

  private start(state: HookState): void {
    while (state.onTheWay < perHookMax && this.inAll < inAllMax && state.ready.length > 0 && !this.stopped) {
      const line = state.ready.shift()!;
      line.busy = true;
      state.onTheWay++;
      this.inAll++;
      void this.attempt(state, line).finally(() => {
        state.onTheWay--;
        this.inAll--;
        if (this.stopped) return;
        this.start(state);
        // Room in all may be what another webhook waits for.
        if (this.inAll === inAllMax - 1) for (const other of this.hooks.values()) this.start(other);
      });
    }
  }

  private async attempt(state: HookState, line: Line): Promise<void> {
    const first = line.events[0];
    const { engine, nowMs } = this.o;
    const event = engine.webhookDelivery(first.serial);
    const { hook } = state;
    if (event === undefined || event.dead) return this.next(state, line);
    // A disabled webhook keeps what it has to deliver; a test is sent all the same.
    if (!hook.enabled && event.type !== "webhook_test") return this.again(state, line, 5000);
    const body = bodyOf(hook, event, nowMs());
    this.counters.attempts++;
    let result: PostResult;
    try {
      result = await this.o.post(hook.url, headersOf(hook, event, body, nowMs()), body);
    } catch (cause) {
      result = { status: 0, error: (cause as Error).message };
    }
    if (this.stopped || !this.hooks.has(hook.serial)) return;
    first.attempts++;
    const error = result.error.slice(0, 500);
    const dead = error !== "" && first.attempts >= state.hook.retryLimit;
    this.settle({ delivery: first.serial, attempts: first.attempts, statusCode: result.status, error, dead, atMs: nowMs() });
    if (error === "") this.counters.delivered++;
    else {
      this.counters.failed++;
      if (!dead) return this.again(state, line, backoffMs(first.attempts, this.o.random()));
      this.counters.dead++;
      this.o.log.warn("an event could not be delivered and is a dead letter now", { webhook_id: hook.id, event_id: event.eventId, error });
    }
    this.next(state, line);
  }

  /** The first event of the line is through. */
  private next(state: HookState, line: Line): void {
    line.events.shift();
    line.busy = false;
    if (line.events.length > 0) state.ready.push(line);
    else state.lines.delete(line.jobSeq);
  }

  private again(state: HookState, line: Line, waitMs: number): void {
    line.timer = setTimeout(() => {
      line.timer = undefined;
      line.busy = false;
      state.ready.push(line);
      this.start(state);
    }, waitMs);
  }

  private settle(outcome: WebhookOutcomeInit): void {
    this.outcomes.push(outcome);
    if (this.outcomes.length >= settleMax) this.propose();
    else this.settling ??= setTimeout(() => this.propose(), settleMs);
  }

  private propose(): void {
    clearTimeout(this.settling);
    this.settling = undefined;
    const outcomes = this.outcomes;
    this.outcomes = [];
    if (outcomes.length === 0 || !this.o.serving()) return;
    const w = new Writer(1024);
    encodeWebhookDeliveredCommand(w, { outcomes });
    this.o.propose(w.copy());
  }
}

/** After the n-th failure: n² × 200 ms (spec/rest.md §10), a quarter more or less so that many do not come at once. */
export function backoffMs(attempts: number, random: number): number {
  return Math.min(backoffMsMax, attempts * attempts * 200) * (0.75 + random / 2);
}
