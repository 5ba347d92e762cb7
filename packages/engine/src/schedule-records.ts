import { formatJobId } from "@corvo/protocol";
import { textOf } from "./command.js";
import { contentOf, Flag, Int, Num, scheduleId } from "./schedule.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

/** A schedule that wants slots. */
export interface AskingSchedule {
  serial: number;
  revision: number;
  cron: string;
  /** Empty: UTC. */
  timezone: string;
  /** Wanted are slots behind this moment. */
  afterMs: number;
  /** Slots have passed: those up to now are wanted too. */
  late: boolean;
}

export interface ScheduleRecord {
  serial: number;
  id: string;
  name: string;
  /** The PutScheduleRequest. */
  content: Uint8Array;
  paused: boolean;
  createdMs: number;
  updatedMs: number;
  /** With jitter; 0: none, or not known yet. */
  nextMs: number;
  /** Slots behind this moment are to come. */
  settledMs: number;
  lastSlotMs: number;
  /** Empty: none yet. */
  lastJobId: string;
  runs: number;
  skipped: number;
  missed: number;
  bufferedMs: number;
}

export function askingSchedules(s: State, max: number, without: ReadonlySet<number>): AskingSchedule[] {
  const { entities: e } = s;
  const found: AskingSchedule[] = [];
  for (const serial of s.asking) {
    if (found.length >= max) break;
    if (without.has(serial)) continue;
    const row = e.bySerial(serial);
    const r = contentOf(s, row);
    found.push({
      serial,
      revision: e.int4(row, Int.revision),
      cron: textOf(r.buf, r.cronStart, r.cronEnd),
      timezone: textOf(r.buf, r.timezoneStart, r.timezoneEnd),
      afterMs: e.num(row, Num.settledMs),
      late: (e.flag(row) & Flag.late) !== 0,
    });
  }
  return found;
}

export function scheduleNamed(s: State, name: string): ScheduleRecord | undefined {
  const bytes = new TextEncoder().encode(name);
  const row = s.entities.find(EntityKind.schedule, bytes, 0, bytes.length);
  return row === -1 ? undefined : recordOf(s, row);
}

export function scheduleRecords(s: State, afterSerial: number, max: number, ofName?: (name: string) => boolean): ScheduleRecord[] {
  const { entities: e } = s;
  const found: ScheduleRecord[] = [];
  const known = afterSerial === 0 ? -1 : e.bySerial(afterSerial);
  let row = known === -1 ? e.first(EntityKind.schedule) : e.following(known);
  for (; row !== -1 && found.length < max; row = e.following(row)) {
    if (e.serial(row) <= afterSerial || (ofName !== undefined && !ofName(new TextDecoder().decode(e.keyOf(row))))) continue;
    found.push(recordOf(s, row));
  }
  return found;
}

function recordOf(s: State, row: number): ScheduleRecord {
  const { entities: e } = s;
  const seq = e.num(row, Num.lastSeq);
  return {
    serial: e.serial(row),
    id: scheduleId(s, row),
    name: new TextDecoder().decode(e.keyOf(row)),
    content: e.textOf(row),
    paused: (e.flag(row) & Flag.paused) !== 0,
    createdMs: e.num(row, Num.createdMs),
    updatedMs: e.num(row, Num.updatedMs),
    nextMs: e.num(row, Num.nextMs) === 0 ? 0 : e.dueMs(row),
    settledMs: e.num(row, Num.settledMs),
    lastSlotMs: e.num(row, Num.lastSlotMs),
    lastJobId: seq === 0 ? "" : formatJobId(e.num(row, Num.lastCreatedMs), seq),
    runs: e.int4(row, Int.runs),
    skipped: e.int4(row, Int.skipped),
    missed: e.int4(row, Int.missed),
    bufferedMs: e.num(row, Num.bufferedMs),
  };
}
