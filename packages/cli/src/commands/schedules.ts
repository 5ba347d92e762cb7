import { type AnyCommand, type CommandGroup, type CommandSpec, requestIdFlag, text } from "../command.js";
import { RawJson } from "../json.js";
import { rememberJob } from "../last-job.js";
import { printList, printOne } from "../listing.js";
import { schedulePath as path, policyFlags, putSchedule, scheduleFlags } from "../schedule.js";
import { enqueueBody, jobFlags } from "./enqueue.js";

interface ScheduleRow {
  name: string;
  cron: string;
  timezone: string;
  job?: { queue: string };
  overlap: string;
  paused: boolean;
  next_run_at?: string;
  last_slot_at?: string;
  last_job_id?: string;
  runs: number;
  skipped: number;
  missed: number;
}

const listSpec: CommandSpec = {
  name: "schedules",
  group: "Schedules",
  summary: "list schedules with their next run",
  client: true,
  list: true,
  watch: true,
  examples: ["corvo schedules", "corvo schedules -o json", "corvo schedules -o name --limit 500"],
  flags: [
    { flags: "--limit <n>", description: "at most so many, up to 1000 (default: 100)" },
    { flags: "--page <token>", description: "next_page_token of the page before" },
  ],
  async run(session, _args, flags) {
    const query = new URLSearchParams();
    if (text(flags, "limit") !== undefined) query.set("limit", text(flags, "limit")!);
    if (text(flags, "page") !== undefined) query.set("page_token", text(flags, "page")!);
    const answer = await session.client.call("GET", `/api/v1/schedules${query.size > 0 ? `?${query}` : ""}`);
    printList<ScheduleRow>(session, answer, {
      member: "schedules",
      name: (row) => row.name,
      empty: "No schedules. Make one: corvo schedule create nightly '30 2 * * *' reports.build",
      columns: [
        { title: "NAME", value: (row) => row.name },
        { title: "WHEN", value: (row) => row.cron },
        { title: "ZONE", value: (row) => (row.cron.startsWith("@every") ? "-" : row.timezone) },
        { title: "QUEUE", value: (row) => row.job?.queue ?? "-" },
        { title: "NEXT", value: (row) => (row.paused ? "paused" : session.time(row.next_run_at)) },
        { title: "LAST", value: (row) => session.time(row.last_slot_at) },
        { title: "RUNS", value: (row) => String(row.runs), right: true },
        { title: "SKIPPED", value: (row) => String(row.skipped), right: true, wide: true },
        { title: "MISSED", value: (row) => String(row.missed), right: true, wide: true },
        { title: "OVERLAP", value: (row) => row.overlap, wide: true },
      ],
    });
  },
};

const create: CommandSpec = {
  name: "create",
  aliases: ["put", "edit"],
  args: "<name> <when> <queue> [payload]",
  usage: "[options] <name> <when> <queue> [payload | @file | -]",
  group: "Schedules",
  summary: "add a schedule, or change the one of this name",
  client: true,
  mutates: true,
  examples: [
    `corvo schedule create nightly '30 2 * * *' reports.build '{"kind": "daily"}' --timezone Europe/Madrid`,
    "corvo schedule create beat '@every 5m' health.check --overlap skip --jitter 10s",
    "corvo schedule create weekly @weekly reports.build --priority high --max-retries 5 -o json",
  ],
  flags: [
    ...scheduleFlags,
    { flags: "--paused", description: "it starts, or goes on, paused" },
    { flags: "--description <text>", description: "words for people" },
    ...jobFlags,
    requestIdFlag,
  ],
  notes: [
    "<when> is a cron expression of five fields (six with seconds first), @hourly, @daily, @weekly, @monthly, @yearly, or @every with a duration.",
    "Slots up to now are settled: the first one lies ahead.",
  ],
  async run(session, [name, cron, queue, payload], flags) {
    const job = new RawJson(await enqueueBody(session, queue, payload, flags));
    const more = { paused: flags.paused === true ? true : undefined, description: text(flags, "description") };
    await putSchedule(session, name, { cron, ...policyFlags(flags), ...more, job }, text(flags, "requestId"));
  },
};

const show: CommandSpec = {
  name: "show",
  args: "<name>",
  group: "Schedules",
  summary: "show a schedule",
  client: true,
  watch: true,
  examples: ["corvo schedule show nightly", "corvo schedule show nightly -o json", "corvo schedule show nightly -o yaml"],
  async run(session, [name]) {
    const answer = await session.client.call("GET", path(name));
    printOne(session, answer, name, () => session.indented(answer.text));
  },
};

const next: CommandSpec = {
  name: "next",
  args: "<name-or-expression>",
  group: "Schedules",
  summary: "show the next runs of a schedule, or of an expression",
  client: true,
  examples: ["corvo schedule next nightly", "corvo schedule next '30 2 * * *' --timezone Europe/Madrid --count 3", "corvo schedule next nightly -o json"],
  flags: [
    { flags: "--count <n>", description: "how many, up to 100 (default: 5)" },
    { flags: "--timezone <name>", description: "time zone of an expression (default: UTC)" },
  ],
  async run(session, [given], flags) {
    const query = new URLSearchParams();
    if (text(flags, "count") !== undefined) query.set("count", text(flags, "count")!);
    const expression = /[\s@]/.test(given);
    if (expression) {
      query.set("cron", given);
      if (text(flags, "timezone")) query.set("timezone", text(flags, "timezone")!);
    }
    const route = expression ? "/api/v1/next-runs" : path(given, "/next");
    const answer = await session.client.call("GET", `${route}${query.size > 0 ? `?${query}` : ""}`);
    printOne(session, answer, given, () => {
      const { runs } = JSON.parse(answer.text) as { runs: string[] };
      session.lines(runs);
      if (runs.length === 0) session.note("no run is to come");
    });
  },
};

const steer = (name: string, method: "POST" | "DELETE", verb: string, summary: string, done: string): CommandSpec => ({
  name,
  args: "<name>",
  group: "Schedules",
  summary,
  client: true,
  mutates: true,
  examples: [`corvo schedule ${name} nightly`, `corvo schedule ${name} nightly -q`, `corvo schedule ${name} nightly -o json`],
  flags: [requestIdFlag],
  async run(session, [schedule], flags) {
    const answer = await session.client.call(method, path(schedule, verb), { requestId: text(flags, "requestId") });
    session.wrote(answer, schedule, `Schedule ${schedule} ${done}`);
  },
});

const run: CommandSpec = {
  ...steer("run", "POST", "/run", "add a job of a schedule now", ""),
  notes: ["Pause and overlap policy do not matter, and the schedule's slots stay as they are."],
  async run(session, [schedule], flags) {
    const answer = await session.client.call("POST", path(schedule, "/run"), { requestId: text(flags, "requestId") });
    const { job_id: id } = JSON.parse(answer.text) as { job_id: string };
    await rememberJob(session, id);
    session.wrote(answer, id, `Job enqueued: ${id} (schedule ${schedule})`);
  },
};

const group: CommandGroup = {
  name: "schedule",
  group: "Schedules",
  summary: "make, steer and look at one schedule",
  subcommands: [
    create,
    show,
    next,
    { ...listSpec, name: "list", examples: ["corvo schedule list", "corvo schedule list -o json", "corvo schedule list -o name"] },
    steer("pause", "POST", "/pause", "let slots pass without a job", "paused"),
    steer("resume", "POST", "/resume", "go on with the next slot", "resumed"),
    run,
    steer("delete", "DELETE", "", "delete a schedule; its jobs stay", "deleted"),
  ],
};

/** Schedules, and the atomic step. */
export const scheduleCommands: readonly AnyCommand[] = [listSpec, group];
