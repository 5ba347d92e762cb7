import { wellMachine } from "../../packages/cli/src/testing/run-cli.js";
import type { World } from "../rest/row.js";
import { aFetchedJob, aJob, aQueue } from "../rest/rows-worker.js";
import { anything } from "../rest/shape.js";
import type { CliRow } from "./row.js";

const aSchedule = async (world: World) => {
  const queue = world.queue();
  await world.rest.call("PUT", `schedules/${queue}`, { cron: "0 9 * * *", job: { queue } });
  return { queue };
};
const aBatch = async (world: World) => {
  const { json } = await world.rest.post("batch", { callback_queue: world.queue() });
  return { batch: String(json?.batch_id) };
};
const aChain = async (world: World) => {
  const queue = world.queue();
  const { json } = await world.rest.post("enqueue", { queue, chain: { steps: [{ queue }, { queue }] } });
  return { queue, chain: String((await world.rest.get(`jobs/${json?.job_id}`)).json?.chain_id) };
};
const aWebhook = async (world: World) => {
  const id = world.queue();
  await world.rest.post("webhooks", { id, url: "https://hooks.example.com/x", enabled: true });
  return { hook: id };
};
const aNamespace = async (world: World) => {
  const name = world.queue().replaceAll(".", "-");
  await world.rest.post("namespaces", { name });
  return { name };
};
const failed = async (world: World) => {
  const values = await aFetchedJob(world);
  await world.rest.post(`fail/${values.id}`, { error: "boom", fence: values.fence });
  return values;
};
const contexts = { env: { CORVO_CONFIG_DIR: "/config" } };
const withServer = { load: { server: () => import("@corvo/server") } };

/** Commands that Corvo v0.3 does not have, one line or two of each. */
export const more: readonly CliRow[] = [
  {
    command: "list",
    cases: [
      { line: "list --where 'queue:{queue} state:pending'", given: aJob, out: /^JOB +QUEUE +STATE +ATTEMPT +CREATED\n\{id\} / },
      { line: "list --where 'stat:dead'", code: 2, err: /did you mean state\?/ },
    ],
  },
  {
    command: "server",
    cases: [
      { line: "server --help", around: withServer, out: /^Usage: corvo server \[flags\]$/m },
      { line: "server --data-dri x", around: withServer, code: 2, err: /did you mean --data-dir\?/ },
    ],
  },
  { command: "release <job-id>", cases: [{ line: "release {id}", given: aFetchedJob, out: "Job {id} given back\n" }] },
  {
    command: "step <job-id>",
    cases: [{ line: `step {id} --result '{"n":1}' --job '{"queue":"{queue}.b"}'`, given: aFetchedJob, out: /^Job \{id\}: completed; added job_\S+\n$/ }],
  },
  { command: "depth <queue> <max>", cases: [{ line: "depth {queue} 5", given: aQueue, out: "Queue {queue}: at most 5 waiting jobs\n" }] },
  {
    command: "deps, children",
    cases: [
      { line: "deps {id}", given: aJob, out: /./ },
      { line: "children {id}", given: aJob, out: /^0 children: / },
    ],
  },
  {
    command: "batch create, enqueue",
    cases: [
      { line: "batch create --callback {queue}", given: aQueue, out: /^Batch opened: batch_\S+\n$/ },
      { line: `batch enqueue {queue} '[{"n":1},{"n":2}]'`, given: aQueue, out: /^Batch batch_\S+: 2 jobs enqueued\n$/ },
    ],
  },
  {
    command: "batch seal, show, list",
    cases: [
      { line: "batch seal {batch}", given: aBatch, out: /^Batch completed; callback job_\S+\n$/ },
      { line: "batch show {batch}", given: aBatch, out: /^Batch \{batch\}: open\n/ },
      { line: "batch list -o json", given: aBatch, json: anything },
    ],
  },
  {
    command: "chain show, list",
    cases: [
      { line: "chain show {chain}", given: aChain, out: /^Chain \{chain\}: running\n/ },
      { line: "chain list -o json", given: aChain, json: anything },
    ],
  },
  { command: "schedules", cases: [{ line: "schedules -o json", given: aSchedule, json: anything }] },
  {
    command: "schedule create, show, next",
    cases: [
      { line: "schedule create {queue} '@every 5m' {queue}", given: aQueue, out: "Schedule {queue} made: @every 5m\n" },
      { line: "schedule show {queue} -o json", given: aSchedule, json: { name: "{queue}" } },
      { line: "schedule next '0 9 * * *' --timezone Europe/Madrid --count 2", out: /^(\S+Z\n){2}$/ },
      { line: "schedule create {queue} '61 * * * *' {queue}", given: aQueue, code: 2, err: /invalid cron/ },
    ],
  },
  {
    command: "schedule pause, resume, run, delete",
    cases: [
      { line: "schedule pause {queue}", given: aSchedule, out: "Schedule {queue} paused\n" },
      { line: "schedule resume {queue}", given: aSchedule, out: "Schedule {queue} resumed\n" },
      { line: "schedule run {queue}", given: aSchedule, out: /^Job enqueued: job_\S+ \(schedule \{queue\}\)\n$/ },
      { line: "schedule delete {queue}", given: aSchedule, out: "Schedule {queue} deleted\n" },
    ],
  },
  { command: "errors", cases: [{ line: "errors", given: failed, out: /^GROUP +QUEUE +FAILURES/ }] },
  {
    command: "operations; op items, watch, cancel",
    cases: [
      { line: "operations -o json", json: anything },
      { line: "op items bulk_0_0", code: 3, err: /not found/ },
      { line: "op watch bulk_0_0", code: 3, err: /not found/ },
      { line: "op cancel bulk_0_0", code: 3, err: /not found/ },
    ],
  },
  { command: "tail", cases: [{ line: "tail --queue {queue} --type enqueued --after 0 --limit 1 -o json", given: aJob, json: { type: "enqueued" } }] },
  {
    command: "webhook set, test, deliveries, redeliver, delete",
    cases: [
      { line: "webhook set https://hooks.example.com/x --id {queue} --event completed", given: aQueue, out: "Webhook {queue} set\n" },
      { line: "webhook test {hook}", given: aWebhook, out: /^Test evt_\S+ is on its way/ },
      { line: "webhook deliveries {hook} -o json", given: aWebhook, json: anything },
      { line: "webhook redeliver {hook}", given: aWebhook, out: /./ },
      { line: "webhook delete {hook}", given: aWebhook, out: "Webhook {hook} deleted\n" },
    ],
  },
  {
    command: "keys create, revoke, roles, assign, unassign",
    cases: [
      { line: "keys create x --role admin --dry-run", out: /would be done; nothing was changed/ },
      { line: "keys create x --role opertor", code: 2, err: /did you mean operator\?/ },
      { line: "keys revoke nobody", code: 3, err: /no key has the name/ },
      { line: "keys roles nobody", code: 3, err: /no key has the name/ },
      { line: "keys assign nobody operator", code: 3, err: /no key has the name/ },
      { line: "keys unassign nobody operator", code: 3, err: /no key has the name/ },
    ],
  },
  {
    command: "roles set, delete",
    cases: [
      { line: "roles set pauser --allow queues:pause+resume", out: "Role pauser set\n", err: /^$/ },
      { line: "roles set slip --allow queue:pause", out: "Role slip set\n", err: /^note: no method of this server needs queue:pause/ },
      { line: "roles delete slip", out: /./ },
    ],
  },
  {
    command: "namespaces create, limit, delete",
    cases: [
      { line: "namespaces create {queue}", given: async (world) => ({ queue: world.queue().replaceAll(".", "-") }), out: "Namespace {queue} created\n" },
      { line: "namespaces limit {name} --write-rps 5", given: aNamespace, out: "Limits of {name} updated\n" },
      { line: "namespaces delete {name}", given: aNamespace, out: "Namespace {name} deleted\n" },
    ],
  },
  {
    command: "auth status, whoami, login, logout",
    cases: [
      { line: "auth status", out: /^OPEN: / },
      { line: "whoami", out: /^anonymous \(admin\) in namespace default\n/ },
      { line: "login", code: 2, err: /key/ },
      { line: "logout", around: contexts, out: /./ },
    ],
  },
  { command: "doctor", cases: [{ line: "doctor -o json", around: wellMachine, json: { findings: anything } }] },
  {
    command: "backup, restore, verify",
    cases: [
      { line: "backup b.backup -o name", out: "b.backup\n" },
      { line: "restore nowhere.backup", code: 3, err: /there is no file nowhere\.backup/ },
      { line: "verify /nowhere", around: { load: { storage: () => import("@corvo/storage") } }, code: 3, err: /holds no files of a server/ },
    ],
  },
  {
    command: "debug runtime, profile",
    cases: [
      { line: "debug runtime -o json", json: { heap_inuse_bytes: anything } },
      { line: "debug profile p --kind nope", code: 2, err: /nope/ },
    ],
  },
  { command: "bench", cases: [{ line: "bench --help", around: { load: { bench: () => import("@corvo/bench") } } }] },
  {
    command: "context add, use, remove",
    cases: [
      { line: "context add prod --servers https://corvo.example.com", around: contexts, out: "Context prod saved\n" },
      { line: "context use nowhere", around: contexts, code: 3, err: /nowhere/ },
      { line: "context remove nowhere", around: contexts, code: 3, err: /nowhere/ },
    ],
  },
];
