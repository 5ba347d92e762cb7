import { type FlagSpec, type Flags, list, text } from "./command.js";
import { usageFailure } from "./failure.js";
import { members, type RawJson } from "./json.js";
import { closest } from "./similar.js";
import { timeFlag } from "./time.js";
import { whereFilter } from "./where.js";
import { jobStates, knownWord, priorities } from "./words.js";

/** Conditions on jobs, as `corvo search` takes them. */
export const filterFlags: readonly FlagSpec[] = [
  { flags: "--where <conditions>", description: "conditions in one line, like 'state:dead tag.tenant:acme age>1d'; see corvo help filters" },
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
  { flags: "--batch-id <id>", description: "members of this batch" },
  { flags: "--chain-id <id>", description: "steps of this chain" },
  { flags: "--parent-id <job>", description: "children of this job" },
  { flags: "--id-prefix <text>", description: "whose id begins with this" },
];

/** The members of the server's filter. A test compares them with the proto. */
export const filterMembers = [
  ...["queue", "state", "priority", "tags", "payload_contains", "payload_jq", "created_after", "created_before", "scheduled_after", "scheduled_before"],
  ...["started_after", "started_before", "completed_after", "completed_before", "expire_after", "expire_before", "attempt_min", "attempt_max"],
  ...["unique_key", "batch_id", "worker_id", "parent_id", "chain_id", "has_errors", "error_contains", "job_id_prefix", "error_group", "queue_prefix"],
] as const;

/** The conditions of the flags; a word that the server would pass over is refused here. */
export function filterOf(flags: Flags, nowMs: number): Record<string, unknown> {
  const where = text(flags, "where");
  const conditions = flagConditions(flags);
  if (where === undefined) return conditions;
  const also = whereFilter(where, nowMs);
  const twice = Object.keys(also).find((name) => conditions[name] !== undefined);
  if (twice !== undefined) throw usageFailure(`--where and a flag both have a condition for ${twice}`);
  return { ...conditions, ...also };
}

function flagConditions(flags: Flags): Record<string, unknown> {
  const time = (flag: string, name: string) => {
    const given = text(flags, name);
    return given ? timeFlag(flag, given) : undefined;
  };
  const states = (text(flags, "state") ?? "").split(",").filter((state) => state.trim() !== "");
  const tags = Object.fromEntries(tagPairs(flags));
  return {
    queue: text(flags, "queue") || undefined,
    state: states.length > 0 ? states.map((state) => knownWord("--state", state, jobStates)) : undefined,
    priority: text(flags, "priority") ? knownWord("--priority", text(flags, "priority") as string, priorities) : undefined,
    payload_contains: text(flags, "payloadContains") || undefined,
    payload_jq: text(flags, "payloadJq") || undefined,
    error_contains: text(flags, "errorContains") || undefined,
    error_group: text(flags, "errorGroup") || undefined,
    tags: Object.keys(tags).length > 0 ? tags : undefined,
    created_after: time("--created-after", "createdAfter"),
    created_before: time("--created-before", "createdBefore"),
    unique_key: text(flags, "uniqueKey") || undefined,
    batch_id: text(flags, "batchId") || undefined,
    chain_id: text(flags, "chainId") || undefined,
    parent_id: text(flags, "parentId") || undefined,
    job_id_prefix: text(flags, "idPrefix") || undefined,
  };
}

/** Corvo passes over a `--tag` that is not key=value. */
function tagPairs(flags: Flags): [string, string][] {
  return list(flags, "tag").flatMap((pair): [string, string][] => {
    const match = /^([^=]+)=(.*)$/s.exec(pair);
    return match ? [[match[1], match[2]]] : [];
  });
}

/**
 * Refuses a filter with a member that does not exist: the server would too, but knows no better name.
 * The same for states and priorities, where a slip would match nothing, or normal jobs.
 */
export function checkFilter(filter: RawJson): void {
  const found = members(filter.text);
  for (const [name, value] of found ?? []) {
    if (!(filterMembers as readonly string[]).includes(name)) {
      const meant = closest(name, filterMembers);
      throw usageFailure(`--filter has no member "${name}"`, meant ? `did you mean "${meant}"?` : `members: ${filterMembers.join(", ")}`);
    }
    if (name === "priority") knownWord("priority", String(JSON.parse(value)), priorities);
    if (name === "state") for (const state of [JSON.parse(value)].flat()) knownWord("state", String(state), jobStates);
  }
}
