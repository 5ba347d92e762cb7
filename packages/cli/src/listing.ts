import type { Answer } from "./client.js";
import { usageFailure } from "./failure.js";
import { elements, members } from "./json.js";
import type { Session } from "./session.js";
import { type Column, printTable } from "./table.js";
import { yamlOf } from "./yaml.js";

export interface Listing<Row> {
  /** Member of the answer that holds the rows; undefined: the answer itself is the array. */
  member?: string;
  columns: readonly Column<Row>[];
  /** What `-o name` prints. */
  name(row: Row): string;
  /** Printed instead of a table without rows; "" prints the header alone. */
  empty: string;
  /** Only rows that this lets through, when the server cannot filter; the JSON forms stay the server's. */
  only?(row: Row): boolean;
}

/** A list in whatever form was asked for: `-o table|wide|json|ndjson|yaml|csv|name`, `--fields`, `--output-json`. */
export function printList<Row>(session: Session, answer: Answer, listing: Listing<Row>): void {
  if (printedWhole(session, answer)) return;
  const whole = listing.member === undefined ? answer.text : (members(answer.text)?.get(listing.member) ?? "[]");
  const texts = elements(whole) ?? [];
  const parsed = texts.map((text) => JSON.parse(text) as Row);
  const rows = listing.only ? parsed.filter(listing.only) : parsed;
  const fields = session.fields;
  if (session.output === "name") return session.lines(rows.map(listing.name));
  if (session.output === "ndjson") return session.lines(texts.filter((_, i) => !listing.only || listing.only(parsed[i])).map(onOneLine));
  const strange = rows.length === 0 ? undefined : fields?.find((path) => !path.includes(".") && rows.every((row) => at(row, path) === undefined));
  if (strange !== undefined) session.note(`note: none of these has a field ${strange}`);
  const columns: readonly Column<Row>[] = fields ? fields.map((path) => fieldColumn<Row>(path)) : listing.columns;
  if (session.output === "csv") return printCsv(session, columns, rows);
  if (rows.length === 0 && listing.empty !== "") return session.output === "wide" || session.output === "table" ? session.line(listing.empty) : undefined;
  const shown = session.output === "wide" || fields ? columns : columns.filter((column) => column.wide !== true);
  printTable(session, shown, rows);
}

/** One object: the JSON forms, a bare name, or what `tell` prints. */
export function printOne(session: Session, answer: Answer, name: string, tell: () => void): void {
  if (printedWhole(session, answer)) return;
  if (session.output === "ndjson") session.line(onOneLine(answer.text));
  else if (session.output === "name") session.line(name);
  else tell();
}

/** The forms that show the answer as a whole. */
function printedWhole(session: Session, answer: Answer): boolean {
  if (session.output === "json") session.raw(answer);
  else if (session.output === "yaml") session.io.stdout(yamlOf(answer.text));
  else if (session.outputJson) session.indented(answer.text);
  else return false;
  return true;
}

/** Raw line breaks stand only between tokens. */
function onOneLine(json: string): string {
  return json.trim().replace(/\n\s*/g, " ");
}

function fieldColumn<Row>(path: string): Column<Row> {
  return { title: path, value: (row) => shown(at(row, path)) };
}

/** `tags.tenant`; a key that has dots itself is found first. */
function at(value: unknown, path: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const object = value as Record<string, unknown>;
  if (Object.hasOwn(object, path)) return object[path];
  const dot = path.indexOf(".");
  return dot < 0 ? undefined : at(object[path.slice(0, dot)], path.slice(dot + 1));
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return "-";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function printCsv<Row>(session: Session, columns: readonly Column<Row>[], rows: readonly Row[]): void {
  const cell = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  if (!session.noHeaders) session.line(columns.map((column) => cell(column.title.toLowerCase().replaceAll(" ", "_"))).join(","));
  for (const row of rows) session.line(columns.map((column) => cell(String(column.value(row)))).join(","));
}

/** `id,state,tags.tenant` as a list. */
export function fieldPaths(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const paths = text
    .split(",")
    .map((path) => path.trim())
    .filter((path) => path !== "");
  if (paths.length === 0) throw usageFailure("--fields names no field", "for example --fields id,state,tags.tenant");
  return paths;
}
