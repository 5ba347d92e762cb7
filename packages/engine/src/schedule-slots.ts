import { ScheduleSlotReader, ScheduleSlotsCommandReader, ScheduleSlotsReader } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import type { Command } from "./command.js";
import { arm, ask, catchUp, catchUpMax, contentOf, Flag, fireBuffered, Int, missedCountedMax, Num } from "./schedule.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

const reader = new ScheduleSlotsCommandReader();
const slots = new ScheduleSlotsReader();
const slot = new ScheduleSlotReader();

/**
 * The leader tells schedules their slots. Each is for the schedule as it was when it asked: one that was changed, paused, or told
 * meanwhile does not listen, so that no slot comes twice.
 */
export function scheduleSlots(s: State, c: Command): void {
  const r = reader.read(c.buf, c.start, c.end);
  for (let i = 0; i < r.slotsCount; i++) tell(s, slots.read(r.buf, r.slotsStart[i], r.slotsEnd[i]));
}

function tell(s: State, r: ScheduleSlotsReader): void {
  const { entities: e } = s;
  const row = e.bySerial(r.serial);
  if (row === -1 || e.kind(row) !== EntityKind.schedule) return;
  const settled = e.num(row, Num.settledMs);
  if ((e.flag(row) & Flag.asks) === 0 || e.int4(row, Int.revision) !== r.revision || settled !== r.afterMs) return;
  const content = contentOf(s, row);
  const late = (e.flag(row) & Flag.late) !== 0;
  ask(s, row, 0);
  const until = Math.min(Math.max(r.untilMs, settled), s.logTimeMs);
  // Entries of an old level let a later slot go first.
  if (s.level >= 2 && fireBuffered(s, row, content)) e.setDue(row, 0);
  if (until > settled) e.setNum(row, Num.settledMs, until);
  if (late) {
    // Only what lies in the gap counts, each once: whatever the leader says.
    const passed: number[] = [];
    for (let i = 0, last = settled; i < r.pastCount; i++) {
      const { atMs } = slot.read(r.buf, r.pastStart[i], r.pastEnd[i]);
      if (atMs > last && atMs <= until) passed.push((last = atMs));
    }
    const kept = Math.min(passed.length, catchUpMax);
    const from = passed.length - kept;
    catchUp(s, row, content, kept, Math.min(Math.max(r.pastTotal, kept), missedCountedMax), (i) => passed[from + i]);
  }
  const next = r.nextMs > e.num(row, Num.settledMs) ? r.nextMs : 0;
  e.setNum(row, Num.nextMs, next);
  if (next === 0) return; // there is none: it rests until it is changed
  arm(s, row, content);
}
