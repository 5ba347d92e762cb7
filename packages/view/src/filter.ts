import { jobIdSequences } from "@corvo/protocol";
import { type Condition, jqCondition } from "./jq.js";
import { indexedStateCondition, indexedStates } from "./schema.js";
import { pairSeparator, rarePair } from "./tags.js";

/** What jobs must have in common; undefined and empty: does not count. Times are unix milliseconds, exclusive. */
export interface JobFilter {
  queue?: string;
  queuePrefix?: string;
  /** No others, whatever else is said. */
  onlyQueues?: readonly string[];
  states?: readonly string[];
  priority?: string;
  tags?: readonly (readonly [string, string])[];
  payloadContains?: string;
  payloadJq?: string;
  createdAfter?: number;
  createdBefore?: number;
  scheduledAfter?: number;
  scheduledBefore?: number;
  startedAfter?: number;
  startedBefore?: number;
  completedAfter?: number;
  completedBefore?: number;
  expiresAfter?: number;
  expiresBefore?: number;
  attemptMin?: number;
  attemptMax?: number;
  uniqueKey?: string;
  batch?: string;
  worker?: string;
  parent?: string;
  chain?: string;
  hasErrors?: boolean;
  errorContains?: string;
  idPrefix?: string;
  cause?: string;
}

/** One way into the table: rows that it yields have `condition` and come in the order of `seq`. */
export interface Source {
  /** `jobs` with the index to use. */
  from: string;
  /** The column that holds `seq` in the index's order: SQLite does not see that two columns are equal, and would sort all rows. */
  seq: "j.seq" | "t.seq";
  condition: Condition;
}

/** A filter as it is run. */
export interface Plan {
  /** Rows of each are disjoint; together with `rest` they are the answer. Empty: nothing can match. */
  sources: Source[];
  /** What else must hold. */
  rest: Condition[];
  /** True: sources alone are the answer, and `known` says how many that is. */
  known: number | undefined;
}

/** What is known about a queue in the view. */
export interface QueueFacts {
  serial: number;
  name: string;
  /** Jobs by number of state. */
  counts: readonly number[];
}

const stateNumbers: Record<string, number> = { pending: 1, active: 2, held: 3, completed: 4, retrying: 5, dead: 6, cancelled: 7, scheduled: 8 };
const allStates = [1, 2, 3, 4, 5, 6, 7, 8];
/** Above this many parts a union costs more than it saves. */
const sourcesMax = 64;
/** A tag's rows are read by tag when the queue and state would give more than this. */
const fewRows = 2_000;

/** How to run a filter, given what the view holds. Throws BadCondition. */
export function planFilter(
  filter: JobFilter,
  queues: readonly QueueFacts[],
  seqRange: (createdAfter: number, createdBefore: number) => [number, number],
): Plan {
  const nothing: Plan = { sources: [], rest: [], known: 0 };
  const states = filter.states?.length ? [...new Set(filter.states.map((name) => stateNumbers[name]))].filter((n) => n !== undefined) : allStates;
  if (states.length === 0) return nothing;
  const named = filter.queue || filter.queuePrefix || filter.onlyQueues;
  const only = filter.onlyQueues && new Set(filter.onlyQueues);
  const chosen = named
    ? queues.filter(
        (q) => (!filter.queue || q.name === filter.queue) && (!filter.queuePrefix || q.name.startsWith(filter.queuePrefix)) && (!only || only.has(q.name)),
      )
    : queues;
  if (named && chosen.length === 0) return nothing;
  const rest = conditions(filter);
  if (filter.createdAfter !== undefined || filter.createdBefore !== undefined || filter.idPrefix) {
    const range = createdRange(filter);
    const [low, high] = seqRange(range.after, range.before);
    if (low > high) return nothing;
    rest.unshift({ sql: "j.seq BETWEEN ? AND ?", values: [low, high] });
  }
  const count = chosen.reduce((sum, q) => sum + states.reduce((part, state) => part + q.counts[state], 0), 0);
  const simple = rest.length === 0;
  if (count === 0) return nothing;
  const inScope = scope(named ? chosen : undefined, states);

  for (const [value, column] of [
    [filter.uniqueKey, "unique_key"],
    [filter.batch, "batch"],
    [filter.parent, "parent"],
    [filter.chain, "chain"],
  ] as const) {
    if (value) return { sources: [tagged(rarePair(column, value))], rest: [...inScope, ...rest], known: undefined };
  }
  for (const [value, column, index] of [
    [filter.worker, "worker", "jobs_worker"],
    [filter.cause, "cause", "jobs_cause"],
  ] as const) {
    if (!value) continue;
    return {
      sources: [{ from: `jobs j INDEXED BY ${index}`, seq: "j.seq", condition: { sql: `j.${column} = ?`, values: [value] } }],
      rest: [...inScope, ...rest],
      known: undefined,
    };
  }
  if (filter.tags?.length && count > fewRows) {
    const [[key, value]] = filter.tags;
    return { sources: [tagged(`${key}${pairSeparator}${value}`)], rest: [...inScope, ...rest], known: undefined };
  }
  const known = simple ? count : undefined;
  if (!named && states.length === allStates.length) return { sources: [{ from: "jobs j", seq: "j.seq", condition: always }], rest, known };
  if (!named && states.every((state) => indexedStates.has(state))) {
    const sources = states.map((state) => ({
      from: "jobs j INDEXED BY jobs_state",
      seq: "j.seq" as const,
      condition: { sql: `j.state = ${state} AND ${indexedStateCondition("j.state")}`, values: [] },
    }));
    return { sources, rest, known };
  }
  const parts: Source[] = [];
  for (const queue of chosen) {
    for (const state of states) {
      if (queue.counts[state] === 0) continue;
      parts.push({
        from: "jobs j INDEXED BY jobs_queue",
        seq: "j.seq",
        condition: { sql: `j.queue = ? AND j.state = ${state}`, values: [queue.serial] },
      });
    }
  }
  if (parts.length <= sourcesMax) return { sources: parts, rest, known };
  return { sources: [{ from: "jobs j", seq: "j.seq", condition: always }], rest: [...inScope, ...rest], known };
}

function tagged(pair: string): Source {
  return { from: "tags t CROSS JOIN jobs j ON j.seq = t.seq", seq: "t.seq", condition: { sql: "t.pair = ?", values: [pair] } };
}

const always: Condition = { sql: "1", values: [] };

function scope(chosen: readonly QueueFacts[] | undefined, states: readonly number[]): Condition[] {
  const found: Condition[] = [];
  if (chosen !== undefined) found.push({ sql: `j.queue IN (${chosen.map((q) => String(Math.trunc(q.serial))).join(", ")})`, values: [] });
  if (states.length < allStates.length) found.push({ sql: `j.state IN (${states.join(", ")})`, values: [] });
  return found;
}

function conditions(f: JobFilter): Condition[] {
  const found: Condition[] = [];
  const add = (sql: string, ...values: (string | number)[]): void => void found.push({ sql, values });
  if (f.priority) add("j.priority = ?", f.priority === "critical" ? 0 : f.priority === "high" ? 1 : 2);
  for (const [value, sql] of [
    [f.scheduledAfter, "j.scheduled > ?"],
    [f.scheduledBefore, "j.scheduled < ?"],
    [f.startedAfter, "j.started > ?"],
    [f.startedBefore, "j.started < ?"],
    [f.completedAfter, "j.completed > ?"],
    [f.completedBefore, "j.completed < ?"],
    [f.expiresAfter, "j.expires > ?"],
    [f.expiresBefore, "j.expires < ?"],
    [f.attemptMin, "j.attempt >= ?"],
    [f.attemptMax, "j.attempt <= ?"],
  ] as const) {
    if (value !== undefined) add(sql, value);
  }
  for (const [value, column] of [
    [f.uniqueKey, "unique_key"],
    [f.batch, "batch"],
    [f.worker, "worker"],
    [f.parent, "parent"],
    [f.chain, "chain"],
    [f.cause, "cause"],
  ] as const) {
    if (value) add(`j.${column} = ?`, value);
  }
  for (const [key, value] of f.tags ?? []) add("EXISTS (SELECT 1 FROM tags x WHERE x.pair = ? AND x.seq = j.seq)", `${key}${pairSeparator}${value}`);
  if (f.hasErrors) add("j.errors IS NOT NULL");
  if (f.errorContains) add("j.errors LIKE '%' || ? || '%'", f.errorContains);
  if (f.idPrefix) add(`substr(${idSql}, 1, ?) = ?`, f.idPrefix.length, f.idPrefix);
  if (f.payloadContains) add("j.payload LIKE '%' || ? || '%'", f.payloadContains);
  if (f.payloadJq) found.push(jqCondition(f.payloadJq));
  return found;
}

/** The job's id as text. */
export const idSql = `printf('job_%016x%010x', j.created * 1000000, j.seq % ${jobIdSequences})`;

/** Creation times that can match, exclusive on both sides. */
function createdRange(f: JobFilter): { after: number; before: number } {
  let after = f.createdAfter ?? -1;
  let before = f.createdBefore ?? Number.MAX_SAFE_INTEGER;
  const hex = /^job_([0-9a-f]{1,16})/.exec(f.idPrefix ?? "");
  if (hex) {
    const low = BigInt(`0x${hex[1].padEnd(16, "0")}`) / 1_000_000n;
    const high = BigInt(`0x${hex[1].padEnd(16, "f")}`) / 1_000_000n;
    after = Math.max(after, Number(low) - 1);
    before = Math.min(before, Number(high) + 1);
  }
  return { after, before };
}
