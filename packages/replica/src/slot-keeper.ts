import type { AskingSchedule, Engine } from "@corvo/engine";
import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeScheduleSlotsCommand } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import { type Clock, Verb } from "@corvo/protocol";
import { ownCommand } from "./own-commands.js";
import type { CommandInput, Reply } from "./turn.js";

/** Knows what cron expressions and time zones mean. Given in, so that apply needs no time zone data. */
export interface Calendar {
  /** The first slot behind this moment, unix milliseconds; 0: there is none, or the expression means nothing. */
  next(cron: string, timezone: string, afterMs: number): number;
  /** The newest `max` slots behind `afterMs` and not behind `untilMs`, rising. */
  past(cron: string, timezone: string, afterMs: number, untilMs: number, max: number): number[];
}

/** Passed slots that are told: the engine makes up for no more. And those that are counted. */
const pastMax = 100;
const countedMax = 200;
/** Schedules that are told in one command, and the time that finding their slots may take before others get their turn. */
const batchMax = 256;
const sliceMs = 5;

/** Tells schedules their slots, on the node that leads. A lost command is no harm: who leads next is asked again. */
export class SlotKeeper {
  private readonly told = new Set<number>();
  private waiting = false;

  constructor(
    private readonly engine: Engine,
    private readonly calendar: Calendar,
    private readonly clock: Clock,
    private readonly propose: (command: CommandInput, reply: Reply) => void,
  ) {}

  /** This node begins to lead: what was told before may be lost. */
  start(): void {
    this.told.clear();
    this.waiting = false;
    this.look();
  }

  /** To be called after entries were applied; cheap when nobody asks. */
  look(): void {
    if (this.waiting || !this.engine.asksForSlots) return;
    const asking = this.engine.askingSchedules(batchMax, this.told);
    if (asking.length === 0) return;
    const untilMs = Math.max(this.clock.nowMs(), this.engine.logTimeMs);
    const endMs = this.clock.monotonicMs() + sliceMs;
    const slots: ReturnType<SlotKeeper["slotsOf"]>[] = [];
    for (const one of asking) {
      if (slots.length > 0 && this.clock.monotonicMs() >= endMs) break;
      slots.push(this.slotsOf(one, untilMs));
    }
    for (const { serial } of slots) this.told.add(serial);
    const done = (): void => {
      for (const { serial } of slots) this.told.delete(serial);
    };
    const w = new Writer(slots.length * 40 + 64);
    encodeScheduleSlotsCommand(w, { slots });
    this.propose(ownCommand(Verb.SCHEDULE_SLOTS, w.copy()), { answer: done, refused: done });
    if (slots.length === asking.length && asking.length < batchMax) return;
    this.waiting = true;
    this.clock.after(0, () => {
      this.waiting = false;
      this.look();
    });
  }

  private slotsOf({ serial, revision, cron, timezone, afterMs, late }: AskingSchedule, nowMs: number) {
    const untilMs = late ? Math.max(nowMs, afterMs) : afterMs;
    const passed = late ? this.calendar.past(cron, timezone, afterMs, untilMs, countedMax) : [];
    const nextMs = this.calendar.next(cron, timezone, untilMs);
    return { serial, revision, afterMs, past: passed.slice(-pastMax).map((atMs) => ({ atMs })), pastTotal: passed.length, untilMs, nextMs };
  }
}
