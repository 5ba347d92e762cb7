import type { Values, World } from "../rest/row.js";
import { aFetchedJob, aJob, anAgentJob, aQueue, ghost } from "../rest/rows-worker.js";
import { anything, jobId, listWith, text } from "../rest/shape.js";
import type { CliCase, CliRow } from "./row.js";
import { more } from "./rows-more.js";

const withServer = { server: () => import("@corvo/server") };

const after =
  (given: (world: World) => Promise<Values>, ...calls: readonly (readonly [method: string, path: string, body?: unknown])[]) =>
  async (world: World): Promise<Values> => {
    const values = await given(world);
    const fill = (value: string): string => value.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
    for (const [method, path, body] of calls)
      await world.rest.call(method, fill(path), body === undefined ? undefined : JSON.parse(fill(JSON.stringify(body))));
    return values;
  };
const held = after(aJob, ["POST", "jobs/{id}/hold"]);
const dead = after(aFetchedJob, ["POST", "jobs/{id}/hold"], ["POST", "jobs/{id}/reject"]);
/** A job that has come to its end, and that the same request id finds again. */
const ended = (how: "ack" | "fail", body: object) => async (world: World) => {
  const queue = world.queue();
  await world.rest.post("enqueue", { queue, payload: {}, max_retries: 1 }, { "idempotency-key": queue });
  const { job_id, fence } = await world.rest.take(queue);
  await world.rest.post(`${how}/${job_id}`, { ...body, fence });
  return { queue, id: job_id };
};
const iterated = after(anAgentJob, ["POST", "ack/{id}", { agent_status: "continue", usage: { cost_usd: 0.5 } }]);
const used = after(aFetchedJob, [
  "POST",
  "ack/{id}",
  { usage: { input_tokens: 10, cache_read_tokens: 3, cache_creation_tokens: 1, model: "m", cost_usd: 0.25 } },
]);
const budget = after(aQueue, ["POST", "budgets", { scope: "queue", target: "{queue}", daily_usd: 10 }]);
const policy = async (world: World) => {
  const queue = world.queue();
  const { json } = await world.rest.post("approval-policies", { name: `p-${queue}`, queue });
  return { queue, policy: String(json?.id ?? "missing") };
};
const two = async (world: World) => {
  const values = await aJob(world);
  return { ...values, second: await world.rest.add(values.queue) };
};
const done = (line: string, given: CliCase["given"], out: string): CliCase => ({ line, given, out: `${out}\n` });

const jobs: readonly CliRow[] = [
  {
    command: "enqueue <queue> <payload-json>",
    cases: [
      { line: "enqueue {queue} '{\"a\":1}'", given: aQueue, out: /^Job enqueued: job_[0-9a-f]{26} \(status: pending\)\n$/ },
      {
        line: 'enqueue {queue} {} --priority high --unique-key k --max-retries 5 --tags \'{"a":"b"}\' --parent-id p --agent-max-iterations 2 --agent-max-cost-usd 1.5 --agent-iteration-timeout 2m',
        given: aQueue,
        out: /^Job enqueued: /,
      },
      { line: "enqueue {queue} {} --scheduled-at 2100-01-01T00:00:00Z", given: aQueue, out: /\(status: scheduled\)\n$/ },
      { line: "enqueue {queue} {} --output-json", given: aQueue, json: { job_id: jobId, status: "pending", unique_existing: false } },
      { line: "enqueue {queue} {} -o json", given: aQueue, json: { job_id: jobId } },
      { line: "enqueue {queue} {} --delay 10m", given: aQueue, out: /scheduled/ },
      {
        line: "enqueue {queue} nope",
        given: aQueue,
        code: 2,
        err: /^error: payload is not JSON/,
        ours: "exit 2: a class of failure each; CORVO_EXIT_CODES=legacy makes it 1",
      },
      { line: "enqueue {queue} nope", given: aQueue, around: { env: { CORVO_EXIT_CODES: "legacy" } }, code: 1 },
      { line: "enqueue {queue} {} --depends-on {id}", given: aJob, out: /^Job enqueued: / },
      { line: 'enqueue {queue} {} --schedule "0 9 * * *"', given: aQueue, out: /^Schedule /, ours: "the flag that Corvo promises and does not have" },
      { line: "enqueue {queue} {} --wait --max-retries 1 --request-id {queue}", given: ended("ack", { result: { sent: true } }), out: '{"sent":true}\n' },
      {
        line: "enqueue {queue} {} --wait --max-retries 1 --request-id {queue}",
        given: ended("fail", { error: "boom" }),
        code: 9,
        err: /is dead, not completed/,
      },
    ],
  },
  {
    command: "inspect <job-id>",
    cases: [
      { line: "inspect {id}", given: aJob, json: { id: "{id}", state: "pending" } },
      { line: `inspect ${ghost}`, code: 3, err: /not found/ },
    ],
  },
  {
    command: "retry <job-id>",
    cases: [done("retry {id}", dead, "Job retried"), { line: "retry {id}", given: aJob, code: 5, err: /cannot be retried from state "pending"/ }],
  },
  {
    command: "cancel <job-id>",
    cases: [
      done("cancel {id}", aJob, "Job {id}: cancelled"),
      done("cancel {id}", aFetchedJob, "Job {id}: cancelling"),
      { line: "cancel {id} --dry-run", given: aJob, out: /nothing was changed/ },
    ],
  },
  { command: "hold <job-id>", cases: [done("hold {id}", aJob, "Job {id} held")] },
  { command: "approve <job-id>", cases: [done("approve {id}", held, "Job {id} approved")] },
  { command: "reject <job-id>", cases: [done("reject {id}", held, "Job {id} rejected")] },
  {
    command: "replay <job-id> --from n",
    cases: [
      { line: "replay {id} --from 1", given: iterated, out: /^Replay enqueued: job_[0-9a-f]{26} \(status: pending\)\n$/ },
      { line: "replay {id}", given: iterated, code: 2, err: /--from must be > 0/ },
      { line: "replay {id} --from 1 --output-json", given: iterated, json: { job_id: jobId } },
    ],
  },
  {
    command: "iterations <job-id>",
    cases: [
      { line: "iterations {id}", given: iterated, out: /1 +continue +cost=0\.500000/ },
      { line: "iterations {id}", given: aJob, out: "No iterations\n" },
      { line: "iterations {id} --output-json", given: iterated, json: { iterations: [{ iteration: 1 }] } },
    ],
  },
  {
    command: "held",
    cases: [
      { line: "held", given: held, out: /\{id\} +\{queue\} +held/ },
      { line: "held --output-json", given: held, json: { jobs: listWith({ id: "{id}" }) } },
    ],
  },
  { command: "move <job-id> <queue>", cases: [done("move {id} {queue}.b", aJob, "Job moved to {queue}.b")] },
  { command: "delete <job-id>", cases: [done("delete {id}", aJob, "Job deleted"), { line: `delete ${ghost}`, code: 3, err: /not found/ }] },
  {
    command: "fetch, ack, fail",
    cases: [
      { line: "fetch {queue} -o name | corvo ack -", given: aJob, out: /^Job \{id\} completed\n$/ },
      { line: 'fail {id} "boom"', given: aFetchedJob, out: /^Job \{id\}: retrying/ },
    ],
  },
  {
    command: "explain <job-id>",
    cases: [
      { line: "explain {id}", given: aJob, out: /./ },
      { line: "explain {id} -o json", given: aJob, json: { reasons: anything } },
    ],
  },
];

const queues: readonly CliRow[] = [
  {
    command: "queues",
    cases: [
      { line: "queues", given: aJob, out: /^QUEUE +PENDING +ACTIVE +HELD +COMPLETED +DEAD +PAUSED/ },
      { line: "queues --output-json", given: aJob, json: listWith({ name: "{queue}", pending: 1 }) },
      { line: "queues -o json", given: aJob, json: listWith({ name: "{queue}" }) },
      { line: "queues -o yaml", given: aJob, out: /- name: "\{queue\}"/ },
      { line: "queues -o ids", given: aJob, out: /^\{queue\}$/m },
      { line: "queues -o wide", given: aJob, out: /CANCELLED/ },
    ],
  },
  { command: "pause <queue>", cases: [done("pause {queue}", aQueue, "Queue {queue} paused")] },
  { command: "resume <queue>", cases: [done("resume {queue}", aQueue, "Queue {queue} resumed")] },
  { command: "clear <queue>", cases: [done("clear {queue}", aQueue, "Queue {queue} cleared")] },
  { command: "drain <queue>", cases: [done("drain {queue}", aQueue, "Queue {queue} draining")] },
  {
    command: "destroy <queue> --confirm",
    cases: [
      done("destroy {queue} --confirm", aJob, "Queue {queue} destroyed"),
      { line: "destroy {queue}", given: aQueue, code: 2, err: /use --confirm to delete queue \{queue\} and all its jobs/ },
    ],
  },
  {
    command: "concurrency, throttle",
    cases: [
      { line: "concurrency {queue} 3", given: aQueue, out: /at most 3/ },
      { line: "throttle {queue} 5 1s", given: aQueue, out: /at most 5/ },
    ],
  },
];

const searching: readonly CliRow[] = [
  {
    command: "search",
    cases: [
      { line: "search --queue {queue} --state pending --limit 5 --sort created_at --order asc", given: aJob, json: { jobs: [{ id: "{id}" }], total: 1 } },
      { line: "search --queue {queue} --output-json", given: two, out: /^(job_[0-9a-f]{26}\n){2}$/ },
      { line: "search --tag t=1 --queue {queue} --payload-contains x --error-contains y --priority high", given: aFetchedJob, json: { total: 0 } },
      { line: "search --queue {queue} --created-after 2025-01-01", given: aJob, code: 2, err: /2025-01-01/ },
    ],
  },
  {
    command: "bulk <action>",
    cases: [
      { line: "search --queue {queue} --output-json | corvo bulk cancel", given: two, out: /^Affected: 2 jobs \(\d+ms\)\n$/ },
      { line: "search --queue {queue} | corvo bulk delete", given: two, out: /^Affected: 2 jobs/, ours: "works, where Corvo touches nothing" },
      { line: 'bulk hold --filter \'{"queue":"{queue}"}\' --yes', given: two, out: /^Affected: 2 jobs/ },
      {
        line: 'bulk hold --filter \'{"queue":"{queue}"}\'',
        given: two,
        code: 2,
        err: /^hold: 2 jobs\n[\s\S]*add --yes/,
        ours: "what a filter finds is asked about first",
      },
      { line: "bulk cancel --where 'queue:{queue} state:pending' --expect 2 --yes", given: two, out: /^Affected: 2 jobs/ },
      { line: "bulk cancel --queue {queue} --max 1 --yes", given: two, code: 8, err: /finds 2 jobs, more than 1/ },
      { line: "bulk cancel", around: { stdin: "" }, code: 2, err: /no job IDs provided \(pipe from search or use --filter\)/ },
      { line: "bulk cancel --output-json", given: aJob, around: { stdin: "{id}\n" }, json: { affected: 1 } },
    ],
  },
];

const admin: readonly CliRow[] = [
  {
    command: "status",
    cases: [
      { line: "status", given: aJob, out: /^Mode: \S+ {2}Status: healthy\n/ },
      { line: "status --output-json", json: { cluster: anything, queues: anything } },
    ],
  },
  {
    command: "workers",
    cases: [
      { line: "workers", given: aFetchedJob, out: /^ID +HOSTNAME +LAST HEARTBEAT/ },
      { line: "workers --output-json", given: aFetchedJob, json: listWith({ id: "w1" }) },
    ],
  },
  {
    command: "usage",
    cases: [
      {
        line: "usage",
        given: used,
        out: /^Usage summary \(24h\)\nWindow: .* -> .*\nTotal rows: +\d+\nInput tokens: +\d+\nOutput tokens: +\d+\nCache create tokens: +\d+\nCache read tokens: +\d+\nTotal cost USD: +\d+\.\d{6}\n/,
      },
      {
        line: "usage --period 1h --group-by model",
        given: used,
        out: /Groups:\n(?:- .*\n)*- m rows=\d+ in=\d+ out=\d+ cache_create=\d+ cache_read=\d+ cost=\d+\.\d{6}/,
      },
      { line: "usage --output-json", given: used, json: { totals: anything } },
    ],
  },
  {
    command: "cache stats",
    cases: [
      { line: "cache stats", given: used, out: /Cache create tokens: +\d+\nCache read tokens: +\d+\nEstimated hit rate: +\d+\.\d%/ },
      { line: "cache stats --output-json", json: { totals: anything } },
    ],
  },
  {
    command: "budget list",
    cases: [
      { line: "budget list", given: budget, out: /^SCOPE +TARGET +DAILY_USD +PER_JOB_USD +ON_EXCEED/ },
      { line: "budget list --output-json", given: budget, json: listWith({ target: "{queue}" }) },
    ],
  },
  {
    command: "budget set <scope> <target>",
    cases: [
      done("budget set queue {queue} --daily 10 --per-job 1 --on-exceed reject", aQueue, "Budget set for queue:{queue}"),
      { line: "budget set queue {queue} --daily 1 --output-json", given: aQueue, json: { scope: "queue" } },
    ],
  },
  { command: "budget delete <scope> <target>", cases: [done("budget delete queue {queue}", budget, "Budget deleted for queue:{queue}")] },
  {
    command: "approval-policy list",
    cases: [
      { line: "approval-policy list", given: policy, out: /^ID +NAME +MODE +ENABLED +QUEUE +TAG/ },
      { line: "approval-policy list --output-json", given: policy, json: listWith({ id: "{policy}" }) },
    ],
  },
  {
    command: "approval-policy set <name>",
    cases: [
      done("approval-policy set nightly --mode all --queue {queue} --tag a=b --disabled", aQueue, "approval policy set: nightly"),
      { line: "approval-policy set x --tag ab", code: 2, err: /tag must be key=value/ },
    ],
  },
  { command: "approval-policy delete <id>", cases: [done("approval-policy delete {policy}", policy, "approval policy deleted: {policy}")] },
  { command: "seed demo", cases: [{ line: "seed demo --count 10", out: /job_/ }] },
  { command: "version", cases: [{ line: "version", out: /^corvo \S+ \(commit: \S+, built: \S+\)\n$/ }] },
];

/** What Corvo promises and does not have, and what is new (issue 4, point 11). */
const ours: readonly CliRow[] = [
  {
    command: "top",
    cases: [
      { line: "top --once", given: aJob, out: /QUEUE +PEND/ },
      { line: "top", given: aJob, out: /QUEUE +PEND/, ours: "in a pipe it prints one frame" },
    ],
  },
  {
    command: "schedule …",
    cases: [
      { line: "schedule list", out: /./ },
      { line: "schedule list -o json", json: anything },
    ],
  },
  {
    command: "wait <job-id>",
    cases: [
      { line: "wait {id} --for pending", given: aJob, out: /^Job job_[0-9a-f]{26} pending\n$/ },
      { line: "wait {id}", given: dead, code: 9, err: /is dead, not completed/ },
      { line: "wait {id} --timeout 10ms", given: aJob, code: 6, err: /still not completed/ },
      { line: `wait ${ghost}`, code: 3, err: /not found/ },
    ],
  },
  {
    command: "run -- <program>",
    cases: [
      { line: "run -q {queue} --limit 1 -- cat", given: aJob, out: /^ready: \S+, 1 at a time, .*\n\S+ {2}completed {2}/ },
      { line: "run -q {queue} --limit 1 -- false", given: aJob, out: /^ready: .*\n\S+ {2}retrying {2}.* {2}exit code 1\n$/ },
      { line: "run -q {queue} -- no-such-program", given: aQueue, code: 2, err: /there is no program "no-such-program"/ },
      { line: "run -- cat", code: 2, err: /no queue is named/ },
    ],
  },
  {
    command: "dev",
    cases: [
      { line: "dev --help", around: { load: withServer }, out: /^Usage: corvo dev \[--seed\] \[server flags\]$/m },
      { line: "dev --bind 127.0.0.1:0", around: { load: withServer }, code: 2, err: /--bind needs a port/ },
      {
        line: "dev --bind 127.0.0.1:{port}",
        around: { load: withServer },
        given: async (world) => ({ port: world.servers.open.port }),
        code: 1,
        err: /another program listens on/,
      },
    ],
  },
  {
    command: "worker …",
    cases: [
      { line: "worker show w1", given: aFetchedJob, out: /^Worker w1 on \S+: working\n/ },
      { line: "worker show nobody", code: 3, err: /not found/ },
      // w1 is who fetches for other rows, so it may again in the end.
      done("worker quiet w1", aFetchedJob, "Worker w1 is quiet: it is granted nothing more"),
      { line: "worker quiet nobody", code: 3, err: /not found/ },
      { line: "worker stop w1", out: "Worker w1 is asked to stop\n" },
      { line: "worker resume w1", out: "Worker w1 may fetch\n" },
    ],
  },
  { command: "op …", cases: [{ line: "op show bulk_0_0", code: 3, err: /not found/ }] },
  { command: "events, tail", cases: [{ line: "events -o json", given: aJob, json: { events: anything } }] },
  { command: "webhook …", cases: [{ line: "webhook list -o json", json: anything }] },
  { command: "key …", cases: [{ line: "key list -o json", json: anything }] },
  { command: "role …", cases: [{ line: "role list -o json", json: anything }] },
  { command: "namespace …", cases: [{ line: "namespace list -o json", json: anything }] },
  { command: "audit", cases: [{ line: "audit -o json", json: { audit_logs: anything } }] },
  { command: "cluster status", cases: [{ line: "cluster status -o json", json: { cluster: { mode: text } } }] },
  { command: "context …", cases: [{ line: "context list", out: /./ }] },
  {
    command: "completion <shell>",
    cases: [
      { line: "completion bash", out: /complete -o default -F _corvo corvo/ },
      { line: "completion zsh", out: /bashcompinit/ },
      { line: "completion fish", out: /complete -c corvo/ },
    ],
  },
  {
    command: "help",
    cases: [
      { line: "--help", out: /^Examples:/ },
      { line: "help enqueue", out: /^Examples:/ },
    ],
  },
];

export const general: readonly CliRow[] = [
  {
    command: "failures",
    cases: [
      { line: "queues --nope", code: 2, err: /^error: unknown option "--nope"/ },
      { line: "queues --server http://127.0.0.1:1", code: 6, err: /^error: cannot reach/ },
      { line: "queues --server http://127.0.0.1:1", around: { env: { CORVO_EXIT_CODES: "legacy" } }, code: 1 },
      { line: "enqueue '' {}", code: 2, err: /queue/ },
    ],
  },
];

export const cliSections: readonly { title: string; rows: readonly CliRow[] }[] = [
  { title: "General", rows: general },
  { title: "Jobs", rows: jobs },
  { title: "Queues", rows: queues },
  { title: "Search and bulk", rows: searching },
  { title: "Administration", rows: admin },
  { title: "Beyond Corvo v0.3", rows: [...ours, ...more] },
];
