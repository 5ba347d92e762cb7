import { segment } from "../client.js";
import { type CommandSpec, requestIdFlag, text } from "../command.js";
import { exitCodes, usageFailure } from "../failure.js";
import { encodeObject } from "../json.js";
import { printList } from "../listing.js";
import { guardQueueName, listQueues, type Queue } from "../queues.js";
import type { Session } from "../session.js";
import type { Column } from "../table.js";
import { durationFlagMs, shortDuration } from "../time.js";

/** The columns that Corvo's scripts know come first, in its order. */
export function queueColumns(session: Session): Column<Queue>[] {
  const c = session.colors;
  const count = (title: string, of: (queue: Queue) => number, paint?: (text: string) => string): Column<Queue> => ({
    title,
    value: of,
    right: true,
    paint: (text, queue) => (of(queue) === 0 ? c.dim(text) : (paint?.(text) ?? text)),
  });
  return [
    { title: "QUEUE", value: (queue) => queue.name },
    count("PENDING", (queue) => queue.pending),
    count("ACTIVE", (queue) => queue.active, c.green),
    count("HELD", (queue) => queue.held, c.yellow),
    count("COMPLETED", (queue) => queue.completed),
    count("DEAD", (queue) => queue.dead, c.red),
  ];
}

export const queues: CommandSpec = {
  name: "queues",
  group: "Queues",
  summary: "list the queues with their counts",
  client: true,
  watch: true,
  list: true,
  examples: ["corvo queues", "corvo queues -o json", "corvo queues -o name"],
  notes: ["LIMITS shows the cap on active jobs and the cap on fetches. OLDEST is the age of the pending job that is next in turn."],
  async run(session) {
    const answer = await session.client.call("GET", "/api/v1/queues");
    printList<Queue>(session, answer, {
      name: (queue) => queue.name,
      empty: "",
      columns: [
        ...queueColumns(session),
        { title: "PAUSED", value: (queue) => (queue.paused ? "yes" : ""), paint: session.colors.yellow },
        { title: "SCHEDULED", value: (queue) => queue.scheduled, right: true, spare: true },
        { title: "RETRYING", value: (queue) => queue.retrying, right: true, spare: true },
        { title: "CANCELLED", value: (queue) => queue.cancelled ?? 0, right: true, wide: true },
        { title: "CREATED", value: (queue) => session.time(queue.created_at), wide: true },
        { title: "LIMITS", value: limitsOf, spare: true },
        { title: "OLDEST", value: (queue) => session.time(queue.oldest_pending_at), spare: true },
      ],
    });
    if (session.output === "table" && !session.outputJson && JSON.parse(answer.text).length === 0)
      session.hint("there is no queue yet; the first job makes one: corvo enqueue hello '{}'");
  },
};

function limitsOf(queue: Queue): string {
  const limits: string[] = [];
  if (queue.max_concurrency) limits.push(`${queue.max_concurrency} active`);
  if (queue.rate_limit) limits.push(`${queue.rate_limit}/${shortDuration(queue.rate_window_ms ?? 0)}`);
  return limits.join(", ") || "-";
}

function queueVerb(name: string, summary: string, more: string, past: string): CommandSpec {
  return {
    name,
    args: "<queue>",
    group: "Queues",
    summary,
    client: true,
    mutates: true,
    examples: [`corvo ${name} emails.send`, `corvo ${name} emails.send -o json`, `corvo ${name} emails.send --server http://10.0.0.1:8080`],
    flags: [requestIdFlag],
    notes: [more],
    async run(session, [queue], flags) {
      await guardQueueName(session, queue, `corvo ${name} ${queue}`);
      const answer = await session.client.call("POST", `/api/v1/queues/${segment(queue)}/${name}`, { body: "{}", requestId: text(flags, "requestId") });
      session.wrote(answer, queue, `Queue ${queue} ${past}`);
    },
  };
}

export const pause = queueVerb("pause", "stop handing out a queue's jobs", "Enqueue, ack and timers go on; running jobs finish. Undo: corvo resume.", "paused");
export const resume = queueVerb("resume", "hand out a queue's jobs again", "Ends pause and drain.", "resumed");
export const drain = queueVerb(
  "drain",
  "let running jobs finish and start no new ones",
  "Like pause, under the name for shutting a queue down. Watch it: corvo queues. Undo: corvo resume.",
  "draining",
);

const clearVerb = queueVerb(
  "clear",
  "delete the pending and scheduled jobs of a queue",
  "Jobs in other states stay. On a terminal there is a question first; -y answers it.",
  "cleared",
);
export const clear: CommandSpec = {
  ...clearVerb,
  async run(session, args, flags) {
    if (session.canAsk) {
      await guardQueueName(session, args[0], `corvo clear ${args[0]}`);
      const queue = (await listQueues(session)).find((each) => each.name === args[0]);
      const jobs = queue ? `the ${queue.pending} pending and ${queue.scheduled} scheduled jobs` : "the pending and scheduled jobs";
      if (!(await session.confirm(`Delete ${jobs} of queue ${args[0]}?`))) {
        session.note("nothing was deleted");
        return exitCodes.failed;
      }
    }
    return await clearVerb.run(session, args, flags);
  },
};

export const destroy: CommandSpec = {
  name: "destroy",
  args: "<queue>",
  group: "Queues",
  summary: "delete a queue with every job in it",
  client: true,
  mutates: true,
  examples: ["corvo destroy emails.test --confirm", "corvo destroy emails.test --confirm -q", "corvo destroy emails.test --confirm -o json"],
  flags: [{ flags: "--confirm", description: "needed: nothing of the queue is left afterwards" }, requestIdFlag],
  notes: ["Jobs in every state, settings and unique keys go. A queue that does not exist is a success too."],
  async run(session, [queue], flags) {
    if (flags.confirm !== true && !session.dryRun) throw usageFailure(`use --confirm to delete queue ${queue} and all its jobs`);
    await guardQueueName(session, queue, `corvo destroy ${queue} --confirm`);
    const answer = await session.client.call("DELETE", `/api/v1/queues/${segment(queue)}`, { requestId: text(flags, "requestId") });
    session.wrote(answer, queue, `Queue ${queue} destroyed`);
  },
};

export const concurrency: CommandSpec = {
  name: "concurrency",
  args: "<queue> <max>",
  group: "Queues",
  summary: "cap a queue's active jobs, over all workers",
  client: true,
  mutates: true,
  examples: ["corvo concurrency emails.send 10", "corvo concurrency emails.send none", "corvo concurrency emails.send 10 -o json"],
  flags: [requestIdFlag],
  notes: ["0 or none removes the cap. Jobs that are active already stay so."],
  async run(session, [queue, given], flags) {
    if (given !== "none" && !/^[0-9]{1,7}$/.test(given))
      throw usageFailure(`"${given}" is not a number of jobs`, `corvo concurrency ${queue} 10   ·   corvo concurrency ${queue} none`);
    const max = given === "none" || Number(given) === 0 ? null : Number(given);
    await guardQueueName(session, queue, `corvo concurrency ${queue} ${given}`);
    const answer = await session.client.call("POST", `/api/v1/queues/${segment(queue)}/concurrency`, {
      body: encodeObject({ max }),
      requestId: text(flags, "requestId"),
    });
    session.wrote(answer, queue, max === null ? `Queue ${queue}: no cap on active jobs` : `Queue ${queue}: at most ${max} active jobs`);
  },
};

export const throttle: CommandSpec = {
  name: "throttle",
  args: "<queue> [rate] [window]",
  usage: "[options] <queue> (<rate> <window> | none)",
  group: "Queues",
  summary: "cap a queue's fetches in any window of time",
  client: true,
  mutates: true,
  examples: ["corvo throttle emails.send 100 1m", "corvo throttle emails.send none", "corvo throttle emails.send 5 1s -o json"],
  flags: [{ flags: "--remove", description: "the same as none" }, requestIdFlag],
  notes: ["none removes the cap. The window is a duration of 1ms to 24h and slides: at most <rate> jobs in any stretch of that length."],
  async run(session, [queue, rate, window], flags) {
    const path = `/api/v1/queues/${segment(queue)}/throttle`;
    const requestId = text(flags, "requestId");
    if (flags.remove === true || rate === "none") {
      if ((flags.remove === true ? rate : window) !== undefined) throw usageFailure("without a cap there is no rate or window", `corvo throttle ${queue} none`);
      const answer = await session.client.call("DELETE", path, { requestId });
      return session.wrote(answer, queue, `Queue ${queue}: no throttle`);
    }
    if (rate === undefined || window === undefined)
      throw usageFailure("a rate and a window are needed", `corvo throttle ${queue} 100 1m   ·   corvo throttle ${queue} none`);
    if (!/^[1-9][0-9]{0,6}$/.test(rate)) throw usageFailure(`"${rate}" is not a number of jobs, 1 or more`, `corvo throttle ${queue} 100 1m`);
    const windowMs = durationFlagMs("window", window);
    if (windowMs < 1 || windowMs > 86_400_000) throw usageFailure(`the window "${window}" must be between 1ms and 24h`);
    await guardQueueName(session, queue, `corvo throttle ${queue} ${rate} ${window}`);
    const answer = await session.client.call("POST", path, { body: encodeObject({ rate: Number(rate), window_ms: Math.round(windowMs) }), requestId });
    session.wrote(answer, queue, `Queue ${queue}: at most ${rate} jobs in ${window}`);
  },
};

export const depth: CommandSpec = {
  name: "depth",
  args: "<queue> <max>",
  group: "Queues",
  summary: "cap the jobs that wait in a queue; more are refused",
  client: true,
  mutates: true,
  examples: ["corvo depth emails.send 100000", "corvo depth emails.send none", "corvo depth emails.send 100000 -o json"],
  flags: [requestIdFlag],
  notes: ["0 or none removes the cap. Jobs that wait already stay; retries and what the server adds itself are never refused."],
  async run(session, [queue, given], flags) {
    if (given !== "none" && !/^[0-9]{1,10}$/.test(given))
      throw usageFailure(`"${given}" is not a number of jobs`, `corvo depth ${queue} 100000   ·   corvo depth ${queue} none`);
    const max = given === "none" ? 0 : Number(given);
    await guardQueueName(session, queue, `corvo depth ${queue} ${given}`);
    const answer = await session.client.call("POST", `/api/v1/queues/${segment(queue)}/depth`, {
      body: encodeObject({ max }),
      requestId: text(flags, "requestId"),
    });
    session.wrote(answer, queue, max === 0 ? `Queue ${queue}: no cap on waiting jobs` : `Queue ${queue}: at most ${max} waiting jobs`);
  },
};
