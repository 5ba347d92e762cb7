import { isSlot } from "./calendar.js";
import type { Entry } from "./model/command.js";
import type { SeenEvent } from "./subject.js";

/**
 * J14 from commands and events alone: a slot has one job at most, none comes early, they come in their order, and each is a time that an
 * expression of its schedule means. It knows neither engine nor model.
 */
export class ScheduleCheck {
  /** The newest event that was looked at. */
  seq = 0;
  /** By the schedule's id. */
  readonly #lastSlots = new Map<string, number>();
  /** Expressions that a schedule of this name ever had. */
  readonly #expressions = new Map<string, Set<string>>();

  /** What schedules did since the last look: jobs that they added, and those that gave way. */
  look(events: readonly SeenEvent[], { commands }: Entry): { added: string[]; cancelled: string[] } {
    for (const command of commands) {
      if (command.verb !== "putSchedule") continue;
      const known = this.#expressions.get(command.name) ?? new Set();
      this.#expressions.set(command.name, known.add(command.cron));
    }
    this.seq = events.at(-1)?.seq ?? this.seq;
    const added = events.filter(({ type }) => type === "schedule_fired");
    for (const event of added) this.#fired(event);
    const cancelled = events.filter(({ type, reason }) => type === "cancelled" && reason.includes("schedule"));
    return { added: added.map(({ jobId }) => jobId), cancelled: cancelled.map(({ jobId }) => jobId) };
  }

  #fired({ jobId, atMs, data }: SeenEvent): void {
    const { schedule, schedule_id: id, slot_ms: slotMs, by_hand: byHand } = JSON.parse(data) as Fired;
    if (byHand) return;
    const last = this.#lastSlots.get(id) ?? 0;
    assert(slotMs > last, `J14: ${schedule} had a job for its slot ${slotMs} after one for ${last}`);
    assert(slotMs <= atMs, `J14: the slot ${slotMs} of ${schedule} had its job at ${atMs}`);
    this.#lastSlots.set(id, slotMs);
    const known = [...(this.#expressions.get(schedule) ?? [])];
    const meant = known.some((cron) => cron.startsWith("@every") || isSlot(cron, slotMs));
    assert(meant, `J14: ${jobId} was added for ${slotMs}, which is no slot of ${schedule} (${known})`);
  }
}

/** What the event says. */
interface Fired {
  schedule: string;
  schedule_id: string;
  slot_ms: number;
  by_hand?: boolean;
}

function assert(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}
