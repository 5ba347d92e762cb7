import type { Answer } from "../client.js";
import { type AnyCommand, type CommandSpec, type FlagSpec, type Flags, list, text } from "../command.js";
import { usageFailure } from "../failure.js";
import { filterFlags, filterOf } from "../filters.js";
import { idsIn } from "../jobs-argument.js";
import { encodeObject, indentJson, plainAngles } from "../json.js";
import { printList } from "../listing.js";
import type { Session } from "../session.js";
import type { Column } from "../table.js";
import { attempts, searchSorts } from "../words.js";
import { bulk } from "./bulk.js";
import { errors } from "./errors.js";
import { operationGroup, operations } from "./tasks.js";

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

const searchFlags: readonly FlagSpec[] = [
  ...filterFlags,
  { flags: "--limit <n>", description: "at most so many, 1 to 1000 (default: 50)" },
  { flags: "--sort <field>", description: "created_at, priority, started_at, completed_at or attempt (default: created_at)" },
  { flags: "--order <order>", description: "asc or desc (default: desc)" },
];

async function found(session: Session, flags: Flags): Promise<Answer> {
  const limit = text(flags, "limit");
  if (limit !== undefined && !/^[1-9][0-9]{0,3}$/.test(limit)) throw usageFailure(`--limit "${limit}" is not a number from 1 to 1000`);
  for (const pair of list(flags, "tag")) if (!/^[^=]+=/.test(pair)) session.note(`note: --tag "${pair}" is not key=value and is left out`);
  const body = {
    ...filterOf(flags, session.io.nowMs()),
    limit: Number(limit ?? 50),
    sort: known(session, "--sort", text(flags, "sort"), searchSorts),
    order: known(session, "--order", text(flags, "order"), ["asc", "desc"]),
  };
  return await session.client.call("POST", "/api/v1/jobs/search", { body: encodeObject(body) });
}

/** Corvo takes an unknown word for its default, so scripts may have one: it is told and passed on. */
function known(session: Session, flag: string, given: string | undefined, words: readonly string[]): string | undefined {
  if (given && !words.includes(given)) session.note(`note: ${flag} "${given}" is not known and does nothing; known are ${words.join(", ")}`);
  return given || undefined;
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
  flags: searchFlags,
  notes: ["All filters must fit. --output-json prints bare ids, one a line, as Corvo v0.3 does; corvo list or -o table prints a table."],
  async run(session, _args, flags) {
    const answer = await found(session, flags);
    if (session.outputJson) return session.lines(idsIn(answer.text));
    if (session.output === "table" && session.flags.output === undefined && !session.fields) return session.line(indentJson(plainAngles(answer.text)));
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
    { title: "ATTEMPT", value: attempts, right: true },
    { title: "CREATED", value: (job) => session.time(job.created_at) },
    { title: "KEY", value: (job) => job.unique_key ?? "-", wide: true },
    { title: "TAGS", value: (job) => (job.tags === undefined ? "-" : JSON.stringify(job.tags)), cut: true, wide: true },
  ];
  printList<Found>(session, answer, { member: "jobs", columns, name: (job) => job.id, empty: "No jobs found" });
  const { total, has_more: more } = JSON.parse(answer.text) as { total?: number; has_more?: boolean };
  if (more && session.output === "table") session.note(`${total} jobs in all; --limit shows more`);
}

/** Search, bulk and their kin. */
export const viewCommands: readonly AnyCommand[] = [search, listJobs, bulk, errors, operations, operationGroup];
