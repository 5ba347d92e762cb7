import { segment } from "../client.js";
import { type CommandSpec, type Flags, list, requestIdFlag, text } from "../command.js";
import { eachJob } from "../each-job.js";
import { usageFailure } from "../failure.js";
import { jobIds, singleJobId } from "../jobs-argument.js";
import { encodeObject, RawJson } from "../json.js";
import { readJson } from "../json-input.js";
import { age } from "../time.js";
import { knownWord } from "../words.js";

const fenceFlag = { flags: "--fence <n>", description: "fence of the lease, as corvo fetch printed it; refused when it is stale" };

export const ack: CommandSpec = {
  name: "ack",
  args: "<job...>",
  usage: "[options] <job...>",
  group: "Workers",
  summary: "complete jobs that were fetched",
  client: true,
  mutates: true,
  examples: [
    "corvo ack job_18a3f7c2e41b9a000000000c41 --fence 7",
    `corvo ack job_18a3f7c2e41b9a000000000c41 --fence 7 --result '{"message_id": "a1"}'`,
    "corvo fetch emails.send --count 10 -o name | corvo ack -",
  ],
  flags: [
    { flags: "--result <json>", description: "the result, as JSON or @file" },
    fenceFlag,
    { flags: "--checkpoint <json>", description: "last checkpoint, as JSON or @file" },
    { flags: "--exit-chain", description: "a step of a chain: no other step follows" },
    { flags: "--agent-status <word>", description: "agent jobs: continue (the next iteration), hold (a person decides) or done" },
    { flags: "--hold-reason <text>", description: "with --agent-status hold: why" },
    { flags: "--cost-usd <usd>", description: "what was used, in dollars" },
    { flags: "--input-tokens <n>", description: "tokens read" },
    { flags: "--output-tokens <n>", description: "tokens written" },
    { flags: "--model <name>", description: "model that was used" },
    { flags: "--provider <name>", description: "its provider" },
    requestIdFlag,
  ],
  async run(session, args, flags) {
    const agentStatus = agentStatusOf(flags);
    const result = text(flags, "result");
    const checkpoint = text(flags, "checkpoint");
    if (result === "-" && args.includes("-")) throw usageFailure("standard input cannot be both the jobs and the result", "give the result as JSON or @file");
    const body = encodeObject({
      result: result === undefined ? undefined : await readJson(session.io, "result", result, `{"ok": true}`),
      checkpoint: checkpoint === undefined ? undefined : await readJson(session.io, "checkpoint", checkpoint, `{"page": 1}`),
      fence: fenceOf(text(flags, "fence")),
      step_status: flags.exitChain === true ? "exit" : undefined,
      agent_status: agentStatus,
      hold_reason: text(flags, "holdReason"),
      usage: usageOf(flags),
    });
    const ids = await jobIds(session, args);
    onlyOneJob(ids, text(flags, "fence"), "--fence");
    onlyOneJob(ids, text(flags, "requestId"), "--request-id");
    return await eachJob(
      session,
      ids,
      (id) => session.client.call("POST", `/api/v1/ack/${segment(id)}`, { body, requestId: text(flags, "requestId") }),
      (id, answer) => session.wrote(answer, id, ackedText(id, agentStatus)),
    );
  },
};

function agentStatusOf(flags: Flags): string | undefined {
  const given = text(flags, "agentStatus");
  return given === undefined ? undefined : knownWord("--agent-status", given, ["continue", "hold", "done"]);
}

function ackedText(id: string, agentStatus: string | undefined): string {
  if (agentStatus === "continue") return `Job ${id}: the iteration is over`;
  return agentStatus === "hold" ? `Job ${id} held` : `Job ${id} completed`;
}

/** Undefined: nothing of it was given. */
function usageOf(flags: Flags): Record<string, string | RawJson | undefined> | undefined {
  const number = (name: string, flag: string): RawJson | undefined => {
    const value = text(flags, name);
    if (value !== undefined && !/^[0-9]+(\.[0-9]+)?$/.test(value)) throw usageFailure(`${flag} "${value}" is not a number, 0 or more`);
    return value === undefined ? undefined : new RawJson(String(Number(value)));
  };
  const usage = {
    cost_usd: number("costUsd", "--cost-usd"),
    input_tokens: number("inputTokens", "--input-tokens"),
    output_tokens: number("outputTokens", "--output-tokens"),
    model: text(flags, "model"),
    provider: text(flags, "provider"),
  };
  return Object.values(usage).some((value) => value !== undefined) ? usage : undefined;
}

export const fail: CommandSpec = {
  name: "fail",
  args: "<job> <error>",
  group: "Workers",
  summary: "report that an attempt failed",
  client: true,
  mutates: true,
  examples: [
    `corvo fail job_18a3f7c2e41b9a000000000c41 "SMTP 535 auth failed" --fence 7`,
    `corvo fail job_18a3f7c2e41b9a000000000c41 "crashed" --backtrace @trace.txt`,
    `corvo fail job_18a3f7c2e41b9a000000000c41 "timed out" -o json`,
  ],
  notes: ["The job is tried again after its back-off or, when its attempts are spent, dead."],
  flags: [{ flags: "--backtrace <text>", description: "where it went wrong, as text, @file or -" }, fenceFlag, requestIdFlag],
  async run(session, [job, error], flags) {
    const id = await singleJobId(session, job);
    const backtrace = text(flags, "backtrace");
    const body = encodeObject({
      error,
      backtrace: backtrace === undefined ? undefined : await backtraceText(session.io, backtrace),
      fence: fenceOf(text(flags, "fence")),
    });
    return await eachJob(
      session,
      [id],
      (each) => session.client.call("POST", `/api/v1/fail/${segment(each)}`, { body, requestId: text(flags, "requestId") }),
      (each, answer) => {
        const next = JSON.parse(answer.text) as { status: string; next_attempt_at?: string; attempts_remaining: number };
        const attempts = next.attempts_remaining === 1 ? "1 attempt left" : `${next.attempts_remaining || "no"} attempts left`;
        const when =
          next.next_attempt_at === undefined
            ? ""
            : session.io.stdoutIsTty
              ? ` ${age(next.next_attempt_at, session.io.nowMs())}`
              : ` at ${next.next_attempt_at}`;
        session.wrote(answer, each, `Job ${each}: ${next.status}${when} (${attempts})`);
      },
    );
  },
};

async function backtraceText(io: { readStdin(): Promise<string>; readFile(path: string): Promise<string> }, given: string): Promise<string> {
  if (given === "-") return await io.readStdin();
  if (!given.startsWith("@")) return given;
  try {
    return await io.readFile(given.slice(1));
  } catch (error) {
    throw usageFailure(`cannot read the backtrace from ${given.slice(1)}: ${(error as Error).message}`);
  }
}

/** Fences have 64 bits, so they go through as text. */
function fenceOf(value: string | undefined): RawJson | undefined {
  if (value === undefined) return undefined;
  if (!/^(0|[1-9][0-9]{0,19})$/.test(value) || BigInt(value) > 0xffff_ffff_ffff_ffffn)
    throw usageFailure(`--fence "${value}" is not a fence`, "a whole number, as corvo fetch printed it");
  return new RawJson(value);
}

export function onlyOneJob(ids: readonly string[], value: string | undefined, flag: string): void {
  if (value !== undefined && ids.length > 1) throw usageFailure(`${flag} belongs to one job, ${ids.length} were given`);
}

export const release: CommandSpec = {
  name: "release",
  args: "<job...>",
  usage: "[options] <job...>",
  group: "Workers",
  summary: "give fetched jobs back; the attempt does not count",
  client: true,
  mutates: true,
  examples: [
    "corvo release job_18a3f7c2e41b9a000000000c41 --fence 7",
    `corvo release job_18a3f7c2e41b9a000000000c41 --checkpoint '{"page": 3}'`,
    "corvo release job_18a3f7c2e41b9a000000000c41 -o json",
  ],
  notes: ["The job is pending again, the next in turn of its priority."],
  flags: [fenceFlag, { flags: "--checkpoint <json>", description: "last checkpoint, as JSON or @file" }, requestIdFlag],
  async run(session, args, flags) {
    const checkpoint = text(flags, "checkpoint");
    const body = encodeObject({
      checkpoint: checkpoint === undefined ? undefined : await readJson(session.io, "checkpoint", checkpoint, `{"page": 1}`),
      fence: fenceOf(text(flags, "fence")),
    });
    const ids = await jobIds(session, args);
    onlyOneJob(ids, text(flags, "fence"), "--fence");
    onlyOneJob(ids, text(flags, "requestId"), "--request-id");
    return await eachJob(
      session,
      ids,
      (id) => session.client.call("POST", `/api/v1/release/${segment(id)}`, { body, requestId: text(flags, "requestId") }),
      (id, answer) => session.wrote(answer, id, `Job ${id} given back`),
    );
  },
};

export const step: CommandSpec = {
  name: "step",
  args: "<job>",
  group: "Workers",
  summary: "one step of a fetched job: acknowledge or keep it, and add jobs, all or nothing",
  client: true,
  mutates: true,
  examples: [
    `corvo step job_18a3f7c2e41b9a000000000c41 --fence 7 --result '{"ok": true}' --job '{"queue": "emails.send", "payload": {"n": 1}}'`,
    `corvo step job_18a3f7c2e41b9a000000000c41 --keep --checkpoint '{"page": 3}' --usage '{"model": "m", "cost_usd": 0.02}'`,
    "corvo step job_18a3f7c2e41b9a000000000c41 --request-id once -o json",
  ],
  notes: ["Jobs become children of this one unless they have a parent_id. If anything is refused, nothing has happened."],
  flags: [
    { flags: "--job <json>", description: "a job to add, as JSON or @file; may be repeated", repeated: true },
    { flags: "--keep", description: "the job stays leased, and its lease is extended" },
    { flags: "--result <json>", description: "the result, as JSON or @file" },
    { flags: "--checkpoint <json>", description: "last checkpoint, as JSON or @file" },
    { flags: "--usage <json>", description: "what was used, as JSON or @file" },
    { flags: "--agent-status <word>", description: "agent jobs: done, continue or hold" },
    fenceFlag,
    requestIdFlag,
  ],
  async run(session, [given], flags) {
    const id = await singleJobId(session, given);
    const json = async (name: string, example: string): Promise<RawJson | undefined> => {
      const value = text(flags, name);
      return value === undefined ? undefined : await readJson(session.io, name, value, example);
    };
    const jobs: RawJson[] = [];
    for (const one of list(flags, "job")) jobs.push(await readJson(session.io, "--job", one, `{"queue": "emails.send"}`));
    const body = encodeObject({
      keep: flags.keep === true ? true : undefined,
      agent_status: agentStatusOf(flags),
      result: await json("result", `{"ok": true}`),
      checkpoint: await json("checkpoint", `{"page": 1}`),
      usage: await json("usage", `{"cost_usd": 0.02}`),
      jobs: jobs.length > 0 ? new RawJson(`[${jobs.map((one) => one.text).join(",")}]`) : undefined,
      fence: fenceOf(text(flags, "fence")),
    });
    const answer = await session.client.call("POST", `/api/v1/jobs/${segment(id)}/step`, { body, requestId: text(flags, "requestId") });
    const { state, job_ids: added } = JSON.parse(answer.text) as { state: string; job_ids: string[] };
    session.wrote(answer, id, `Job ${id}: ${state}${added.length > 0 ? `; added ${added.join(", ")}` : ""}`);
  },
};
