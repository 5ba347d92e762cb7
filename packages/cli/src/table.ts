import { displayWidth } from "./display-width.js";
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
  /** Left out where the terminal is too narrow for all, the last such column first. */
  spare?: true;
}

/** Columns without boxes, two spaces apart, a header line; one line per row. */
export function printTable<Row>(session: Session, given: readonly Column<Row>[], rows: readonly Row[]): void {
  const columns = session.io.stdoutIsTty && session.output !== "wide" ? fitting(given, rows, session.io.columns) : given;
  const cells = rows.map((row) => columns.map((column) => oneLine(String(column.value(row)))));
  if (session.io.stdoutIsTty) cutLastColumn(columns, cells, session.io.columns);
  const titles = session.noHeaders ? [] : [columns.map((column) => column.title)];
  const widths = columns.map((_, j) => [...titles, ...cells].reduce((width, line) => Math.max(width, displayWidth(line[j])), 0));
  const print = (line: readonly string[], paint: (text: string, j: number) => string): void => {
    const padded = line.map((text, j) => {
      const padding = " ".repeat(widths[j] - displayWidth(text));
      return columns[j].right ? padding + paint(text, j) : paint(text, j) + padding;
    });
    session.line(padded.join("  ").trimEnd());
  };
  for (const line of titles) print(line, (text) => session.colors.dim(text));
  for (const [i, line] of cells.entries()) print(line, (text, j) => columns[j].paint?.(text, rows[i]) ?? text);
}

function fitting<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): readonly Column<Row>[] {
  const widthOf = ({ title, value, cut }: Column<Row>): number =>
    cut ? 12 : rows.reduce((most, row) => Math.max(most, displayWidth(oneLine(String(value(row))))), title.length);
  let used = columns.reduce((sum, column) => sum + widthOf(column) + 2, -2);
  let kept = columns;
  while (used > width) {
    const last = kept.findLast((column) => column.spare);
    if (last === undefined) return kept;
    kept = kept.filter((column) => column !== last);
    used -= widthOf(last) + 2;
  }
  return kept;
}

function cutLastColumn<Row>(columns: readonly Column<Row>[], cells: string[][], width: number): void {
  const last = columns.length - 1;
  if (!columns[last].cut) return;
  let used = 2 * last;
  for (let j = 0; j < last; j++) used += cells.reduce((most, line) => Math.max(most, displayWidth(line[j])), columns[j].title.length);
  const room = Math.max(12, width - used);
  for (const line of cells) if (line[last].length > room) line[last] = `${line[last].slice(0, room - 1)}…`;
}

/** Control characters of data must not reach the terminal or break a line. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is replaced
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}
