import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Bed, type Group, median, type Result, type RowPlan, type TableOptions } from "./bed.js";
import { type Ceilings, machine, measureCeilings } from "./ceilings.js";
import { millionGroup } from "./rows-at-a-million.js";
import { scrapeGroup, tracingGroup } from "./rows-observed.js";
import { rateRows } from "./rows-of-rates.js";
import { scheduleGroup } from "./rows-of-schedules.js";
import { sizeRows } from "./rows-of-size.js";
import { subscriberGroup } from "./rows-of-subscribers.js";

/** One figure of the table beside what it must and may be. */
export interface Row {
  name: string;
  unit: string;
  /** True: more is better. */
  more: boolean;
  must: number;
  aim: number;
  runs: number[];
  median: number;
  errors: number;
  note?: string;
}

export interface TableReport {
  timestamp: string;
  commit: string;
  machine: ReturnType<typeof machine>;
  ceilings: Ceilings;
  rows: Row[];
}

/** Runs the whole table: one server and one load at a time, medians of `runs`. */
export async function runTable(options: TableOptions): Promise<TableReport> {
  mkdirSync(options.directory, { recursive: true });
  const ceilings = await measureCeilings(options.directory);
  options.say(`ceilings: ${ceilingsText(ceilings)}`);
  const bed = new Bed(options, ceilings);
  const rows: Row[] = [];
  const wanted = (plan: { name: string }): boolean => options.only.split("|").some((part) => plan.name.toLowerCase().includes(part.toLowerCase()));
  for (const plan of rateRows(bed).filter(wanted)) rows.push(await fresh(options, plan));
  for (const plan of sizeRows(bed).filter(wanted)) rows.push(await fresh(options, plan));
  const all = async <T>(group: Group<T>): Promise<void> => {
    const chosen = group.rows.filter(wanted);
    if (chosen.length > 0) rows.push(...(await together(bed, { ...group, rows: chosen })));
  };
  await all(millionGroup(bed));
  await all(subscriberGroup(bed));
  await all(scheduleGroup(bed));
  await all(scrapeGroup(bed));
  await all(tracingGroup(bed));
  return { timestamp: new Date().toISOString(), commit: commit(), machine: machine(), ceilings, rows };
}

/** A directory of its own for each run. */
function fresh(options: TableOptions, plan: RowPlan<string>): Promise<Row> {
  return measured(options, plan, (turn) => inDirectory(options, (home) => plan.run(home, turn)));
}

/** One server for all rows, prepared once. */
function together<T>(bed: Bed, group: Group<T>): Promise<Row[]> {
  const { options } = bed;
  return inDirectory(options, (home) =>
    bed.served(join(home, "data"), group.flags, async (server) => {
      const on = await group.prepare(server, home);
      try {
        const rows: Row[] = [];
        for (const plan of group.rows) rows.push(await measured(options, plan, (turn) => plan.run(on, turn)));
        return rows;
      } finally {
        await group.end?.(on);
      }
    }),
  );
}

async function measured<T>(options: TableOptions, plan: RowPlan<T>, run: (turn: number) => Promise<Result>): Promise<Row> {
  const row: Row = { name: plan.name, unit: plan.unit, more: plan.more, must: plan.must, aim: plan.aim, runs: [], median: 0, errors: 0 };
  for (let turn = 0; turn < (plan.once ? 1 : options.runs); turn++) {
    const { value, errors, note } = await run(turn);
    row.runs.push(value);
    row.errors += errors;
    if (note) row.note = note;
  }
  row.median = median(row.runs);
  options.say(line(row));
  return row;
}

async function inDirectory<R>(options: TableOptions, work: (home: string) => Promise<R>): Promise<R> {
  const home = mkdtempSync(join(options.directory, "corvo-bench-"));
  try {
    return await work(home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

export function renderTable(report: TableReport): string {
  const head = ["load", "median", "must", "aim", "", "note"];
  const body = report.rows.map((row) => [
    row.name,
    `${format(row.median)} ${row.unit}`,
    format(row.must),
    format(row.aim),
    verdict(row),
    `${row.errors > 0 ? `${row.errors} ERRORS; ` : ""}${row.note ?? ""}`,
  ]);
  const widths = head.map((text, i) => Math.max(text.length, ...body.map((cells) => cells[i].length)));
  const print = (cells: string[]): string =>
    cells
      .map((cell, i) => (i === 0 || i > 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd();
  const { machine: m, ceilings: c } = report;
  return [
    `${m.cpus} × ${m.cpu}, ${m.memory_gb} GiB, Node ${m.node}; client and server on the same cores; 200-byte payloads; fsync before every answer unless said`,
    `this machine's ceilings: ${ceilingsText(c)}`,
    "",
    print(head),
    ...body.map(print),
  ].join("\n");
}

function ceilingsText(c: Ceilings): string {
  const trips = `HTTP/2 round trips ${c.http2RoundTripsPerSecond}/s in one thread · bare TCP round trips ${c.tcpRoundTripsPerSecond}/s between two`;
  return `fdatasync ${c.fdatasyncPerSecond}/s · ${trips} · memory copy ${c.memoryCopyGbPerSecond} GB/s`;
}

function verdict(row: Row): string {
  const meets = (bound: number): boolean => (row.more ? row.median >= bound : row.median <= bound);
  return meets(row.aim) ? "aim reached" : meets(row.must) ? "must reached" : "FALLS SHORT";
}

/** Both reports beside each other, row by row. */
export function compareTables(baseline: TableReport, current: TableReport): string {
  const lines = [`baseline ${baseline.commit} ${baseline.timestamp}`, `current  ${current.commit} ${current.timestamp}`, ""];
  if (baseline.machine.cpu !== current.machine.cpu) lines.push("WARNING: other machine, the figures cannot be compared");
  for (const row of current.rows) {
    const before = baseline.rows.find((r) => r.name === row.name);
    if (before)
      lines.push(`${row.name}: ${format(before.median)} -> ${format(row.median)} ${row.unit} (${((row.median / before.median - 1) * 100).toFixed(1)} %)`);
  }
  return lines.join("\n");
}

export function readReport(path: string): TableReport {
  return JSON.parse(readFileSync(path, "utf8")) as TableReport;
}
export function saveReport(path: string, report: unknown): void {
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
}

function line(row: Row): string {
  return `${row.name}: ${format(row.median)} ${row.unit} (${row.runs.map(format).join(", ")}) must ${format(row.must)}, aim ${format(row.aim)}: ${verdict(row)}${row.errors > 0 ? `, ${row.errors} ERRORS` : ""}${row.note ? ` [${row.note}]` : ""}`;
}
function format(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en-US") : String(value);
}
export function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "unknown"; // not a checkout
  }
}
