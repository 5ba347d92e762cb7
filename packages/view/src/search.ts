import { create, toBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { JobState } from "@corvo/gen/corvo/v1/job_pb.js";
import { SearchFulltextResponseSchema, SearchJobsResponseSchema } from "@corvo/gen/corvo/v1/search_pb.js";
import { formatJobId } from "@corvo/protocol";
import { type JobFilter, type Plan, planFilter, type QueueFacts } from "./filter.js";
import { findText, type Row, shown } from "./fulltext.js";
import type { Condition } from "./jq.js";
import { type Db, fact } from "./schema.js";

/** A page that is wanted. */
export interface PageWish {
  filter: JobFilter;
  sort: string;
  order: string;
  limit: number;
  cursor: string;
}

/** The query was ended because its time was over. */
export class TooSlow extends Error {}

/** Matching jobs as they were when they were looked for. */
export interface Selection {
  index: number;
  /** By age. */
  seqs: Float64Array;
  created: Float64Array;
  /** `queue\u0000state` to how many of them. */
  groups: [queue: string, state: number, count: number][];
  /** There are more: only the first were taken. */
  cut: boolean;
}

/** Sorting by creation is sorting by sequence. */
const sorts: Record<string, string> = {
  priority: "j.priority",
  started_at: "ifnull(j.started, -1)",
  completed_at: "ifnull(j.completed, -1)",
  attempt: "j.attempt",
};
/** Counting stops after this many rows or milliseconds: a number is worth less than an answer. */
const countedMax = 100_000;
const countMs = 15;

/** Answers searches from one file, one at a time. Every row that a query looks at asks whether there is time left. */
export class Searcher {
  private untilMs = 0;
  private ticks = 0;
  private names = new Map<number, string>();

  constructor(
    private readonly db: Db,
    private readonly nowMs: () => number,
  ) {
    db.function("in_time", { deterministic: false, directOnly: true }, () => {
      if ((++this.ticks & 127) === 0) this.look();
      return 1;
    });
  }

  /** One page as a SearchJobsResponse. */
  page(wish: PageWish, deadlineMs: number): Uint8Array {
    const startMs = this.nowMs();
    return this.reading(deadlineMs, (index) => {
      const limit = wish.limit >= 1 && wish.limit <= 1000 ? wish.limit : 50;
      const sort = sorts[wish.sort] ?? "j.seq";
      const order = wish.order === "asc" ? "ASC" : "DESC";
      const cursor = readCursor(wish.cursor, sort, order);
      const plan = this.plan(wish.filter);
      const rows = plan.sources.length === 0 ? [] : this.rows(plan, sort, order, cursor, limit + 1);
      const more = rows.length > limit;
      if (more) rows.length = limit;
      const total = this.total(plan, rows.length, more, cursor !== undefined);
      const last = rows[rows.length - 1];
      return toBinary(
        SearchJobsResponseSchema,
        create(SearchJobsResponseSchema, {
          jobs: rows.map((row) => this.summary(row)),
          total: BigInt(total.count),
          totalAtLeast: total.atLeast,
          hasMore: more,
          cursor: more ? writeCursor(sort, order, sort === "j.seq" ? last.seq : (last.key ?? 0), last.seq) : "",
          durationMs: BigInt(Math.round(this.nowMs() - startMs)),
          logIndex: BigInt(index),
        }),
      );
    });
  }

  /** All that match, oldest first, up to `max`. */
  select(filter: JobFilter, max: number, deadlineMs: number): Selection {
    return this.reading(deadlineMs, (index) => {
      const plan = this.plan(filter);
      const rows: [seq: number, created: number, queue: number, state: number][] = [];
      for (const source of plan.sources) {
        const [sql, values] = select("j.seq, j.created, j.queue, j.state", source, plan.rest, "");
        const found = this.db
          .prepare(`${sql} LIMIT ?`)
          .raw()
          .all(...values, max + 1 - rows.length) as typeof rows;
        for (const row of found) rows.push(row);
        if (rows.length > max) break;
      }
      const cut = rows.length > max;
      if (cut) rows.length = max;
      if (rows.some((row, i) => i > 0 && row[0] < rows[i - 1][0])) rows.sort((a, b) => a[0] - b[0]);
      const groups = new Map<number, [string, number, number]>();
      for (const [, , queue, state] of rows) {
        const group = groups.get(queue * 16 + state);
        if (group) group[2]++;
        else groups.set(queue * 16 + state, [this.names.get(queue) ?? "", state, 1]);
      }
      return {
        index,
        seqs: Float64Array.from(rows, (row) => row[0]),
        created: Float64Array.from(rows, (row) => row[1]),
        groups: [...groups.values()].sort((a, b) => b[2] - a[2]),
        cut,
      };
    });
  }

  /** Jobs with these words, or with this text, as a SearchFulltextResponse; of these queues alone, if they are said. */
  fulltext(q: string, limit: number, onlyQueues: readonly string[] | undefined, deadlineMs: number): Uint8Array {
    return this.reading(deadlineMs, (index) => {
      const queues = this.loadQueues().filter((queue) => onlyQueues === undefined || onlyQueues.includes(queue.name));
      const named = queues.filter((queue) => queue.name.toLowerCase().includes(q.toLowerCase()));
      const rows = findText(this.db, {
        q,
        limit,
        scope: onlyQueues && queues.map((queue) => queue.serial),
        named: named.map((queue) => queue.serial),
        ofNamed: (upTo, max) => {
          const plan = planFilter({ onlyQueues: named.map((queue) => queue.name) }, named, () => [1, 0]);
          return this.rows(plan, "j.seq", "DESC", { key: 0, seq: upTo + 1, offset: undefined }, max);
        },
        look: () => this.look(),
      });
      return toBinary(
        SearchFulltextResponseSchema,
        create(SearchFulltextResponseSchema, {
          q,
          logIndex: BigInt(index),
          results: rows.map((row) => ({
            id: formatJobId(row.created, row.seq),
            queue: this.names.get(row.queue) ?? "",
            state: row.state as JobState,
            payload: row.payload,
            tags: row.tags ?? "",
            createdAt: timestamp(row.created),
          })),
        }),
      );
    });
  }

  private look(): void {
    if (this.nowMs() > this.untilMs) throw new TooSlow("the search took too long");
  }

  /** One transaction: what is read belongs to the index that is read in it. */
  private reading<T>(deadlineMs: number, run: (index: number) => T): T {
    this.untilMs = deadlineMs;
    this.db.exec("BEGIN");
    try {
      return run(fact(this.db, "index"));
    } finally {
      this.db.exec("COMMIT");
    }
  }

  private loadQueues(): QueueFacts[] {
    const queues = (this.db.prepare("SELECT * FROM queues").raw().all() as [number, string, ...number[]][]).map(([serial, name, ...counts]) => ({
      serial,
      name,
      counts: [0, ...counts],
    }));
    this.names = new Map(queues.map((queue) => [queue.serial, queue.name]));
    return queues;
  }

  private plan(filter: JobFilter): Plan {
    return planFilter(filter, this.loadQueues(), (after, before) => [this.firstLater(after), this.firstLater(before - 1) - 1]);
  }

  /** Sequence of the first job that was created later than this; creation times never fall. */
  private firstLater(ms: number): number {
    const edge = this.db.prepare("SELECT min(seq) AS low, max(seq) AS high FROM jobs").get() as { low: number | null; high: number | null };
    if (edge.low === null || edge.high === null) return 1;
    const at = this.db.prepare("SELECT seq, created FROM jobs WHERE seq >= ? ORDER BY seq LIMIT 1");
    let low = edge.low;
    let high = edge.high + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = at.get(middle) as { seq: number; created: number } | undefined;
      if (row === undefined || row.created > ms) high = middle;
      else low = row.seq + 1;
    }
    return low;
  }

  private rows(plan: Plan, sort: string, order: string, cursor: Cursor | undefined, limit: number): Row[] {
    const rest = [...plan.rest];
    const after = cursor !== undefined && cursor.offset === undefined && sort === "j.seq" ? cursor.seq : undefined;
    const beyond = order === "ASC" ? ">" : "<";
    if (cursor !== undefined && cursor.offset === undefined && sort !== "j.seq") {
      rest.unshift({ sql: `(${sort}, j.seq) ${beyond} (?, ?)`, values: [cursor.key, cursor.seq] });
    }
    const offset = cursor?.offset ?? 0;
    const key = sort === "j.seq" ? "" : `, ${sort} AS key`;
    const found: Row[] = [];
    for (const source of plan.sources) {
      const onward = after === undefined ? rest : [{ sql: `${source.seq} ${beyond} ?`, values: [after] }, ...rest];
      const by = sort === "j.seq" ? `${source.seq} ${order}` : `${sort} ${order}, j.seq ${order}`;
      const [sql, values] = select(`${shown}${key}`, source, onward, ` ORDER BY ${by} LIMIT ?`, key !== "");
      found.push(...(this.db.prepare(sql).all(...values, limit + offset) as Row[]));
    }
    if (plan.sources.length > 1) {
      const sign = order === "ASC" ? 1 : -1;
      found.sort((a, b) => sign * ((a.key ?? 0) - (b.key ?? 0) || a.seq - b.seq));
    }
    return found.slice(offset, offset + limit);
  }

  /** Never waits for a count: what is not kept is counted for a moment. */
  private total(plan: Plan, shownRows: number, more: boolean, paged: boolean): { count: number; atLeast: boolean } {
    if (plan.known !== undefined) return { count: plan.known, atLeast: false };
    if (!more && !paged) return { count: shownRows, atLeast: false };
    let count = 0;
    const untilMs = this.untilMs;
    this.untilMs = Math.min(untilMs, this.nowMs() + countMs);
    try {
      for (const source of plan.sources) {
        const [sql, values] = select("1", source, plan.rest, " LIMIT ?");
        for (const _ of this.db
          .prepare(sql)
          .raw()
          .iterate(...values, countedMax + 1 - count))
          count++;
        if (count > countedMax) return { count: countedMax, atLeast: true };
      }
      return { count, atLeast: false };
    } catch (cause) {
      if (!(cause instanceof TooSlow)) throw cause;
      return { count: Math.max(count, shownRows + (more ? 1 : 0)), atLeast: true };
    } finally {
      this.untilMs = untilMs;
    }
  }

  private summary(row: Row) {
    return {
      id: formatJobId(row.created, row.seq),
      queue: this.names.get(row.queue) ?? "",
      state: row.state as JobState,
      payloadJson: row.payload,
      priority: row.priority,
      attempt: row.attempt,
      maxRetries: row.max_retries,
      uniqueKey: row.unique_key ?? "",
      batchId: row.batch ?? "",
      workerId: row.worker ?? "",
      tagsJson: row.tags ?? "",
      parentId: row.parent ?? "",
      chainId: row.chain ?? "",
      chainStep: row.chain_step ?? undefined,
      scheduledAt: timestamp(row.scheduled),
      createdAt: timestamp(row.created),
      startedAt: timestamp(row.started),
      completedAt: timestamp(row.completed),
      failedAt: timestamp(row.failed),
      errorGroup: row.cause ?? "",
    };
  }
}

/** What costs little is asked first; every row that is looked at asks for the time. */
function select(
  what: string,
  source: { from: string; condition: Condition },
  rest: readonly Condition[],
  tail: string,
  timed = rest.length > 0,
): [sql: string, values: (string | number | null)[]] {
  const where = [source.condition.sql, ...(timed || rest.length > 0 ? ["in_time()"] : []), ...rest.map((one) => `(${one.sql})`)].join(" AND ");
  return [`SELECT ${what} FROM ${source.from} WHERE ${where}${tail}`, [...source.condition.values, ...rest.flatMap((one) => one.values)]];
}

interface Cursor {
  key: number;
  seq: number;
  /** Of Corvo's own cursors. */
  offset: number | undefined;
}

function writeCursor(sort: string, order: string, key: number, seq: number): string {
  return Buffer.from(JSON.stringify({ s: sort, o: order, k: key, q: seq })).toString("base64");
}

/** Undefined: from the beginning. */
function readCursor(text: string, sort: string, order: string): Cursor | undefined {
  if (text === "") return undefined;
  try {
    const read = JSON.parse(Buffer.from(text, "base64").toString()) as Record<string, unknown>;
    if (typeof read.offset === "number" && Number.isInteger(read.offset) && read.offset >= 0 && read.offset <= 1_000_000) {
      return { key: 0, seq: 0, offset: read.offset };
    }
    if (read.s !== sort || read.o !== order || typeof read.k !== "number" || typeof read.q !== "number") return undefined;
    return { key: read.k, seq: read.q, offset: undefined };
  } catch {
    return undefined;
  }
}

function timestamp(ms: number | null): Timestamp | undefined {
  if (ms === null) return undefined;
  const seconds = Math.floor(ms / 1000);
  return { $typeName: "google.protobuf.Timestamp", seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}
