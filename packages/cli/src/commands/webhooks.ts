import { segment } from "../client.js";
import { type CommandGroup, type CommandSpec, list, requestIdFlag, text } from "../command.js";
import { usageFailure } from "../failure.js";
import { printList } from "../listing.js";
import { strangeTypes } from "../words.js";
import { wholeNumber } from "./numbers.js";

interface Webhook {
  id: string;
  url: string;
  events: string[];
  queues?: string[];
  namespace?: string;
  has_secret: boolean;
  enabled: boolean;
  retry_limit: number;
  last_status_code?: number;
  last_error?: string;
  last_delivery_at?: string;
  delivered: number;
  pending: number;
  dead: number;
  dropped: number;
}

interface Delivery {
  event_id: string;
  seq: number;
  type: string;
  job_id?: string;
  queue?: string;
  at?: string;
  state: string;
  attempts?: number;
  last_error?: string;
}

const listWebhooks: CommandSpec = {
  name: "list",
  group: "Operations",
  summary: "list the webhooks with what they have delivered",
  client: true,
  watch: true,
  list: true,
  examples: ["corvo webhook list", "corvo webhook list -o wide", "corvo webhook list -o name"],
  async run(session) {
    const answer = await session.client.call("GET", "/api/v1/webhooks");
    const c = session.colors;
    printList<Webhook>(session, answer, {
      name: (hook) => hook.id,
      empty: "no webhooks",
      columns: [
        { title: "ID", value: (hook) => hook.id },
        { title: "URL", value: (hook) => hook.url, cut: true },
        { title: "EVENTS", value: (hook) => hook.events.join(",") },
        { title: "QUEUES", value: (hook) => hook.queues?.join(",") ?? "*", wide: true },
        { title: "NAMESPACE", value: (hook) => hook.namespace ?? "*", wide: true },
        { title: "ENABLED", value: (hook) => (hook.enabled ? "yes" : "no") },
        { title: "SIGNED", value: (hook) => (hook.has_secret ? "yes" : "no"), wide: true },
        { title: "DELIVERED", value: (hook) => hook.delivered, right: true },
        { title: "PENDING", value: (hook) => hook.pending, right: true },
        { title: "DEAD", value: (hook) => hook.dead, right: true, paint: (shown, hook) => (hook.dead > 0 ? c.red(shown) : shown) },
        { title: "DROPPED", value: (hook) => hook.dropped, right: true, wide: true },
        { title: "LAST", value: (hook) => session.time(hook.last_delivery_at) },
        { title: "ERROR", value: (hook) => hook.last_error || "-", cut: true },
      ],
    });
  },
};

const setWebhook: CommandSpec = {
  name: "set",
  args: "<url>",
  group: "Operations",
  summary: "add a webhook, or change one",
  client: true,
  mutates: true,
  examples: [
    "corvo webhook set https://hooks.example.com/corvo --event completed --event dead --generate-secret",
    "corvo webhook set https://hooks.example.com/corvo --queue emails.send",
    "corvo webhook set https://hooks.example.com/other --id wh_18a3f7c2e41b9a000000000c41 --disabled",
  ],
  flags: [
    { flags: "--id <id>", description: "the one to change; without it a new one is made" },
    { flags: "--event <type>", description: "send events of this type; may be given again (default: all)", repeated: true },
    { flags: "--queue <name>", description: "only of this queue; may be given again", repeated: true },
    { flags: "--secret <text>", description: "sign deliveries with it; an empty one signs no more" },
    { flags: "--generate-secret", description: "let the server make the secret; it is shown this once" },
    { flags: "--retry-limit <n>", description: "attempts per event, 1 to 100 (default: 3)" },
    { flags: "--disabled", description: "take up no events" },
    requestIdFlag,
  ],
  notes: [
    "Deliveries are signed with HMAC-SHA-256: X-Corvo-Signature over the body, webhook-signature over id, time and body.",
    "Addresses of the server's own machine and of private networks are refused unless the server runs with --webhook-allow-private.",
  ],
  async run(session, args, flags) {
    const secret = text(flags, "secret");
    if (secret !== undefined && flags.generateSecret === true) throw usageFailure("--secret and --generate-secret exclude each other");
    const body: Record<string, unknown> = { url: args[0], enabled: flags.disabled !== true };
    const id = text(flags, "id");
    if (id !== undefined) body.id = id;
    const events = list(flags, "event");
    if (events.length > 0) body.events = events;
    const strange = strangeTypes(events);
    if (strange !== undefined) session.note(strange);
    if (list(flags, "queue").length > 0) body.queues = list(flags, "queue");
    if (secret !== undefined) body.secret = secret;
    if (flags.generateSecret === true) body.generate_secret = true;
    const retries = text(flags, "retryLimit");
    if (retries !== undefined) body.retry_limit = wholeNumber("--retry-limit", retries, 1, 100);
    const answer = await session.client.call("POST", "/api/v1/webhooks", { body: JSON.stringify(body), requestId: text(flags, "requestId") });
    const done = JSON.parse(answer.text || "{}") as { id?: string; secret?: string };
    session.wrote(answer, done.id ?? "webhook", `Webhook ${done.id} set`);
    if (done.secret && session.output === "table") session.line(`secret ${done.secret} (not shown again)`);
  },
};

const deleteWebhook: CommandSpec = {
  name: "delete",
  args: "<id>",
  group: "Operations",
  summary: "delete a webhook with all that it has still to deliver",
  client: true,
  mutates: true,
  examples: [
    "corvo webhook delete wh_18a3f7c2e41b9a000000000c41",
    "corvo webhook delete wh_18a3f7c2e41b9a000000000c41 -y",
    "corvo webhook delete wh_18a3f7c2e41b9a000000000c41 --dry-run",
  ],
  flags: [requestIdFlag],
  async run(session, args, flags) {
    if (!(await session.confirm(`Delete webhook ${args[0]} with all that it has still to deliver?`))) {
      session.note("nothing was deleted");
      return 1;
    }
    const answer = await session.client.call("DELETE", `/api/v1/webhooks/${segment(args[0])}`, { requestId: text(flags, "requestId") });
    session.wrote(answer, args[0], `Webhook ${args[0]} deleted`);
  },
};

const testWebhook: CommandSpec = {
  name: "test",
  args: "<id>",
  group: "Operations",
  summary: "send a test event to a webhook",
  client: true,
  mutates: true,
  examples: [
    "corvo webhook test wh_18a3f7c2e41b9a000000000c41",
    "corvo webhook test wh_18a3f7c2e41b9a000000000c41 -o json",
    "corvo webhook test wh_18a3f7c2e41b9a000000000c41 -o name",
  ],
  flags: [requestIdFlag],
  async run(session, args, flags) {
    const answer = await session.client.call("POST", `/api/v1/webhooks/${segment(args[0])}/test`, { body: "{}", requestId: text(flags, "requestId") });
    const { event_id: id } = JSON.parse(answer.text || "{}") as { event_id?: string };
    session.wrote(answer, id ?? args[0], `Test ${id} is on its way; corvo webhook list shows what became of it`);
  },
};

const deliveries: CommandSpec = {
  name: "deliveries",
  args: "<id>",
  group: "Operations",
  summary: "list what a webhook has still to deliver, and its dead letters",
  client: true,
  watch: true,
  list: true,
  examples: [
    "corvo webhook deliveries wh_18a3f7c2e41b9a000000000c41",
    "corvo webhook deliveries wh_18a3f7c2e41b9a000000000c41 --state dead -o name",
    "corvo webhook deliveries wh_18a3f7c2e41b9a000000000c41 --limit 1000",
  ],
  flags: [
    { flags: "--state <state>", description: "pending or dead (default: both)" },
    { flags: "--limit <n>", description: "at most so many, 1 to 1000 (default: 100)" },
  ],
  async run(session, args, flags) {
    const query = new URLSearchParams();
    const state = text(flags, "state");
    if (state !== undefined) query.set("state", state);
    const limit = text(flags, "limit");
    if (limit !== undefined) query.set("limit", String(wholeNumber("--limit", limit, 1, 1000)));
    const answer = await session.client.call("GET", `/api/v1/webhooks/${segment(args[0])}/deliveries${query.size > 0 ? `?${query}` : ""}`);
    printList<Delivery>(session, answer, {
      member: "deliveries",
      name: (delivery) => delivery.event_id,
      empty: "nothing to deliver",
      columns: [
        { title: "EVENT", value: (delivery) => delivery.event_id },
        { title: "STATE", value: (delivery) => delivery.state },
        { title: "TYPE", value: (delivery) => delivery.type },
        { title: "JOB", value: (delivery) => delivery.job_id ?? "-" },
        { title: "QUEUE", value: (delivery) => delivery.queue ?? "-" },
        { title: "TRIES", value: (delivery) => delivery.attempts ?? 0, right: true },
        { title: "AT", value: (delivery) => session.time(delivery.at) },
        { title: "ERROR", value: (delivery) => delivery.last_error || "-", cut: true },
      ],
    });
  },
};

const redeliver: CommandSpec = {
  name: "redeliver",
  args: "<id> [event...]",
  group: "Operations",
  summary: "deliver dead letters again: those that are named, or all",
  client: true,
  mutates: true,
  examples: [
    "corvo webhook redeliver wh_18a3f7c2e41b9a000000000c41",
    "corvo webhook redeliver wh_18a3f7c2e41b9a000000000c41 evt_18a3f7c2e41b9a000000000c77",
    "corvo webhook redeliver wh_18a3f7c2e41b9a000000000c41 -o json",
  ],
  flags: [requestIdFlag],
  notes: ["An event keeps its id, so who has it already can tell."],
  async run(session, args, flags) {
    const [id, ...eventIds] = args;
    const answer = await session.client.call("POST", `/api/v1/webhooks/${segment(id)}/redeliver`, {
      body: JSON.stringify(eventIds.length > 0 ? { event_ids: eventIds } : {}),
      requestId: text(flags, "requestId"),
    });
    const { redelivered = 0 } = JSON.parse(answer.text || "{}") as { redelivered?: number };
    session.wrote(answer, id, `${redelivered} dead ${redelivered === 1 ? "letter is" : "letters are"} delivered again`);
  },
};

export const webhookGroup: CommandGroup = {
  name: "webhook",
  aliases: ["webhooks"],
  group: "Operations",
  summary: "send events to other systems over HTTP",
  subcommands: [listWebhooks, setWebhook, testWebhook, deliveries, redeliver, deleteWebhook],
};
