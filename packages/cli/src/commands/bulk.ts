import type { Answer } from "../client.js";
import { type CommandSpec, type Flags, requestIdFlag, text } from "../command.js";
import { exitCodes, Failure, usageFailure } from "../failure.js";
import { checkFilter, filterFlags, filterOf } from "../filters.js";
import { idsIn, jobIds } from "../jobs-argument.js";
import { encodeObject, RawJson } from "../json.js";
import { readJsonObject } from "../json-input.js";
import type { Session } from "../session.js";
import { bulkActions, knownWord, priorities } from "../words.js";
import { wholeNumber } from "./numbers.js";
import { finish, skippedText } from "./tasks.js";

/** Groups of the plan that are told. */
const groupsShown = 8;

/** What the server found for a filter. The token stands for exactly these jobs. */
interface Plan {
  count: number;
  eligible: number;
  token: string;
  groups: { queue: string; state: string; count: number }[];
  sample?: string[];
}

export const bulk: CommandSpec = {
  name: "bulk",
  args: "<action>",
  group: "Jobs",
  summary: "do one thing to many jobs: those on standard input, or all that a filter finds",
  client: true,
  mutates: true,
  examples: [
    "corvo search --state dead --output-json | corvo bulk retry",
    "corvo bulk cancel --queue emails.send --state pending --yes",
    "corvo bulk move --where 'queue:emails.* age>1d' --to emails.slow --yes",
    `corvo bulk retry --filter '{"queue": "emails.send", "state": ["dead"]}' --dry-run`,
  ],
  flags: [
    ...filterFlags.map((flag) => (flag.flags.startsWith("--priority") ? { ...flag, flags: "--with-priority <name>" } : flag)),
    { flags: "--filter <json>", description: "every job that this search filter finds, as JSON or @file" },
    { flags: "--to <queue>", description: "queue to move to, for move" },
    { flags: "--priority <name>", description: "new priority, for change_priority" },
    { flags: "--expect <n>", description: "refuse when the filter finds another number of jobs" },
    { flags: "--max <n>", description: "refuse when the filter finds more jobs" },
    { flags: "--async", description: "let the server work in the background and wait for it here" },
    { flags: "--detach", description: "do not wait for work in the background" },
    requestIdFlag,
  ],
  notes: [
    "Actions: retry, delete, cancel, move, requeue, change_priority, hold, approve, reject. Jobs in a state that does not allow it are passed over.",
    "With a filter the server says first how many jobs it finds, and then touches exactly these, whatever comes or goes meanwhile. A terminal is asked;",
    "elsewhere --yes is needed. --dry-run shows the plan alone. Standard input: ids, one a line, or what corvo search prints.",
  ],
  async run(session, [named], flags) {
    const action = knownWord("action", named, bulkActions);
    const to = text(flags, "to");
    if (action === "move" && !to) throw usageFailure("move needs --to, the queue to move to", "for example --to emails.slow");
    if (action !== "move" && to !== undefined) throw usageFailure("--to is the queue to move to, for move");
    const filter = await filterGiven(session, flags);
    const what = { action, move_to_queue: to, priority: newPriority(action, flags) };
    const background = flags.async === true || flags.detach === true ? true : undefined;
    if (filter === undefined) {
      const ids = await idsOnStdin(session);
      if (ids.length === 0) throw usageFailure("no job IDs provided (pipe from search or use --filter)");
      return await act(session, { ...what, job_ids: ids, async: background }, flags);
    }
    const plan = await previewOf(session, { action, filter }, flags);
    if (session.dryRun) return tellDry(session, action, plan.answer, plan);
    if (plan.count > 0) {
      tellPlan(session, action, plan);
      await session.mustConfirm(`${action} ${jobs(plan.count)}?`);
    }
    return await act(session, { ...what, token: plan.token, expected_count: plan.count || undefined, async: background }, flags);
  },
};

const jobs = (n: number): string => `${n.toLocaleString("en-US")} ${n === 1 ? "job" : "jobs"}`;

/** The conditions of `--filter`, or of `--where` and the flags of a search; undefined: none was given. */
async function filterGiven(session: Session, flags: Flags): Promise<RawJson | undefined> {
  // A --tag without = is passed over by corvo search; here it would be a condition less.
  const odd = [flags.tag ?? []].flat().find((pair) => !/^[^=]+=/.test(String(pair)));
  if (odd !== undefined) throw usageFailure(`--tag "${odd}" must be key=value`, "for example --tag tenant=acme");
  const conditions = filterOf({ ...flags, priority: flags.withPriority }, session.io.nowMs());
  const some = Object.values(conditions).some((value) => value !== undefined);
  const given = text(flags, "filter");
  if (given === undefined) return some ? new RawJson(encodeObject(conditions)) : undefined;
  if (some) throw usageFailure("--filter excludes --where and the other conditions");
  const filter = await readJsonObject(session.io, "--filter", given, '{"queue": "emails.send"}');
  if (/^\{\s*\}$/.test(filter.text)) throw usageFailure("an empty filter would be every job there is", 'name something: --filter \'{"queue": "…"}\'');
  checkFilter(filter);
  return filter;
}

function newPriority(action: string, flags: Flags): string | undefined {
  const given = text(flags, "priority");
  if (given === undefined && action === "change_priority") throw usageFailure("change_priority needs --priority", `one of ${priorities.join(", ")}`);
  if (given === undefined) return undefined;
  if (action !== "change_priority") throw usageFailure("--priority is the new one, for change_priority", `jobs that have it: --with-priority ${given}`);
  return knownWord("--priority", given, priorities);
}

async function previewOf(session: Session, request: Record<string, unknown>, flags: Flags): Promise<Plan & { answer: Answer }> {
  const answer = await session.client.call("POST", "/api/v1/jobs/bulk/preview", { body: encodeObject(request) });
  const plan = JSON.parse(answer.text) as Plan;
  const expect = text(flags, "expect");
  const max = text(flags, "max");
  if (expect !== undefined && plan.count !== wholeNumber("--expect", expect, 0, Number.MAX_SAFE_INTEGER))
    throw new Failure(exitCodes.wrongState, `the filter finds ${jobs(plan.count)}, not ${expect}; nothing was changed`, { detail: groupLines(plan) });
  if (max !== undefined && plan.count > wholeNumber("--max", max, 0, Number.MAX_SAFE_INTEGER))
    throw new Failure(exitCodes.limit, `the filter finds ${jobs(plan.count)}, more than ${max}; nothing was changed`, { detail: groupLines(plan) });
  return { ...plan, answer };
}

function groupLines(plan: Plan): string[] {
  const lines = plan.groups.slice(0, groupsShown).map(({ queue, state, count }) => `  ${count.toLocaleString("en-US")} ${state} in ${queue}`);
  const rest = plan.groups.slice(groupsShown).reduce((sum, group) => sum + group.count, 0);
  return rest > 0 ? [...lines, `  ${rest.toLocaleString("en-US")} in other queues and states`] : lines;
}

function planLine(action: string, { count, eligible }: Plan): string {
  const skipped = count - eligible;
  const fits = skipped > 0 ? `; ${jobs(skipped)} cannot be done in their state now and will be passed over` : "";
  return `${action}: ${jobs(count)}${fits}`;
}

function tellPlan(session: Session, action: string, plan: Plan): void {
  session.note([planLine(action, plan), ...groupLines(plan)].join("\n"));
}

function tellDry(session: Session, action: string, answer: Answer, plan: Plan): void {
  if (session.output === "name") return session.lines(plan.sample ?? []);
  if (session.output !== "table" || session.outputJson) return session.wrote(answer, plan.token, "");
  session.lines([planLine(action, plan), ...groupLines(plan), "nothing was changed (dry run)"]);
}

async function act(session: Session, request: Record<string, unknown>, flags: Flags): Promise<number> {
  const options = { body: encodeObject(request), requestId: text(flags, "requestId"), serverWaitMs: 60_000 };
  const answer = await session.client.call("POST", "/api/v1/jobs/bulk", options);
  if (session.outputJson) {
    session.indented(answer.text);
    return exitCodes.ok;
  }
  const done = JSON.parse(answer.text) as { affected?: number; duration_ms?: number; bulk_operation_id?: string; skipped?: Record<string, number> };
  const { affected = 0, duration_ms: ms = 0, bulk_operation_id: id } = done;
  if (id !== undefined && flags.detach !== true) return await finish(session, id);
  session.wrote(answer, id ?? String(affected), id ? `Bulk operation ${id} started` : `Affected: ${affected} jobs (${Math.round(ms)}ms)`);
  const skipped = skippedText(done.skipped);
  if (skipped !== "") session.note(`skipped: ${skipped}`);
  return exitCodes.ok;
}

/** Ids, one a line, or the JSON of a search. */
async function idsOnStdin(session: Session): Promise<string[]> {
  if (session.io.stdinIsTty) return [];
  const input = (await session.io.readStdin()).trim();
  if (input === "") return [];
  return input.startsWith("{") ? idsIn(input) : await jobIds(session, input.split("\n"));
}
