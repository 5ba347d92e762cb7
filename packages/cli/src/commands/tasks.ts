import { segment } from "../client.js";
import { type CommandGroup, type CommandSpec, requestIdFlag, text } from "../command.js";
import { exitCodes, Failure } from "../failure.js";
import { printList, printOne } from "../listing.js";
import type { Session } from "../session.js";
import { shortDuration } from "../time.js";
import { wholeNumber } from "./numbers.js";

const exampleTask = "bulk_m3w_1";

/** A bulk action in the background. */
export interface Task {
  id: string;
  status: string;
  action: string;
  total?: number;
  processed?: number;
  affected?: number;
  error?: string;
  created_at?: string;
  finished_at?: string;
  skipped?: Record<string, number>;
}

/** `3 not_found, 2 wrong_state`, or nothing. */
export function skippedText(skipped: Readonly<Record<string, number | string>> | undefined): string {
  return Object.entries(skipped ?? {})
    .map(([why, count]) => `${count} ${why.replaceAll("_", " ")}`)
    .join(", ");
}

const running = (task: Task): boolean => task.status === "queued" || task.status === "running";

async function lookAt(session: Session, id: string) {
  const answer = await session.client.call("GET", `/api/v1/bulk/${segment(id)}`);
  return { answer, task: JSON.parse(answer.text) as Task };
}

/** Waits for work in the background and tells how it goes: in place on a terminal, now and then elsewhere. Ctrl-C leaves it working. */
export async function finish(session: Session, id: string): Promise<number> {
  const { io } = session;
  const startMs = io.nowMs();
  const end = io.interruption();
  let toldMs = startMs;
  for (;;) {
    const { answer, task } = await lookAt(session, id);
    if (!running(task)) {
      if (io.stderrIsTty) io.stderr("\r\u001b[K");
      session.wrote(answer, id, `Affected: ${task.affected ?? 0} jobs (${io.nowMs() - startMs}ms)`);
      const skipped = skippedText(task.skipped);
      if (skipped !== "") session.note(`skipped: ${skipped}`);
      if (task.status !== "completed") throw new Failure(exitCodes.partly, `bulk operation ${id} is ${task.status}${task.error ? `: ${task.error}` : ""}`);
      return exitCodes.ok;
    }
    if (io.stderrIsTty && !session.quiet) io.stderr(`\r${progressLine(task, io.nowMs() - startMs)}\u001b[K`);
    else if (io.nowMs() - toldMs >= 10_000) {
      toldMs = io.nowMs();
      session.note(progressLine(task, toldMs - startMs));
    }
    await io.sleep(200, end);
    if (end.aborted) {
      session.note(`${io.stderrIsTty ? "\n" : ""}it goes on at the server: corvo op watch ${id}   ·   stop it: corvo op cancel ${id}`);
      return exitCodes.interrupted;
    }
  }
}

/** `retry 8,120/12,301 ▓▓▓▓▓░░ 66% 2,100/s ~2s`. */
function progressLine(task: Task, elapsedMs: number): string {
  const { processed = 0, total = 0 } = task;
  const share = total > 0 ? Math.min(1, processed / total) : 0;
  const number = (n: number): string => n.toLocaleString("en-US");
  const rate = elapsedMs > 0 ? (processed * 1000) / elapsedMs : 0;
  const left = rate > 0 ? ` ~${shortDuration(((total - processed) * 1000) / rate)}` : "";
  const bar = "▓".repeat(Math.round(share * 10)).padEnd(10, "░");
  return `${task.action} ${number(processed)}/${number(total)} ${bar} ${Math.floor(share * 100)}% ${number(Math.round(rate))}/s${left}`;
}

export const operations: CommandSpec = {
  name: "operations",
  aliases: ["ops"],
  group: "Jobs",
  summary: "bulk actions that run in the background, and those of the last day",
  client: true,
  watch: true,
  list: true,
  examples: ["corvo operations", "corvo operations -o json", "corvo operations -o name"],
  notes: ["One of them: corvo op show|items|watch|cancel."],
  async run(session) {
    const answer = await session.client.call("GET", "/api/v1/bulk");
    printList<Task>(session, answer, {
      name: (task) => task.id,
      empty: "No bulk operations",
      columns: [
        { title: "OPERATION", value: (task) => task.id },
        { title: "ACTION", value: (task) => task.action },
        { title: "STATUS", value: (task) => task.status },
        { title: "DONE", value: (task) => `${task.processed}/${task.total}`, right: true },
        { title: "CHANGED", value: (task) => task.affected ?? 0, right: true },
        { title: "BEGUN", value: (task) => session.time(task.created_at) },
      ],
    });
  },
};

const show: CommandSpec = {
  name: "show",
  args: "<operation>",
  group: "Jobs",
  summary: "show how far an operation is, and why jobs were skipped",
  client: true,
  watch: true,
  examples: [`corvo op show ${exampleTask}`, `corvo op show ${exampleTask} -o json`, `corvo op show ${exampleTask} -o yaml`],
  async run(session, [id]) {
    const { answer, task } = await lookAt(session, id);
    printOne(session, answer, id, () => {
      session.line(`Bulk operation ${task.id}: ${task.action}, ${task.status}`);
      session.line(`${task.processed ?? 0} of ${task.total ?? 0} jobs looked at, ${task.affected ?? 0} changed`);
      const skipped = skippedText(task.skipped);
      if (skipped !== "") session.line(`skipped: ${skipped}`);
    });
  },
};

const items: CommandSpec = {
  name: "items",
  args: "<operation>",
  group: "Jobs",
  summary: "list what became of each job of an operation",
  client: true,
  list: true,
  examples: [`corvo op items ${exampleTask}`, `corvo op items ${exampleTask} --outcome wrong_state`, `corvo op items ${exampleTask} -o name`],
  flags: [
    { flags: "--outcome <word>", description: "done, not_found, wrong_state, refused or waiting; default: all" },
    { flags: "--limit <n>", description: "at most so many, 1 to 10000 (default: 1000)" },
    { flags: "--cursor <text>", description: "the page behind that of this cursor" },
  ],
  async run(session, [id], flags) {
    const query = new URLSearchParams({ limit: String(wholeNumber("--limit", text(flags, "limit") ?? "1000", 1, 10_000)) });
    for (const name of ["outcome", "cursor"]) if (text(flags, name)) query.set(name, text(flags, name) as string);
    const answer = await session.client.call("GET", `/api/v1/bulk/${segment(id)}/items?${query}`);
    printList<{ job_id: string; outcome: string }>(session, answer, {
      member: "items",
      name: (item) => item.job_id,
      empty: "No jobs",
      columns: [
        { title: "JOB", value: (item) => item.job_id },
        { title: "OUTCOME", value: (item) => item.outcome },
      ],
    });
    const { cursor } = JSON.parse(answer.text) as { cursor?: string };
    if (cursor && session.output === "table") session.note(`there are more: --cursor ${cursor}`);
  },
};

const watchTask: CommandSpec = {
  name: "watch",
  args: "<operation>",
  group: "Jobs",
  summary: "wait until an operation has ended and tell how it goes",
  client: true,
  examples: [`corvo op watch ${exampleTask}`, `corvo op watch ${exampleTask} -q`, `corvo op watch ${exampleTask} -o json`],
  notes: ["Ctrl-C leaves it working."],
  run: (session, [id]) => finish(session, id),
};

const cancel: CommandSpec = {
  name: "cancel",
  args: "<operation>",
  group: "Jobs",
  summary: "stop an operation; what was done stays done",
  client: true,
  mutates: true,
  examples: [`corvo op cancel ${exampleTask}`, `corvo op cancel ${exampleTask} --dry-run`, `corvo op cancel ${exampleTask} -o json`],
  flags: [requestIdFlag],
  async run(session, [id], flags) {
    const answer = await session.client.call("POST", `/api/v1/bulk/${segment(id)}/cancel`, { body: "{}", requestId: text(flags, "requestId") });
    const { status } = JSON.parse(answer.text || "{}") as { status?: string };
    session.wrote(answer, id, status === "cancelled" ? `Bulk operation ${id} cancelled` : `Bulk operation ${id} had ended already: ${status}`);
  },
};

/** One operation: `corvo op show bulk_…`. */
export const operationGroup: CommandGroup = {
  name: "op",
  aliases: ["operation"],
  group: "Jobs",
  summary: "one bulk action in the background",
  subcommands: [show, items, watchTask, cancel],
};
