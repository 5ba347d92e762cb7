import Table from "cli-table3";
import type { Session } from "./session.js";

export interface Column<Row> {
  title: string;
  value(row: Row): string | number;
  /** Puts colour on the text. */
  paint?(text: string, row: Row): string;
  /** Numbers stand right. */
  right?: boolean;
  /** Cut at the terminal's edge; only for the last column. */
  cut?: boolean;
  /** Shown with `-o wide` only. */
  wide?: true;
}

const none = { top: "", "top-mid": "", "top-left": "", "top-right": "", bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" };
const chars = { ...none, left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "", middle: "  " };

/** Columns without boxes, two spaces apart, a header line; one line per row. */
export function printTable<Row>(session: Session, columns: readonly Column<Row>[], rows: readonly Row[]): void {
  const table = new Table({
    chars,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
    colAligns: columns.map((column) => (column.right ? "right" : "left")),
    head: session.noHeaders ? [] : columns.map((column) => session.colors.dim(column.title)),
  });
  const cells = rows.map((row) => columns.map((column) => oneLine(String(column.value(row)))));
  if (session.io.stdoutIsTty) cutLastColumn(columns, cells, session.io.columns);
  cells.forEach((line, i) => {
    table.push(line.map((text, j) => columns[j].paint?.(text, rows[i]) ?? text));
  });
  for (const line of table.toString().split("\n")) session.line(line.trimEnd());
}

function cutLastColumn<Row>(columns: readonly Column<Row>[], cells: string[][], width: number): void {
  const last = columns.length - 1;
  if (!columns[last].cut) return;
  let used = 2 * last;
  for (let j = 0; j < last; j++) used += Math.max(columns[j].title.length, ...cells.map((line) => line[j].length));
  const room = Math.max(12, width - used);
  for (const line of cells) if (line[last].length > room) line[last] = `${line[last].slice(0, room - 1)}…`;
}

/** Control characters of data must not reach the terminal or break a line. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is replaced
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}
