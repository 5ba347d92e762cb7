import type { Answer } from "../client.js";
import { segment } from "../client.js";
import { type AnyCommand, type CommandSpec, type FlagSpec, type Flags, list, requestIdFlag, text } from "../command.js";
import { exitCodes, Failure, usageFailure } from "../failure.js";
import { jobIds } from "../jobs-argument.js";
import { encodeObject, indentJson, plainAngles, RawJson } from "../json.js";
import { readJsonObject } from "../json-input.js";
import { printList } from "../listing.js";
import type { Session } from "../session.js";
import type { Column } from "../table.js";
import { timeFlag } from "../time.js";
import { errors, operations } from "./errors.js";

interface Found {
  id: string;
  queue: string;
  state: string;
  attempt: number;
  max_retries: number;
  priority: number;
  created_at: string;
  unique_key?: string;
  tags?: unknown;
}

const filterFlags: readonly FlagSpec[] = [
  { flags: "--queue <name>", description: "jobs of this queue" },
  { flags: "--state <names>", description: "in one of these states, with commas" },
  { flags: "--priority <name>", description: "critical, high or normal" },
  { flags: "--payload-contains <text>", description: "whose payload has this text, in any case of letters" },
  { flags: "--payload-jq <expression>", description: "whose payload fits, for example '.user.id == 42'" },
  { flags: "--error-contains <text>", description: "one of whose errors has this text" },
  { flags: "--error-group <id>", description: "whose last error is of this group (see corvo errors)" },
  { flags: "--tag <key=value>", description: "with this label; may be repeated", repeated: true },
  { flags: "--created-after <time>", description: "added after this time, RFC 3339" },
  { flags: "--created-before <time>", description: "added before this time, RFC 3339" },
  { flags: "--unique-key <key>", description: "with this unique key" },
  { flags: "--id-prefix <text>", description: "whose id begins with this" },
  { flags: "--limit <n>", description: "at most so many, 1 to 1000 (default: 50)" },
  { flags: "--sort <field>", description: "created_at, priority, started_at, completed_at or attempt (default: created_at)" },
  { flags: "--order <order>", description: "asc or desc (default: desc)" },
];

async function found(session: Session, flags: Flags): Promise<Answer> {
  return await session.client.call("POST", "/api/v1/jobs/search", { body: encodeObject(filterOf(flags)) });
}

function filterOf(flags: Flags): Record<string, unknown> {
  const limit = text(flags, "limit");
  if (limit !== undefined && !/^[1-9][0-9]{0,3}$/.test(limit)) throw usageFailure(`--limit "${limit}" is not a number from 1 to 1000`);
  const time = (flag: string, name: string) => {
    const given = text(flags, name);
    return given ? timeFlag(flag, given) : undefined;
  };
  // Corvo passes over what is not key=value.
  const tags = Object.fromEntries(
    list(flags, "tag")
      .map((pair) => /^([^=]+)=(.*)$/s.exec(pair))
      .filter((match) => match !== null)
      .map(([, key, value]) => [key, value]),
  );
  return {
    queue: text(flags, "queue") || undefined,
    state: text(flags, "state")
      ?.split(",")
      .map((state) => state.trim())
      .filter((state) => state !== ""),
    priority: text(flags, "priority") || undefined,
    payload_contains: text(flags, "payloadContains") || undefined,
    payload_jq: text(flags, "payloadJq") || undefined,
    error_contains: text(flags, "errorContains") || undefined,
    error_group: text(flags, "errorGroup") || undefined,
    tags: Object.keys(tags).length > 0 ? tags : undefined,
    created_after: time("--created-after", "createdAfter"),
    created_before: time("--created-before", "createdBefore"),
    unique_key: text(flags, "uniqueKey") || undefined,
    job_id_prefix: text(flags, "idPrefix") || undefined,
    limit: Number(limit ?? 50),
    sort: text(flags, "sort") || undefined,
    order: text(flags, "order") || undefined,
  };
}

const search: CommandSpec = {
  name: "search",
  group: "Jobs",
  summary: "find jobs, as JSON",
  client: true,
  list: true,
  watch: true,
  examples: [
    "corvo search --queue emails.send --state dead,held",
    "corvo search --state dead --error-contains timeout --output-json | corvo bulk retry",
    "corvo search --tag tenant=acme --payload-jq '.user.id == 42' -o json",
  ],
  flags: filterFlags,
  notes: ["All filters must fit. --output-json prints bare ids, one a line, as Corvo v0.3 does; corvo list prints a table."],
  async run(session, _args, flags) {
    const answer = await found(session, flags);
    if (session.outputJson) return session.lines(idsIn(answer.text));
    if (session.output === "table" && !session.fields) return session.line(indentJson(plainAngles(answer.text)));
    printFound(session, answer);
  },
};

const listJobs: CommandSpec = {
  ...search,
  name: "list",
  summary: "find jobs, as a table",
  examples: ["corvo list", "corvo list --state active --queue emails.send", "corvo list --fields id,state,tags.tenant"],
  notes: ["The filters of corvo search."],
  async run(session, _args, flags) {
    printFound(session, await found(session, flags));
  },
};

function printFound(session: Session, answer: Answer): void {
  const { colors } = session;
  const paints: Record<string, (text: string) => string> = { dead: colors.red, held: colors.yellow, active: colors.green };
  const columns: readonly Column<Found>[] = [
    { title: "JOB", value: (job) => job.id },
    { title: "QUEUE", value: (job) => job.queue },
    { title: "STATE", value: (job) => job.state, paint: (state, job) => paints[job.state]?.(state) ?? state },
    { title: "ATTEMPT", value: (job) => `${job.attempt}/${job.max_retries}`, right: true },
    { title: "CREATED", value: (job) => session.time(job.created_at) },
    { title: "KEY", value: (job) => job.unique_key ?? "-", wide: true },
    { title: "TAGS", value: (job) => (job.tags === undefined ? "-" : JSON.stringify(job.tags)), cut: true, wide: true },
  ];
  printList<Found>(session, answer, { member: "jobs", columns, name: (job) => job.id, empty: "No jobs found" });
  const { total, has_more: more } = JSON.parse(answer.text) as { total?: number; has_more?: boolean };
  if (more && session.output === "table") session.note(`${total} jobs in all; --limit shows more`);
}

interface Task {
  status: string;
  total?: number;
  processed?: number;
  affected?: number;
  error?: string;
}

const bulk: CommandSpec = {
  name: "bulk",
  args: "<action>",
  group: "Jobs",
  summary: "do one thing to many jobs: those on standard input, or all that a filter finds",
  client: true,
  mutates: true,
  examples: [
    "corvo search --state dead --output-json | corvo bulk retry",
    `corvo bulk cancel --filter '{"queue": "emails.send", "state": ["pending"]}' --yes`,
    `corvo bulk move --filter '{"queue": "emails.send"}' --to emails.slow --yes`,
  ],
  flags: [
    { flags: "--filter <json>", description: "every job that this search filter finds, as JSON or @file" },
    { flags: "--to <queue>", description: "queue to move to, for move" },
    { flags: "--priority <name>", description: "new priority, for change_priority" },
    { flags: "--async", description: "let the server work in the background and wait for it here" },
    { flags: "--detach", description: "do not wait for work in the background" },
    requestIdFlag,
  ],
  notes: [
    "Actions: retry, delete, cancel, move, requeue, change_priority, hold, approve, reject. Jobs in a state that does not allow it are passed over.",
    "Standard input: ids, one a line, or what corvo search prints. On a terminal a filter is asked about first; -y answers.",
  ],
  async run(session, [action], flags) {
    const given = text(flags, "filter");
    const filter = given ? await readJsonObject(session.io, "--filter", given, '{"queue": "emails.send"}') : undefined;
    if (filter && /^\{\s*\}$/.test(filter.text))
      throw usageFailure("an empty filter would be every job there is", 'name something: --filter \'{"queue": "…"}\'');
    const ids = filter ? undefined : await idsOnStdin(session);
    if (ids?.length === 0) throw usageFailure("no job IDs provided (pipe from search or use --filter)");
    if (filter && !(await session.confirm(`${action} every job that fits ${filter.text}?`))) {
      session.note("nothing was changed");
      return exitCodes.failed;
    }
    const body = encodeObject({
      action,
      job_ids: ids,
      filter: filter && new RawJson(filter.text),
      move_to_queue: text(flags, "to"),
      priority: text(flags, "priority"),
      async: flags.async === true || flags.detach === true ? true : undefined,
    });
    const answer = await session.client.call("POST", "/api/v1/jobs/bulk", { body, requestId: text(flags, "requestId"), serverWaitMs: 60_000 });
    if (session.outputJson) return session.indented(answer.text);
    if (answer.status === 202 && flags.detach !== true) return await finish(session, answer);
    const {
      affected,
      duration_ms: ms,
      bulk_operation_id: id,
    } = JSON.parse(answer.text) as { affected?: number; duration_ms?: number; bulk_operation_id?: string };
    session.wrote(answer, id ?? String(affected ?? 0), id ? `Bulk operation ${id} started` : `Affected: ${affected} jobs (${Math.round(ms ?? 0)}ms)`);
  },
};

/** Waits for work in the background and tells how it goes. Ctrl-C leaves it working. */
async function finish(session: Session, answer: Answer): Promise<number> {
  const { bulk_operation_id: id } = JSON.parse(answer.text) as { bulk_operation_id: string };
  const startMs = session.io.nowMs();
  const end = session.io.interruption();
  for (;;) {
    const look = await session.client.call("GET", `/api/v1/bulk/${segment(id)}`);
    const task = JSON.parse(look.text) as Task;
    if (task.status !== "queued" && task.status !== "running") {
      session.wrote(look, id, `Affected: ${task.affected ?? 0} jobs (${session.io.nowMs() - startMs}ms)`);
      if (task.status !== "completed") throw new Failure(exitCodes.partly, `bulk operation ${id} is ${task.status}${task.error ? `: ${task.error}` : ""}`);
      return exitCodes.ok;
    }
    if (session.io.stderrIsTty) session.note(`${task.processed ?? 0} of ${task.total ?? "?"} jobs`);
    await session.io.sleep(300, end);
    if (end.aborted) {
      session.note(`it goes on at the server: GET /api/v1/bulk/${id}`);
      return exitCodes.interrupted;
    }
  }
}

/** Ids, one a line, or the JSON of a search. */
async function idsOnStdin(session: Session): Promise<string[]> {
  const input = (await session.io.readStdin()).trim();
  if (input === "") return [];
  return input.startsWith("{") ? idsIn(input) : await jobIds(session, input.split("\n"));
}

function idsIn(json: string): string[] {
  try {
    return ((JSON.parse(json) as { jobs?: { id: string }[] | null }).jobs ?? []).map((job) => job.id);
  } catch {
    throw usageFailure("standard input is neither ids nor the result of a search", "corvo search … --output-json | corvo bulk …");
  }
}

/** Search, bulk and their kin. */
export const viewCommands: readonly AnyCommand[] = [search, listJobs, bulk, errors, operations];
