import { segment } from "../client.js";
import { type AnyCommand, type CommandGroup, type CommandSpec, type FlagSpec, requestIdFlag, text } from "../command.js";
import { ServerRefusal, usageFailure } from "../failure.js";
import { singleJobId } from "../jobs-argument.js";
import { encodeObject, RawJson } from "../json.js";
import { readJson } from "../json-input.js";
import { rememberJob } from "../last-job.js";
import { printList, printOne } from "../listing.js";
import { guardQueueName } from "../queues.js";
import type { Session } from "../session.js";

const exampleId = "job_18a3f7c2e41b9a000000000c41";
const group = "Agents and money";

const replay: CommandSpec = {
  name: "replay",
  args: "<job>",
  group,
  summary: "start an agent job again from one of its iterations",
  client: true,
  mutates: true,
  examples: [`corvo replay ${exampleId} --from 2`, `corvo replay ${exampleId} --from 2 -o name`, `corvo replay ${exampleId} --from 1 -o json`],
  flags: [{ flags: "--from <n>", description: "the iteration whose checkpoint the new job starts with, from 1" }, requestIdFlag],
  notes: ["A new job: same queue, payload, priority, tags and limits; iteration 1, no cost. The original stays as it is."],
  async run(session, [job], flags) {
    const from = text(flags, "from") ?? "0";
    if (!/^[1-9][0-9]{0,6}$/.test(from)) throw usageFailure("--from must be > 0", `corvo replay ${job} --from 1`);
    const id = await singleJobId(session, job);
    const body = encodeObject({ from: Number(from) });
    const answer = await session.client.call("POST", `/api/v1/jobs/${segment(id)}/replay`, { body, requestId: text(flags, "requestId") });
    if (session.dryRun) return session.wrote(answer, id, "");
    const made = JSON.parse(answer.text) as { job_id: string; status: string };
    await rememberJob(session, made.job_id);
    printOne(session, answer, made.job_id, () => session.did(`Replay enqueued: ${made.job_id} (status: ${made.status})`));
  },
};

interface Iteration {
  id: number;
  iteration: number;
  status: string;
  hold_reason?: string;
  model?: string;
  input_tokens?: number;
  output_tokens?: number;
  cost_usd?: number;
  created_at?: string;
}

const iterations: CommandSpec = {
  name: "iterations",
  args: "<job>",
  group,
  summary: "show what each iteration of an agent job did",
  client: true,
  watch: true,
  list: true,
  examples: [`corvo iterations ${exampleId}`, `corvo iterations ${exampleId} -o wide`, `corvo iterations ${exampleId} -o json`],
  async run(session, [job]) {
    const id = await singleJobId(session, job);
    const answer = await session.client.call("GET", `/api/v1/jobs/${segment(id)}/iterations`);
    const plain = session.output === "table" && !session.outputJson && session.fields === undefined;
    if (plain) {
      const rows = (JSON.parse(answer.text) as { iterations: Iteration[] }).iterations;
      if (rows.length === 0) return session.line("No iterations");
      return session.lines(rows.map(iterationLine));
    }
    printList<Iteration>(session, answer, {
      member: "iterations",
      columns: [
        { title: "N", value: (row) => row.iteration, right: true },
        { title: "STATUS", value: (row) => row.status },
        { title: "COST", value: (row) => (row.cost_usd ?? 0).toFixed(6), right: true },
        { title: "MODEL", value: (row) => row.model ?? "-" },
        { title: "IN", value: (row) => row.input_tokens ?? 0, right: true },
        { title: "OUT", value: (row) => row.output_tokens ?? 0, right: true },
        { title: "AT", value: (row) => session.time(row.created_at) },
        { title: "HOLD", value: (row) => row.hold_reason ?? "-", cut: true },
      ],
      name: (row) => String(row.iteration),
      empty: "No iterations",
    });
  },
};

function iterationLine({ iteration, status, cost_usd, hold_reason }: Iteration): string {
  return `${iteration}  ${status}  cost=${(cost_usd ?? 0).toFixed(6)}${hold_reason === undefined ? "" : `  hold=${hold_reason}`}`;
}

interface HeldJob {
  id: string;
  queue: string;
  state: string;
}

/** Why jobs are held, by id; a list does not say it. Jobs that are gone meanwhile are left out. */
async function holdReasons(session: Session, jobs: readonly HeldJob[]): Promise<Map<string, string>> {
  const reasons = new Map<string, string>();
  const look = async ({ id }: HeldJob): Promise<void> => {
    try {
      const { hold_reason: reason } = JSON.parse((await session.client.call("GET", `/api/v1/jobs/${segment(id)}`)).text) as { hold_reason?: string };
      reasons.set(id, reason ?? "-");
    } catch (error) {
      if (!(error instanceof ServerRefusal)) throw error;
    }
  };
  await Promise.all(jobs.map(look));
  return reasons;
}

const held: CommandSpec = {
  name: "held",
  group,
  summary: "list the jobs that wait for a person or a budget",
  client: true,
  watch: true,
  list: true,
  examples: ["corvo held", "corvo held -o wide", "corvo held -o name | corvo approve -"],
  notes: ["The newest 100. Decide with approve or reject; -o wide shows why each is held."],
  async run(session) {
    const body = encodeObject({ state: ["held"], limit: 100, sort: "created_at", order: "desc" });
    const answer = await session.client.call("POST", "/api/v1/jobs/search", { body });
    const jobs = (JSON.parse(answer.text) as { jobs: HeldJob[] | null }).jobs ?? [];
    const reasons = session.output === "wide" ? await holdReasons(session, jobs) : undefined;
    if (session.output === "table" && !session.outputJson && session.fields === undefined) {
      if (jobs.length === 0) return session.line("No held jobs");
      return session.lines(jobs.map(({ id, queue, state }) => `${id}  ${queue}  ${state}`));
    }
    printList<HeldJob>(session, answer, {
      member: "jobs",
      columns: [
        { title: "ID", value: (row) => row.id },
        { title: "QUEUE", value: (row) => row.queue },
        { title: "STATE", value: (row) => row.state },
        { title: "WHY", value: (row) => reasons?.get(row.id) ?? "-", wide: true, cut: true },
      ],
      name: (row) => row.id,
      empty: "No held jobs",
    });
  },
};

interface Sums {
  input_tokens: number;
  output_tokens: number;
  cache_creation_tokens: number;
  cache_read_tokens: number;
  cost_usd: number;
  count: number;
}

interface UsageSummary {
  period: string;
  from: string;
  to: string;
  totals: Sums;
  groups?: (Sums & { key: string })[];
}

const usage: CommandSpec = {
  name: "usage",
  group,
  summary: "show what was used and what it cost",
  client: true,
  watch: true,
  examples: ["corvo usage", "corvo usage --period 7d --group-by model", "corvo usage --period 90m -o json"],
  flags: [
    { flags: "--period <duration>", description: "how far back, like 90m, 24h or 7d (default 24h)" },
    { flags: "--group-by <what>", description: "queue, model, provider or namespace" },
  ],
  async run(session, _, flags) {
    const query = new URLSearchParams({ period: text(flags, "period") ?? "24h", group_by: text(flags, "groupBy") ?? "" });
    if (query.get("group_by") === "") query.delete("group_by");
    const answer = await session.client.call("GET", `/api/v1/usage/summary?${query}`);
    const summary = JSON.parse(answer.text) as UsageSummary;
    printOne(session, answer, summary.period, () => {
      const { totals } = summary;
      session.line(`Usage summary (${summary.period})`);
      session.line(`Window: ${summary.from} -> ${summary.to}`);
      session.line(`Total rows: ${totals.count}`);
      session.line(`Input tokens: ${totals.input_tokens}`);
      session.line(`Output tokens: ${totals.output_tokens}`);
      session.line(`Cache create tokens: ${totals.cache_creation_tokens}`);
      session.line(`Cache read tokens: ${totals.cache_read_tokens}`);
      session.line(`Total cost USD: ${totals.cost_usd.toFixed(6)}`);
      if (!summary.groups?.length) return;
      session.line("Groups:");
      for (const one of summary.groups) session.line(groupLine(one));
    });
  },
};

function groupLine(g: Sums & { key: string }): string {
  const cache = `cache_create=${g.cache_creation_tokens} cache_read=${g.cache_read_tokens}`;
  return `- ${g.key} rows=${g.count} in=${g.input_tokens} out=${g.output_tokens} ${cache} cost=${g.cost_usd.toFixed(6)}`;
}

const cache: CommandGroup = {
  name: "cache",
  group,
  summary: "look at prompt caches",
  subcommands: [
    {
      name: "stats",
      group,
      summary: "show how much of the last 24 hours came from prompt caches",
      client: true,
      watch: true,
      examples: ["corvo cache stats", "corvo cache stats -o json", "corvo cache stats --server http://10.0.0.1:8080"],
      async run(session) {
        const answer = await session.client.call("GET", "/api/v1/usage/summary?period=24h");
        const { totals } = JSON.parse(answer.text) as UsageSummary;
        printOne(session, answer, "24h", () => {
          const { cache_creation_tokens: created, cache_read_tokens: read } = totals;
          session.line(`Cache create tokens: ${created}`);
          session.line(`Cache read tokens: ${read}`);
          session.line(`Estimated hit rate:  ${((100 * read) / Math.max(1, read + created)).toFixed(1)}%`);
        });
      },
    },
  ],
};

interface Budget {
  scope: string;
  target: string;
  daily_usd?: number;
  per_job_usd?: number;
  on_exceed: string;
  spent_usd?: number;
  exceeded?: boolean;
  resets_at?: string;
  namespace?: string;
}

function budgetPath(scope: string, target: string): string {
  return `/api/v1/budgets/${segment(scope)}/${segment(target)}`;
}

function amount(value: string | undefined, flag: string): RawJson | undefined {
  if (value === undefined) return undefined;
  if (!/^([0-9]+(\.[0-9]*)?|\.[0-9]+)$/.test(value)) throw usageFailure(`${flag} "${value}" is not an amount of dollars`, `for example ${flag} 2.50`);
  return new RawJson(String(Number(value)));
}

const budget: CommandGroup = {
  name: "budget",
  group,
  summary: "limit what queues, tags and everything together may cost",
  subcommands: [
    {
      name: "list",
      group,
      summary: "list budgets and what is spent of them today",
      client: true,
      watch: true,
      list: true,
      examples: ["corvo budget list", "corvo budget list -o wide", "corvo budget list -o json"],
      async run(session) {
        printList<Budget>(session, await session.client.call("GET", "/api/v1/budgets"), {
          columns: [
            { title: "SCOPE", value: (row) => row.scope },
            { title: "TARGET", value: (row) => row.target },
            { title: "DAILY_USD", value: (row) => row.daily_usd ?? "<nil>", right: true },
            { title: "PER_JOB_USD", value: (row) => row.per_job_usd ?? "<nil>", right: true },
            { title: "ON_EXCEED", value: (row) => row.on_exceed, paint: (cell, row) => (row.exceeded ? session.colors.yellow(cell) : cell) },
            { title: "SPENT_TODAY", value: (row) => (row.spent_usd ?? 0).toFixed(4), right: true, wide: true },
            { title: "EXCEEDED", value: (row) => (row.exceeded ? "yes" : "no"), wide: true },
            { title: "RESETS", value: (row) => session.time(row.resets_at), wide: true },
            { title: "NAMESPACE", value: (row) => row.namespace ?? "<all>", wide: true },
          ],
          name: (row) => `${row.scope}/${row.target}`,
          empty: "No budgets configured",
        });
      },
    },
    {
      name: "set",
      args: "<scope> [target]",
      group,
      summary: "set a budget, in place of the one that was there",
      client: true,
      mutates: true,
      examples: [
        "corvo budget set queue agents.research --daily 10 --per-job 1.25",
        "corvo budget set tag tenant:acme --daily 5 --on-exceed hold",
        "corvo budget set global --daily 25 --on-exceed alert_only",
      ],
      flags: [
        { flags: "--daily <usd>", description: "dollars per UTC day" },
        { flags: "--per-job <usd>", description: "dollars per job" },
        { flags: "--on-exceed <action>", description: "hold, reject or alert_only (default hold)" },
        requestIdFlag,
      ],
      notes: [
        "Scopes: queue, tag (key:value), global (which needs no target). At least one limit is needed.",
        "Jobs that a daily budget holds run again the next UTC day, when it is raised, or when somebody approves them.",
      ],
      async run(session, [scope, given], flags) {
        const target = budgetTarget(scope, given);
        if (scope === "queue") await guardQueueName(session, target, `corvo budget set ${scope} ${target}`);
        const body = encodeObject({
          scope,
          target,
          daily_usd: amount(text(flags, "daily"), "--daily"),
          per_job_usd: amount(text(flags, "perJob"), "--per-job"),
          on_exceed: text(flags, "onExceed") ?? "hold",
        });
        const answer = await session.client.call("POST", "/api/v1/budgets", { body, requestId: text(flags, "requestId") });
        told(session, answer, `${scope}/${target}`, `Budget set for ${scope}:${target}`);
      },
    },
    {
      name: "delete",
      args: "<scope> [target]",
      group,
      summary: "remove a budget",
      client: true,
      mutates: true,
      examples: ["corvo budget delete queue agents.research", "corvo budget delete tag tenant:acme", "corvo budget delete global"],
      flags: [requestIdFlag],
      notes: ["Jobs that it held run again. A budget that does not exist is a success too."],
      async run(session, [scope, given], flags) {
        const target = budgetTarget(scope, given);
        const answer = await session.client.call("DELETE", budgetPath(scope, target), { requestId: text(flags, "requestId") });
        told(session, answer, `${scope}/${target}`, `Budget deleted for ${scope}:${target}`);
      },
    },
  ],
};

/** What a budget is for; everything together has one name only. */
function budgetTarget(scope: string, given: string | undefined): string {
  if (scope === "global") return given ?? "*";
  if (given === undefined) throw usageFailure(`a budget of the scope ${scope} needs a target`, "corvo budget set queue emails.send --daily 10");
  if (scope === "tag" && !/^[^:]+:/.test(given)) throw usageFailure(`a tag's budget is for key:value, not "${given}"`, "for example tenant:acme");
  return given;
}

/** Corvo printed the answer of these with `--output-json`. */
function told(session: Session, answer: Parameters<Session["wrote"]>[0], name: string, line: string): void {
  if (session.outputJson && !session.dryRun) session.indented(answer.text);
  else session.wrote(answer, name, line);
}

interface Policy {
  id: string;
  name: string;
  mode: string;
  enabled: boolean;
  queue?: string;
  tag_key?: string;
  tag_value?: string;
  tags?: Record<string, string>;
  min_cost_usd?: number;
  min_iteration?: number;
}

function conditions(policy: Policy): string {
  const parts = Object.entries(policy.tags ?? {}).map(([key, value]) => `${key}=${value}`);
  if (policy.min_cost_usd !== undefined) parts.push(`cost>=${policy.min_cost_usd}`);
  if (policy.min_iteration) parts.push(`iteration>=${policy.min_iteration}`);
  return parts.join(",") || "-";
}

const policyFlags: readonly FlagSpec[] = [
  { flags: "--mode <mode>", description: "any: one condition is enough; all: every one must hold (default any)" },
  { flags: "--queue <queue>", description: "condition: the job's queue" },
  { flags: "--tag <k=v>", description: "condition: a tag of the job" },
  { flags: "--tags <json>", description: "conditions: tags of the job, as a JSON object" },
  { flags: "--min-cost <usd>", description: "condition: the job has cost at least so much" },
  { flags: "--min-iteration <n>", description: "condition: this iteration or a later one" },
  { flags: "--disabled", description: "add it without effect" },
  requestIdFlag,
];

const approvalPolicy: CommandGroup = {
  name: "approval-policy",
  group,
  summary: "say which agent jobs a person must approve before they go on",
  subcommands: [
    {
      name: "list",
      group,
      summary: "list approval policies, the newest first",
      client: true,
      watch: true,
      list: true,
      examples: ["corvo approval-policy list", "corvo approval-policy list -o wide", "corvo approval-policy list -o json"],
      async run(session) {
        printList<Policy>(session, await session.client.call("GET", "/api/v1/approval-policies"), {
          columns: [
            { title: "ID", value: (row) => row.id },
            { title: "NAME", value: (row) => row.name },
            { title: "MODE", value: (row) => row.mode },
            { title: "ENABLED", value: (row) => String(row.enabled) },
            { title: "QUEUE", value: (row) => row.queue ?? "" },
            { title: "TAG", value: (row) => (row.tag_key ? `${row.tag_key}=${row.tag_value ?? ""}` : "") },
            { title: "MORE", value: conditions, wide: true },
          ],
          name: (row) => row.id,
          empty: "No approval policies configured",
        });
      },
    },
    {
      name: "set",
      args: "<name>",
      group,
      summary: "add an approval policy",
      client: true,
      mutates: true,
      examples: [
        "corvo approval-policy set risky --tag risk=high",
        "corvo approval-policy set costly --queue agents.research --min-cost 1 --mode all",
        "corvo approval-policy set long --min-iteration 20 -o json",
      ],
      flags: policyFlags,
      notes: ["It is looked at when an agent's worker wants to go on (agent_status continue). Without a condition it never matches."],
      async run(session, [name], flags) {
        const tag = text(flags, "tag");
        const at = tag?.indexOf("=") ?? 0;
        if (tag !== undefined && at < 1) throw usageFailure("tag must be key=value", `corvo approval-policy set ${name} --tag risk=high`);
        const minIteration = text(flags, "minIteration");
        if (minIteration !== undefined && !/^[0-9]{1,7}$/.test(minIteration)) throw usageFailure(`--min-iteration "${minIteration}" is not a number`);
        const tags = text(flags, "tags");
        const body = encodeObject({
          name,
          mode: text(flags, "mode") ?? "any",
          enabled: flags.disabled !== true,
          queue: text(flags, "queue"),
          tag_key: tag?.slice(0, at),
          tag_value: tag?.slice(at + 1),
          tags: tags === undefined ? undefined : await readJson(session.io, "tags", tags, `{"risk": "high"}`),
          min_cost_usd: amount(text(flags, "minCost"), "--min-cost"),
          min_iteration: minIteration === undefined ? undefined : Number(minIteration),
        });
        const answer = await session.client.call("POST", "/api/v1/approval-policies", { body, requestId: text(flags, "requestId") });
        const id = session.dryRun ? name : (JSON.parse(answer.text) as Policy).id;
        if (!["queue", "tag", "tags", "minCost", "minIteration"].some((flag) => flags[flag] !== undefined))
          session.note("note: without a condition it matches no job: --queue, --tag, --tags, --min-cost or --min-iteration");
        told(session, answer, id, `approval policy set: ${name}`);
      },
    },
    {
      name: "delete",
      args: "<id>",
      group,
      summary: "remove an approval policy",
      client: true,
      mutates: true,
      examples: [
        "corvo approval-policy delete apol_18a3f7c2e41b9a000000000c41",
        "corvo approval-policy delete apol_18a3f7c2e41b9a000000000c41 -q",
        "corvo approval-policy delete apol_18a3f7c2e41b9a000000000c41 -o json",
      ],
      flags: [requestIdFlag],
      notes: ["Jobs that it held stay held."],
      async run(session, [id], flags) {
        const answer = await session.client.call("DELETE", `/api/v1/approval-policies/${segment(id)}`, { requestId: text(flags, "requestId") });
        told(session, answer, id, `approval policy deleted: ${id}`);
      },
    },
  ],
};

/** Agent work and money: replay, iterations, held, budgets, approval policies, usage, cache. */
export const agentCommands: readonly AnyCommand[] = [replay, iterations, held, usage, cache, budget, approvalPolicy];
