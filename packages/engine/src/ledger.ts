import { usageRowsMax } from "./limits.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import type { UsageReport } from "./usage-report.js";

/**
 * The usage ledger: sums per minute, queue, model and provider. Minutes become hours after 25 hours (so that every UTC day can still be
 * summed exactly while it runs), hours become days after 35 days, days stay. It knows nothing of jobs, so it outlives them.
 */
export const Grain = { minute: 1, hour: 2, day: 3, /** All acks of a queue ever: for its average. */ ever: 4 } as const;

export const grainMs = [0, 60_000, 3_600_000, 86_400_000, 0];
const keptMs = [0, 25 * 3_600_000, 35 * 86_400_000, 0, 0];
export const dayMs = grainMs[Grain.day];

/** Numbers of a row. */
export const UsageNumber = { startMs: 0, input: 1, output: 2, cacheCreation: 3, cacheRead: 4, cost: 5, count: 6 } as const;

/** grain, start, then queue, model and provider, each with its length before it. */
const key = new Uint8Array(9 + 3 * 256);
const view = new DataView(key.buffer);
const nothing = new Uint8Array(0);
const decoder = new TextDecoder();

function keyOf(grain: number, startMs: number): number {
  key[0] = grain;
  view.setFloat64(1, startMs);
  return 9;
}

function name(at: number, buf: Uint8Array, start: number, end: number): number {
  key[at] = end - start;
  for (let i = start; i < end; i++) key[at + 1 + i - start] = buf[i];
  return at + 1 + end - start;
}

/** Enters a report on a job of this queue. */
export function enterUsage(s: State, queue: Uint8Array, u: UsageReport, byAck: boolean): void {
  const startMs = Math.floor(s.logTimeMs / grainMs[Grain.minute]) * grainMs[Grain.minute];
  let at = name(keyOf(Grain.minute, startMs), queue, 0, queue.length);
  at = name(name(at, u.buf, u.modelStart, u.modelEnd), u.buf, u.providerStart, u.providerEnd);
  add(s, rowFor(s, Grain.minute, startMs, at), u.inputTokens, u.outputTokens, u.cacheCreationTokens, u.cacheReadTokens, u.costNanos, 1);
  if (!byAck) return;
  at = name(keyOf(Grain.ever, 0), queue, 0, queue.length);
  const known = s.entities.find(EntityKind.usage, key, 0, at);
  if (known === -1 && s.entities.count(EntityKind.usage) >= usageRowsMax) return;
  const ever = known === -1 ? s.entities.add(EntityKind.usage, key, 0, at, nothing, 0, 0) : known;
  s.entities.setNum(ever, UsageNumber.cost, s.entities.num(ever, UsageNumber.cost) + u.costNanos);
  s.entities.setNum(ever, UsageNumber.count, s.entities.num(ever, UsageNumber.count) + 1);
}

/** The row of the key that was made; when there are too many, one for all that have no row of their own. */
function rowFor(s: State, grain: number, startMs: number, keyBytes: number): number {
  const { entities } = s;
  let end = keyBytes;
  let row = entities.find(EntityKind.usage, key, 0, end);
  if (row !== -1) return row;
  if (entities.count(EntityKind.usage) >= usageRowsMax) {
    end = name(name(name(keyOf(grain, startMs), nothing, 0, 0), nothing, 0, 0), nothing, 0, 0);
    row = entities.find(EntityKind.usage, key, 0, end);
    if (row !== -1) return row;
  }
  row = entities.add(EntityKind.usage, key, 0, end, nothing, 0, 0);
  entities.setNum(row, UsageNumber.startMs, startMs);
  if (keptMs[grain] > 0) entities.setDue(row, startMs + grainMs[grain] + keptMs[grain]);
  return row;
}

function add(s: State, row: number, input: number, output: number, creation: number, read: number, cost: number, count: number): void {
  const { entities: e } = s;
  if (input !== 0) e.setNum(row, UsageNumber.input, e.num(row, UsageNumber.input) + input);
  if (output !== 0) e.setNum(row, UsageNumber.output, e.num(row, UsageNumber.output) + output);
  if (creation !== 0) e.setNum(row, UsageNumber.cacheCreation, e.num(row, UsageNumber.cacheCreation) + creation);
  if (read !== 0) e.setNum(row, UsageNumber.cacheRead, e.num(row, UsageNumber.cacheRead) + read);
  if (cost !== 0) e.setNum(row, UsageNumber.cost, e.num(row, UsageNumber.cost) + cost);
  e.setNum(row, UsageNumber.count, e.num(row, UsageNumber.count) + count);
}

/** A row has become old: its sums go into the row of the next coarser grain. */
export function usageDue(s: State, row: number): void {
  const { entities: e } = s;
  s.usageFolds++;
  const old = e.keyOf(row);
  const grain = old[0] + 1;
  const startMs = Math.floor(e.num(row, UsageNumber.startMs) / grainMs[grain]) * grainMs[grain];
  key.set(old);
  keyOf(grain, startMs);
  const sums = [UsageNumber.input, UsageNumber.output, UsageNumber.cacheCreation, UsageNumber.cacheRead, UsageNumber.cost, UsageNumber.count].map((i) =>
    e.num(row, i),
  );
  e.remove(row);
  add(s, rowFor(s, grain, startMs, old.length), sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]);
}

/** What was spent in the UTC day of this log time, in billionths of a dollar: by a queue, by some, or by all. */
export function spentToday(s: State, queue: Uint8Array | undefined, ofQueue?: (queue: string) => boolean): number {
  const { entities: e } = s;
  const fromMs = Math.floor(s.logTimeMs / dayMs) * dayMs;
  let sum = 0;
  // Minutes are entered in their order: the first one of yesterday ends the walk.
  for (let row = e.last(EntityKind.usage); row !== -1; row = e.preceding(row)) {
    const bytes = e.keyOf(row);
    if (bytes[0] !== Grain.minute) continue;
    if (e.num(row, UsageNumber.startMs) < fromMs) break;
    if (queue !== undefined && !sameName(bytes, queue)) continue;
    if (ofQueue === undefined || ofQueue(decoder.decode(bytes.subarray(10, 10 + bytes[9])))) sum += e.num(row, UsageNumber.cost);
  }
  return sum;
}

function sameName(keyBytes: Uint8Array, queue: Uint8Array): boolean {
  if (keyBytes[9] !== queue.length) return false;
  for (let i = 0; i < queue.length; i++) if (keyBytes[10 + i] !== queue[i]) return false;
  return true;
}

/** What the acks of a queue cost on average, in billionths of a dollar; 0: there were none. */
export function averageCost(s: State, queue: Uint8Array): number {
  const at = name(keyOf(Grain.ever, 0), queue, 0, queue.length);
  const row = s.entities.find(EntityKind.usage, key, 0, at);
  return row === -1 ? 0 : s.entities.num(row, UsageNumber.cost) / s.entities.num(row, UsageNumber.count);
}

/** Sums of one combination of names. */
export interface UsageRecord {
  startMs: number;
  queue: string;
  model: string;
  provider: string;
  inputTokens: number;
  outputTokens: number;
  cacheCreationTokens: number;
  cacheReadTokens: number;
  costNanos: number;
  count: number;
}

/** What was used from the minute, hour or day on in which this time lies. */
export function usageSince(s: State, fromMs: number): UsageRecord[] {
  const { entities: e } = s;
  const records: UsageRecord[] = [];
  for (let row = e.first(EntityKind.usage); row !== -1; row = e.following(row)) {
    const startMs = e.num(row, UsageNumber.startMs);
    const grain = s.arena.memory(e.keyAddress(row))[s.arena.start(e.keyAddress(row))];
    if (grain === Grain.ever || startMs + grainMs[grain] <= fromMs) continue;
    const bytes = e.keyOf(row);
    let at = 9;
    const text = (): string => {
      const from = at + 1;
      at = from + bytes[at];
      return decoder.decode(bytes.subarray(from, at));
    };
    const [queue, model, provider] = [text(), text(), text()];
    records.push({
      ...{ startMs, queue, model, provider },
      inputTokens: e.num(row, UsageNumber.input),
      outputTokens: e.num(row, UsageNumber.output),
      cacheCreationTokens: e.num(row, UsageNumber.cacheCreation),
      cacheReadTokens: e.num(row, UsageNumber.cacheRead),
      costNanos: e.num(row, UsageNumber.cost),
      count: e.num(row, UsageNumber.count),
    });
  }
  return records;
}
