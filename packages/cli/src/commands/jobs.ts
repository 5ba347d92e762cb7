import { segment } from "../client.js";
import { type CommandSpec, requestIdFlag, text } from "../command.js";
import { eachJob } from "../each-job.js";
import { usageFailure } from "../failure.js";
import { jobIds, jobsNote } from "../jobs-argument.js";
import { encodeObject } from "../json.js";
import { readJson } from "../json-input.js";
import { printOne } from "../listing.js";
import { guardQueueName } from "../queues.js";
import { onlyOneJob } from "./ack.js";

const exampleId = "job_18a3f7c2e41b9a000000000c41";

export const inspect: CommandSpec = {
  name: "inspect",
  args: "<job...>",
  usage: "[options] <job...>",
  group: "Jobs",
  summary: "show everything about a job, as JSON",
  client: true,
  watch: true,
  examples: [`corvo inspect ${exampleId}`, `corvo inspect ${exampleId} -o json | jq .errors`, "corvo inspect - < ids.txt"],
  async run(session, args) {
    const ids = await jobIds(session, args);
    return await eachJob(
      session,
      ids,
      (id) => session.client.call("GET", `/api/v1/jobs/${segment(id)}`),
      (id, answer) => {
        printOne(session, answer, id, () => session.indented(answer.text));
      },
    );
  },
};

/** A verb over jobs: POST to the job and one line. `said` gets the answer's status. */
function verb(name: string, summary: string, more: string, said: (id: string, status: string, alone: boolean) => string): CommandSpec {
  return {
    name,
    args: "<job...>",
    usage: "[options] <job...>",
    group: "Jobs",
    summary,
    client: true,
    mutates: true,
    examples: [`corvo ${name} ${exampleId}`, `corvo ${name} ${exampleId} job_18a3f7c2e41b9a000000000c77 -q`, `corvo ${name} - < ids.txt`],
    flags: [requestIdFlag],
    notes: [more, jobsNote],
    async run(session, args, flags) {
      const ids = await jobIds(session, args);
      const requestId = text(flags, "requestId");
      onlyOneJob(ids, requestId, "--request-id");
      return await eachJob(
        session,
        ids,
        (id) => session.client.call("POST", `/api/v1/jobs/${segment(id)}/${name}`, { body: "{}", requestId }),
        (id, answer) => session.wrote(answer, id, said(id, (JSON.parse(answer.text) as { status: string }).status, ids.length === 1)),
      );
    },
  };
}

export const retry = verb(
  "retry",
  "run jobs again",
  "For dead, cancelled, completed and scheduled jobs. A job that is retried is pending with all its attempts; result, errors and checkpoint stay.",
  (id, _, alone) => (alone ? "Job retried" : `Job ${id} retried`),
);
export const cancel = verb(
  "cancel",
  "cancel jobs that are not done",
  "A job that is active is cancelled at once; its worker learns of it by its next heartbeat, so the word is then cancelling.",
  (id, status) => `Job ${id}: ${status}`,
);
export const hold = verb("hold", "keep jobs from running until a person decides", "A job that is held leaves by approve or reject.", (id) => `Job ${id} held`);
export const approve = verb("approve", "let held jobs run", "The job goes to the end of its queue.", (id) => `Job ${id} approved`);

export const reject: CommandSpec = {
  name: "reject",
  args: "<job...>",
  usage: "[options] <job...>",
  group: "Jobs",
  summary: "end held jobs as dead, or send them back changed",
  client: true,
  mutates: true,
  examples: [
    `corvo reject ${exampleId} --note "not to this customer"`,
    `corvo reject ${exampleId} --revise --payload '{"to": "a@b.example"}' --note "the other address"`,
    "corvo reject - < ids.txt",
  ],
  flags: [
    { flags: "--revise", description: "send the job back to its queue with what follows, instead of ending it" },
    { flags: "--payload <json>", description: "with --revise: its new payload, as JSON or @file" },
    { flags: "--checkpoint <json>", description: "with --revise: its new checkpoint, as JSON or @file" },
    { flags: "--note <text>", description: "why; with --revise its worker gets it with the job" },
    requestIdFlag,
  ],
  notes: ["A job that was rejected can be run again with retry. One that was sent back is pending, and its attempts start anew.", jobsNote],
  async run(session, args, flags) {
    const payload = text(flags, "payload");
    const checkpoint = text(flags, "checkpoint");
    const revise = flags.revise === true;
    if (!revise && (payload !== undefined || checkpoint !== undefined)) throw usageFailure("--payload and --checkpoint need --revise");
    const body = encodeObject({
      revise: revise || undefined,
      payload: payload === undefined ? undefined : await readJson(session.io, "payload", payload, `{"to": "a@b.example"}`),
      checkpoint: checkpoint === undefined ? undefined : await readJson(session.io, "checkpoint", checkpoint, `{"page": 1}`),
      note: text(flags, "note"),
    });
    const ids = await jobIds(session, args);
    const requestId = text(flags, "requestId");
    onlyOneJob(ids, requestId, "--request-id");
    return await eachJob(
      session,
      ids,
      (id) => session.client.call("POST", `/api/v1/jobs/${segment(id)}/reject`, { body, requestId }),
      (id, answer) => session.wrote(answer, id, revise ? `Job ${id} sent back` : `Job ${id} rejected`),
    );
  },
};

export const move: CommandSpec = {
  name: "move",
  args: "<job...>",
  usage: "[options] <job...> <queue>",
  group: "Jobs",
  summary: "move jobs to the end of another queue",
  client: true,
  mutates: true,
  examples: [`corvo move ${exampleId} emails.slow`, `corvo move ${exampleId} job_18a3f7c2e41b9a000000000c77 emails.slow`, "corvo move - emails.slow < ids.txt"],
  flags: [requestIdFlag],
  notes: ["The job's state stays. The queue is made if it does not exist."],
  async run(session, args, flags) {
    const queue = args.at(-1) ?? "";
    if (args.length < 2) throw usageFailure("the queue to move to is missing", `corvo move ${args[0]} emails.slow`);
    const requestId = text(flags, "requestId");
    const ids = await jobIds(session, args.slice(0, -1));
    onlyOneJob(ids, requestId, "--request-id");
    if (ids.length > 0) await guardQueueName(session, queue, `corvo move ${args.join(" ")}`);
    return await eachJob(
      session,
      ids,
      (id) => session.client.call("POST", `/api/v1/jobs/${segment(id)}/move`, { body: encodeObject({ queue }), requestId }),
      (id, answer) => session.wrote(answer, id, ids.length === 1 ? `Job moved to ${queue}` : `Job ${id} moved to ${queue}`),
    );
  },
};

export const remove: CommandSpec = {
  name: "delete",
  args: "<job...>",
  usage: "[options] <job...>",
  group: "Jobs",
  summary: "delete jobs in any state",
  client: true,
  mutates: true,
  examples: [`corvo delete ${exampleId}`, `corvo delete ${exampleId} job_18a3f7c2e41b9a000000000c77 -y`, "corvo delete - < ids.txt"],
  flags: [requestIdFlag],
  notes: ["On a terminal more than one job is deleted only after a question; -y answers it."],
  async run(session, args, flags) {
    const ids = await jobIds(session, args);
    const requestId = text(flags, "requestId");
    onlyOneJob(ids, requestId, "--request-id");
    if (ids.length > 1 && !(await session.confirm(`Delete ${ids.length} jobs?`))) {
      session.note("nothing was deleted");
      return 1;
    }
    return await eachJob(
      session,
      ids,
      (id) => session.client.call("DELETE", `/api/v1/jobs/${segment(id)}`, { requestId }),
      (id, answer) => session.wrote(answer, id, ids.length === 1 ? "Job deleted" : `Job ${id} deleted`),
    );
  },
};
