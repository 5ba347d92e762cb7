import { segment } from "../client.js";
import { type AnyCommand, type CommandSpec, requestIdFlag, text } from "../command.js";
import { usageFailure } from "../failure.js";
import { singleJobId } from "../jobs-argument.js";
import { elements, encodeObject, RawJson } from "../json.js";
import { readJson } from "../json-input.js";
import { printList, printOne } from "../listing.js";
import type { Session } from "../session.js";

const exampleBatch = "batch_18a3f7c2e41b9a000000000c41";
const exampleChain = "chn_18a3f7c2e41b9a000000000c42";
const exampleJob = "job_18a3f7c2e41b9a000000000c41";

interface Batch {
  id: string;
  state: string;
  total: number;
  pending: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  deleted: number;
  callback_queue?: string;
  callback_job_id?: string;
  created_at?: string;
  completed_at?: string;
}

interface Step {
  queue: string;
  job_id?: string;
}

interface Chain {
  id: string;
  state: string;
  step: number;
  steps: Step[];
  on_failure?: Step;
  on_exit?: Step;
  created_at?: string;
  ended_at?: string;
}

const pageFlags = [
  { flags: "--limit <n>", description: "1 to 1000 (default: 50)" },
  { flags: "--cursor <text>", description: "where the page before ended" },
];

const callbackFlags = [
  { flags: "--callback <queue>", description: "queue of the job that is added when all members have ended" },
  { flags: "--callback-payload <json>", description: "its payload, as JSON or @file" },
];

async function callbackOf(session: Session, queue: string | undefined, payload: string | undefined) {
  if (payload !== undefined && !queue) throw usageFailure("--callback-payload needs --callback", "for example --callback reports.done");
  return {
    callback_queue: queue || undefined,
    callback_payload: payload === undefined ? undefined : await readJson(session.io, "--callback-payload", payload, `{"report": 1}`),
  };
}

const createBatch: CommandSpec = {
  name: "create",
  group: "Jobs",
  summary: "open a batch that jobs join with corvo enqueue --batch",
  client: true,
  mutates: true,
  examples: [
    "corvo batch create --callback reports.done",
    `corvo batch create --callback reports.done --callback-payload '{"report": 7}' -o name`,
    "corvo batch create -o json",
  ],
  flags: [...callbackFlags, requestIdFlag],
  notes: ["The batch is open until corvo batch seal; then its callback is added as soon as no member is left to end."],
  async run(session, _args, flags) {
    const body = encodeObject(await callbackOf(session, text(flags, "callback"), text(flags, "callbackPayload")));
    const answer = await session.client.call("POST", "/api/v1/batch", { body, requestId: text(flags, "requestId") });
    const { batch_id: id = "" } = JSON.parse(answer.text) as { batch_id?: string };
    session.wrote(answer, id, `Batch opened: ${id}`);
  },
};

const enqueueBatch: CommandSpec = {
  name: "enqueue",
  args: "<queue> <payloads>",
  usage: "[options] <queue> <@file | - | json array>",
  group: "Jobs",
  summary: "add many jobs as one batch, sealed at once",
  client: true,
  mutates: true,
  examples: [
    `corvo batch enqueue images.resize '[{"id": 1}, {"id": 2}]' --callback images.done`,
    `corvo batch enqueue images.resize '[{"id": 1}]' --callback images.done -o name`,
    `echo '[{"id": 1}]' | corvo batch enqueue images.resize -`,
  ],
  flags: [...callbackFlags, requestIdFlag],
  notes: ["The payloads are a JSON array; each element is one job. All of them are added, or none."],
  async run(session, [queue, given], flags) {
    const payloads = await readJson(session.io, "payloads", given, `[{"id": 1}, {"id": 2}]`);
    const values = elements(payloads.text);
    if (values === undefined || values.length === 0) throw usageFailure("the payloads are no JSON array with elements", `for example '[{"id": 1}]'`);
    const jobs = new RawJson(`[${values.map((payload) => encodeObject({ queue, payload: new RawJson(payload) })).join(",")}]`);
    const batch = await callbackOf(session, text(flags, "callback"), text(flags, "callbackPayload"));
    const body = encodeObject({ jobs, batch: new RawJson(encodeObject(batch)) });
    const answer = await session.client.call("POST", "/api/v1/enqueue/batch", { body, requestId: text(flags, "requestId") });
    const { batch_id: id = "", job_ids: ids = [] } = JSON.parse(answer.text) as { batch_id?: string; job_ids?: string[] };
    session.wrote(answer, id, `Batch ${id}: ${ids.length} ${ids.length === 1 ? "job" : "jobs"} enqueued`);
  },
};

const sealBatch: CommandSpec = {
  name: "seal",
  args: "<batch>",
  group: "Jobs",
  summary: "let no more jobs join a batch",
  client: true,
  mutates: true,
  examples: [`corvo batch seal ${exampleBatch}`, `corvo batch seal ${exampleBatch} -o json`, `corvo batch seal ${exampleBatch} --request-id seal-1`],
  flags: [requestIdFlag],
  async run(session, [id], flags) {
    const answer = await session.client.call("POST", `/api/v1/batch/${segment(id)}/seal`, { body: "{}", requestId: text(flags, "requestId") });
    const { status, callback_job: callback } = JSON.parse(answer.text) as { status?: string; callback_job?: { id: string } };
    session.wrote(answer, id, `Batch ${status}${callback ? `; callback ${callback.id}` : ""}`);
  },
};

const showBatch: CommandSpec = {
  name: "show",
  args: "<batch>",
  group: "Jobs",
  summary: "show what has become of a batch's members",
  client: true,
  watch: true,
  examples: [`corvo batch show ${exampleBatch}`, `corvo batch show ${exampleBatch} -o json`, `corvo batch show ${exampleBatch} -o yaml`],
  async run(session, [id]) {
    const answer = await session.client.call("GET", `/api/v1/batches/${segment(id)}`);
    const batch = JSON.parse(answer.text) as Batch;
    printOne(session, answer, id, () => {
      session.line(`Batch ${batch.id}: ${batch.state}`);
      session.line(`${batch.total} ${batch.total === 1 ? "job" : "jobs"}: ${countsOf(batch)}`);
      if (batch.callback_job_id) session.line(`callback ${batch.callback_job_id} in ${batch.callback_queue}`);
      else if (batch.callback_queue) session.line(`callback to ${batch.callback_queue} is still to come`);
    });
  },
};

function countsOf(batch: Batch): string {
  return (["pending", "succeeded", "failed", "cancelled", "deleted"] as const).map((name) => `${batch[name]} ${name}`).join(", ");
}

const listBatches: CommandSpec = {
  name: "list",
  group: "Jobs",
  summary: "list batches, newest first",
  client: true,
  watch: true,
  list: true,
  examples: ["corvo batch list", "corvo batch list --state running -o name", "corvo batch list -o csv"],
  flags: [{ flags: "--state <name>", description: "open, running or completed" }, ...pageFlags],
  async run(session, _args, flags) {
    const answer = await session.client.call("GET", `/api/v1/batches${query(text(flags, "state"), text(flags, "limit"), text(flags, "cursor"))}`);
    printList<Batch>(session, answer, {
      member: "batches",
      name: (batch) => batch.id,
      empty: "no batches",
      columns: [
        { title: "BATCH", value: (batch) => batch.id },
        { title: "STATE", value: (batch) => batch.state },
        ...(["total", "pending", "succeeded", "failed", "cancelled", "deleted"] as const).map((name) => ({
          title: name.toUpperCase(),
          value: (batch: Batch) => batch[name],
          right: true,
        })),
        { title: "CALLBACK", value: (batch) => batch.callback_queue ?? "" },
        { title: "CREATED", value: (batch) => session.time(batch.created_at) },
      ],
    });
  },
};

const showChain: CommandSpec = {
  name: "show",
  args: "<chain>",
  group: "Jobs",
  summary: "show where a chain stands and which jobs it made",
  client: true,
  watch: true,
  examples: [`corvo chain show ${exampleChain}`, `corvo chain show ${exampleChain} -o json`, `corvo chain show ${exampleChain} -o yaml`],
  async run(session, [id]) {
    const answer = await session.client.call("GET", `/api/v1/chains/${segment(id)}`);
    const chain = JSON.parse(answer.text) as Chain;
    printOne(session, answer, id, () => {
      session.line(`Chain ${chain.id}: ${chain.state}`);
      for (const [i, step] of chain.steps.entries()) session.line(`${i === chain.step ? ">" : " "} ${i}  ${step.queue}  ${step.job_id ?? "-"}`);
      if (chain.on_failure) session.line(`  on failure  ${chain.on_failure.queue}  ${chain.on_failure.job_id ?? "-"}`);
      if (chain.on_exit) session.line(`  on exit     ${chain.on_exit.queue}  ${chain.on_exit.job_id ?? "-"}`);
    });
  },
};

const listChains: CommandSpec = {
  name: "list",
  group: "Jobs",
  summary: "list chains, newest first",
  client: true,
  watch: true,
  list: true,
  examples: ["corvo chain list", "corvo chain list --state failed", "corvo chain list -o name"],
  flags: [{ flags: "--state <name>", description: "running, completed, exited, failed or cancelled" }, ...pageFlags],
  async run(session, _args, flags) {
    const answer = await session.client.call("GET", `/api/v1/chains${query(text(flags, "state"), text(flags, "limit"), text(flags, "cursor"))}`);
    printList<Chain>(session, answer, {
      member: "chains",
      name: (chain) => chain.id,
      empty: "no chains",
      columns: [
        { title: "CHAIN", value: (chain) => chain.id },
        { title: "STATE", value: (chain) => chain.state },
        { title: "STEP", value: (chain) => `${chain.step + 1}/${chain.steps.length}`, right: true },
        { title: "CREATED", value: (chain) => session.time(chain.created_at) },
        { title: "STEPS", value: (chain) => chain.steps.map((step) => step.queue).join(" > "), cut: true },
      ],
    });
  },
};

const dependencies: CommandSpec = {
  name: "deps",
  aliases: ["dependencies"],
  args: "<job>",
  group: "Jobs",
  summary: "show what a job waits for, and who waits for it",
  client: true,
  watch: true,
  examples: [`corvo deps ${exampleJob}`, `corvo deps ${exampleJob} -o json`, `corvo deps ${exampleJob} -o yaml`],
  async run(session, [job]) {
    const id = await singleJobId(session, job);
    const answer = await session.client.call("GET", `/api/v1/jobs/${segment(id)}/dependencies`);
    const found = JSON.parse(answer.text) as {
      depends_on: { job_id: string; state: string; met: boolean; reason?: string }[];
      waiting: number;
      dependents: string[];
    };
    printOne(session, answer, id, () => {
      if (found.depends_on.length === 0) session.line("waits for nobody");
      for (const one of found.depends_on) session.line(`${one.met ? "met    " : "waiting"}  ${reasonOf(one)}`);
      for (const one of found.dependents) session.line(`awaited by ${one}`);
    });
  },
};

const children: CommandSpec = {
  name: "children",
  args: "<job>",
  group: "Jobs",
  summary: "list a job's children, and what has become of them",
  flags: [
    { flags: "--limit <n>", description: "list at most so many, 1 to 1000 (default: 50)" },
    { flags: "--cursor <cursor>", description: "go on where a list ended" },
  ],
  client: true,
  watch: true,
  examples: [`corvo children ${exampleJob}`, `corvo children ${exampleJob} -o json`, `corvo children ${exampleJob} -o yaml`],
  async run(session, [job], flags) {
    const id = await singleJobId(session, job);
    const answer = await session.client.call("GET", `/api/v1/jobs/${segment(id)}/children${query(undefined, text(flags, "limit"), text(flags, "cursor"))}`);
    const counts = JSON.parse(answer.text) as Batch & { jobs?: { id: string; queue: string; state: string }[]; cursor?: string };
    printOne(session, answer, id, () => {
      session.line(`${counts.total} ${counts.total === 1 ? "child" : "children"}: ${countsOf(counts)}`);
      for (const job of counts.jobs ?? []) session.line(`${job.id}  ${job.state}  ${job.queue}`);
      if (counts.cursor) session.note(`hint:  more: --cursor ${counts.cursor}`);
    });
  },
};

/** The server's reason begins with the id as a rule; it is said once. */
function reasonOf({ job_id: id, state, reason }: { job_id: string; state: string; reason?: string }): string {
  return reason?.startsWith(id) ? reason : `${id}  ${reason ?? state}`;
}

function query(state: string | undefined, limit: string | undefined, cursor: string | undefined): string {
  const given = Object.entries({ state, limit, cursor }).filter(([, value]) => value !== undefined && value !== "");
  return given.length === 0 ? "" : `?${given.map(([name, value]) => `${name}=${encodeURIComponent(value!)}`).join("&")}`;
}

/** Work that belongs together: batches, chains, dependencies. */
export const togetherCommands: readonly AnyCommand[] = [
  {
    name: "batch",
    aliases: ["batches"],
    group: "Jobs",
    summary: "jobs that end together: counters and a callback",
    subcommands: [createBatch, enqueueBatch, sealBatch, showBatch, listBatches],
  },
  { name: "chain", aliases: ["chains"], group: "Jobs", summary: "jobs that follow one another", subcommands: [showChain, listChains] },
  dependencies,
  children,
];
