import type { Colors } from "../session.js";
import { age, shortDuration } from "../time.js";
import { type Menu, menuLines } from "./act.js";
import type { Picture, QueueRow } from "./data.js";

export type View = "queues" | "workers" | "help";

/** What the person chose. */
export interface Choice {
  view: View;
  /** Line that is marked. */
  at: number;
  /** Only queues or workers whose name has this. */
  filter: string;
  /** The filter is being typed. */
  typing: boolean;
  /** What can be done with a queue, while it is asked. */
  menu?: Menu;
}

export interface Look {
  columns: number;
  rows: number;
  colors: Colors;
  /** Without UTF-8 there are no bars and arrows. */
  ascii: boolean;
  /** A person is there who can press keys. */
  live: boolean;
  server: string;
  context?: string;
}

/** One picture as lines of text, none wider than the terminal. Pure: the same picture, choice and look are the same lines. */
export function frame(picture: Picture, choice: Choice, look: Look): string[] {
  const body = choice.menu
    ? menuLines(choice.menu, look.context)
    : choice.view === "help"
      ? help()
      : choice.view === "workers"
        ? workerLines(picture, choice, look)
        : queueLines(picture, choice, look);
  const lines = [head(picture, look), ...body];
  const room = look.live ? look.rows - 1 : lines.length;
  const shown = lines.slice(0, room);
  if (look.live) {
    while (shown.length < room) shown.push("");
    shown.push(foot(choice, look));
  }
  return shown.map((line) => fit(line, look.columns));
}

export function visibleQueues(picture: Picture, choice: Choice): readonly QueueRow[] {
  return picture.queues.filter((queue) => queue.name.includes(choice.filter));
}

function head(picture: Picture, look: Look): string {
  const { colors: c } = look;
  const { node, queues } = picture;
  const sum = (of: (queue: QueueRow) => number | undefined): string => rate(queues.reduce((total, queue) => total + (of(queue) ?? 0), 0));
  const state = node.status ?? "unknown";
  const known = queues.some((queue) => queue.inPerSecond !== undefined);
  const parts = [
    c.bold("corvo top"),
    look.context ?? look.server,
    `${look.ascii ? "*" : "●"} ${state === "healthy" ? c.green(state) : c.yellow(state)}`,
    node.leader_id ? `leader ${node.leader_id}` : undefined,
    known ? `in ${sum((queue) => queue.inPerSecond)}/s  out ${sum((queue) => queue.outPerSecond)}/s` : undefined,
    picture.spentUsd ? `$${picture.spentUsd.toFixed(2)} today` : undefined,
    new Date(picture.takenMs).toISOString().slice(11, 19),
  ];
  return parts.filter(Boolean).join("  ");
}

interface Cell {
  title: string;
  width: number;
  left?: boolean;
  value(queue: QueueRow): string;
  paint?(text: string, queue: QueueRow): string;
}

function queueLines(picture: Picture, choice: Choice, look: Look): string[] {
  const { colors: c } = look;
  const rows = visibleQueues(picture, choice);
  const nameWidth = Math.max(5, Math.min(32, ...[Math.max(0, ...rows.map((queue) => queue.name.length))]));
  const cells: Cell[] = [
    {
      title: "QUEUE",
      width: nameWidth,
      left: true,
      value: (queue) => cut(queue.name, nameWidth),
      paint: (text, queue) => (queue.paused ? c.yellow(text) : text),
    },
    { title: "PEND", width: 7, value: (queue) => String(queue.pending) },
    {
      title: "ACT/LIM",
      width: 9,
      value: (queue) => (queue.max_concurrency ? `${queue.active}/${queue.max_concurrency}` : String(queue.active)),
      paint: c.green,
    },
    { title: "OLDEST", width: 7, value: (queue) => (queue.oldest_pending_at ? age(queue.oldest_pending_at, picture.takenMs) : "-") },
    { title: "IN/s", width: 6, value: (queue) => rate(queue.inPerSecond) },
    { title: "OUT/s", width: 6, value: (queue) => rate(queue.outPerSecond) },
    { title: "DRAINS", width: 8, value: drains, paint: (text) => (text.trim() === "growing" ? c.red(text) : text) },
    { title: "HELD", width: 5, value: (queue) => String(queue.held), paint: (text, queue) => (queue.held > 0 ? c.yellow(text) : c.dim(text)) },
    { title: "DEAD", width: 6, value: (queue) => String(queue.dead), paint: (text, queue) => (queue.dead > 0 ? c.red(text) : c.dim(text)) },
    {
      title: "WRK",
      width: 4,
      value: (queue) => String(queue.workers),
      paint: (text, queue) => (queue.workers === 0 && queue.pending > 0 ? c.red(text) : text),
    },
  ];
  // The least important columns go first where the terminal is narrow.
  const order = ["DRAINS", "IN/s", "OUT/s", "HELD", "OLDEST", "WRK", "DEAD"];
  while (order.length > 0 && width(cells) > look.columns - 1) {
    const drop = order.shift();
    const at = cells.findIndex((cell) => cell.title === drop);
    if (at >= 0) cells.splice(at, 1);
  }
  const spark = look.columns - 1 - width(cells) >= 12;
  const line = (of: (cell: Cell) => string): string => cells.map(of).join(" ");
  const pad = (text: string, cell: Cell): string => (cell.left ? text.padEnd(cell.width) : text.padStart(cell.width));
  const lines = [c.dim(` ${line((cell) => pad(cell.title, cell))}${spark ? "  TREND" : ""}`)];
  rows.forEach((queue, i) => {
    const marked = look.live && i === choice.at;
    const text = line((cell) => cell.paint?.(pad(cell.value(queue), cell), queue) ?? pad(cell.value(queue), cell));
    const bars = spark && queue.history.length > 0 ? `  ${bar(queue.history, look.ascii)}` : "";
    lines.push(`${marked ? (look.ascii ? ">" : "▸") : " "}${text}${bars}${queue.paused ? c.yellow("  paused") : ""}`);
  });
  if (rows.length === 0) lines.push(choice.filter ? `No queue has "${choice.filter}"` : "No queues yet: corvo enqueue hello '{}'");
  return scrolled(lines, choice.at, look);
}

function workerLines(picture: Picture, choice: Choice, look: Look): string[] {
  const rows = picture.workers.filter((worker) => worker.id.includes(choice.filter));
  const idWidth = Math.max(6, Math.min(40, Math.max(0, ...rows.map((worker) => worker.id.length))));
  const lines = [look.colors.dim(` ${"WORKER".padEnd(idWidth)} ${"HOST".padEnd(16)} ACTIVE  HEARD OF  QUEUES`)];
  for (const worker of rows) {
    const heard = age(worker.last_heartbeat, picture.takenMs);
    lines.push(
      ` ${cut(worker.id, idWidth).padEnd(idWidth)} ${cut(worker.hostname ?? "-", 16).padEnd(16)} ${String(worker.active ?? "-").padStart(6)}  ${heard.padStart(8)}  ${(worker.queues ?? "-").replaceAll(/[[\]"]/g, "")}`,
    );
  }
  if (rows.length === 0) lines.push("No workers connected");
  return scrolled(lines, choice.at, look);
}

function help(): string[] {
  return [
    "",
    " 1 queues   5 workers   ? keys   q quit",
    " j k or arrows: mark a line      / filter by name, enter ends it      - clear the filter",
    " x: pause, resume, or retry the dead of the marked queue; it asks first",
    " The same numbers for programs: corvo queues -o json",
  ];
}

function foot(choice: Choice, look: Look): string {
  if (choice.typing) return `/${choice.filter}`;
  const filter = choice.filter ? `  filter: ${choice.filter}` : "";
  return look.colors.dim(`[1]queues [5]workers  / filter  j k  x act  ? keys  q quit${filter}`);
}

/** Keeps the marked line in sight; the header stays. */
function scrolled(lines: string[], at: number, look: Look): string[] {
  const room = look.live ? look.rows - 3 : lines.length;
  const from = Math.max(0, Math.min(at - room + 1, lines.length - 1 - room));
  return [lines[0], ...lines.slice(1 + from, 1 + from + room)];
}

const width = (cells: readonly Cell[]): number => cells.reduce((total, cell) => total + cell.width + 1, 0);
const cut = (text: string, size: number): string => (text.length > size ? `${text.slice(0, size - 1)}…` : text);

function rate(perSecond: number | undefined): string {
  if (perSecond === undefined) return "-";
  return perSecond >= 10 || perSecond === 0 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
}

/** How long until nothing waits at this pace. */
function drains(queue: QueueRow): string {
  if (queue.inPerSecond === undefined || queue.outPerSecond === undefined || queue.pending === 0) return "-";
  const pace = queue.outPerSecond - queue.inPerSecond;
  if (pace <= 0) return queue.inPerSecond > queue.outPerSecond ? "growing" : "-";
  return shortDuration((queue.pending / pace) * 1000);
}

function bar(values: readonly number[], ascii: boolean): string {
  const steps = ascii ? "_.-=#" : "▁▂▃▄▅▆▇█";
  const max = Math.max(1, ...values);
  return values.map((value) => steps[Math.round((value / max) * (steps.length - 1))]).join("");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: codes of colours begin with one
const colourCode = /(\u001b\[[0-9;]*m)/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these must not reach the terminal
const controls = /[\u0000-\u001f\u007f-\u009f]/g;

/** Cuts a line with colours in it to a width; codes take no room. */
export function fit(line: string, columns: number): string {
  let room = columns;
  let out = "";
  for (const part of line.split(colourCode)) {
    if (colourCode.test(part)) out += part;
    else {
      const text = [...part.replace(controls, " ")].slice(0, room);
      out += text.join("");
      room -= text.length;
    }
  }
  return out;
}
