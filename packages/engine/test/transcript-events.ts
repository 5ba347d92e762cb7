import type { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeWebhookDeliveredCommand } from "@corvo/gen/corvo/internal/v1/webhook_fast.js";
import {
  encodeDeleteWebhookRequest,
  encodeRedeliverWebhookRequest,
  encodeSetWebhookRequest,
  encodeTestWebhookRequest,
} from "@corvo/gen/corvo/v1/webhook_fast.js";
import { parseJobId, Verb } from "@corvo/protocol";
import { ReasonCode } from "../src/index.js";
import type { Answer, Bench } from "./kit.js";

type Given = (verb: Verb, write: (w: Writer) => void) => Answer;
type Told = (answer: Answer, say: (bytes: Uint8Array) => string) => string;

/** Lines about webhooks. Webhooks are named by their ids; deliveries by their place in the list, from 0. */
export function webhookLine(verb: string, words: string[], args: Map<string, string>, bench: Bench, given: Given, told: Told): string | undefined {
  const list = (name: string): string[] => (args.get(name) ?? "").split(",").filter((text) => text !== "");
  const id = words[0] ?? "";
  const text = (bytes: Uint8Array): string =>
    new TextDecoder()
      .decode(bytes)
      .replace(/[^ -~]+/g, " ")
      .trim();
  switch (verb) {
    case "set-webhook":
      return told(
        given(Verb.SET_WEBHOOK, (w) =>
          encodeSetWebhookRequest(w, {
            id,
            url: args.get("url"),
            events: list("events"),
            queues: list("queues"),
            secret: args.get("secret"),
            enabled: args.get("enabled") !== "no",
            retryLimit: Number(args.get("retries") ?? 0),
            namespace: args.get("as"),
          }),
        ),
        text,
      );
    case "delete-webhook":
      return told(
        given(Verb.DELETE_WEBHOOK, (w) => encodeDeleteWebhookRequest(w, { id, namespace: args.get("as") })),
        text,
      );
    case "redeliver":
      return told(
        given(Verb.REDELIVER_WEBHOOK, (w) =>
          encodeRedeliverWebhookRequest(w, { id, eventIds: list("of").map((n) => deliveries(bench, id)[Number(n)]!.eventId) }),
        ),
        (bytes) => `redelivered ${bytes[bytes.length - 2] === 16 ? bytes[bytes.length - 1] : 0}`,
      );
    case "test-webhook":
      return told(
        given(Verb.TEST_WEBHOOK, (w) => encodeTestWebhookRequest(w, { id, namespace: args.get("as") })),
        (bytes) => text(bytes).replace(/evt_\w+/, "evt_…"),
      );
    case "delivered": {
      const delivery = deliveries(bench, id)[Number(args.get("of") ?? 0)]!.serial;
      const error = args.get("error") ?? "";
      given(Verb.WEBHOOK_DELIVERED, (w) =>
        encodeWebhookDeliveredCommand(w, {
          outcomes: [
            {
              delivery,
              attempts: Number(args.get("attempts") ?? 1),
              statusCode: Number(args.get("status") ?? 0),
              error,
              dead: args.has("dead"),
              atMs: bench.nowMs,
            },
          ],
        }),
      );
      return show(bench, id);
    }
    case "webhook":
      return show(bench, id);
    case "deliveries":
      return told(
        { bytes: new Uint8Array(0) },
        () =>
          deliveries(bench, id)
            .map((d) =>
              [
                d.type,
                d.jobId || d.queue,
                d.eventId.slice(0, 4),
                ...(d.data.length > 0 ? [new TextDecoder().decode(d.data)] : []),
                ...(d.reason === "" ? [] : [`"${d.reason}"`]),
                ...(d.attempts === 0 ? [] : [`attempts=${d.attempts} status=${d.lastStatus} error=${d.lastError}`]),
                ...(d.dead ? ["dead"] : []),
              ].join(" "),
            )
            .join(", ") || "none",
      );
    default:
      return undefined;
  }
}

function deliveries(bench: Bench, id: string) {
  const hook = bench.engine.webhooks().find((one) => one.id === id);
  return hook === undefined ? [] : bench.engine.webhookDeliveries(hook.serial, undefined, 1000);
}

function show(bench: Bench, id: string): string {
  const hook = bench.engine.webhooks().find((one) => one.id === id);
  if (hook === undefined) return "no such webhook";
  const { url, events, queues, namespace, secret, enabled, retryLimit, lastStatus, lastError, delivered, pending, dead, dropped } = hook;
  const parts = [url, `events=${events.join()}`];
  if (namespace !== "") parts.push(`namespace=${namespace}`);
  if (queues.length > 0) parts.push(`queues=${queues.join()}`);
  if (secret !== "") parts.push(`secret=${secret}`);
  if (!enabled) parts.push("disabled");
  parts.push(`retries=${retryLimit}`);
  for (const [name, value] of Object.entries({ delivered, pending, dead, dropped })) if (value > 0) parts.push(`${name}=${value}`);
  if (lastStatus > 0) parts.push(`status=${lastStatus}`);
  if (lastError !== "") parts.push(`error="${lastError}"`);
  return parts.join(" ");
}

const codes = new Map<number, string>(Object.entries(ReasonCode).map(([name, code]) => [code, name]));

/** `explain A`: every reason with its sentence. */
export function explainLine(verb: string, id: string, bench: Bench, named: (text: string) => string): string | undefined {
  if (verb !== "explain") return undefined;
  const parsed = parseJobId(id);
  const found = parsed && bench.engine.explain(parsed, bench.nowMs, () => false);
  if (found === undefined) return "not live";
  const parts = [found.state];
  if (found.place > 0) parts.push(`place ${found.place} of ${found.pending}`);
  if (found.estimatedStartMs > 0) parts.push(`starts ${named(new Date(found.estimatedStartMs).toISOString())}`);
  const reasons = found.reasons.map(
    (reason) => `${codes.get(reason.code)}: ${named(reason.message)}${reason.jobIds?.length ? ` [${named(reason.jobIds.join())}]` : ""}`,
  );
  return `${parts.join(", ")} | ${reasons.join(" | ")}`;
}
