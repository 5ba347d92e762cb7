import { randomBytes } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { mayKnow, type WebhookRecord } from "@corvo/engine";
import {
  ListWebhookDeliveriesRequestSchema,
  ListWebhookDeliveriesResponseSchema,
  ListWebhooksResponseSchema,
  SetWebhookRequestSchema,
  SetWebhookResponseSchema,
} from "@corvo/gen/corvo/v1/webhook_pb.js";
import { checkSetWebhook, Verb } from "@corvo/protocol";
import { type Call, RpcError, type UnaryHandler } from "@corvo/transport";
import { mayKnowQueue } from "../auth/names.js";
import { principalOf } from "../auth/principal.js";
import { forbidden } from "../auth/refusals.js";
import { plainQueue } from "../webhooks/sign.js";
import { commandHandler } from "./command.js";
import type { HandlerContext } from "./context.js";
import { decoded, timestamp } from "./job.js";
import { ownNamespace } from "./own-namespace.js";

/** Webhooks that the caller may know of, oldest first. */
function known({ replica }: HandlerContext, call: Call): WebhookRecord[] {
  const caller = ownNamespace(call);
  return replica.engine.webhooks().filter(({ namespace }) => mayKnow(caller, namespace));
}

/** All webhooks that the caller may know of; their secrets stay here. */
export function listWebhooksHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(call) {
      const webhooks = known(context, call).map((hook) => ({
        id: hook.id,
        url: hook.url,
        events: hook.events,
        queues: hook.queues,
        namespace: hook.namespace,
        hasSecret: hook.secret !== "",
        enabled: hook.enabled,
        retryLimit: hook.retryLimit,
        createdAt: timestamp(hook.createdMs),
        lastStatusCode: hook.lastStatus,
        lastError: hook.lastError,
        lastDeliveryAt: timestamp(hook.lastMs),
        delivered: BigInt(hook.delivered),
        pending: BigInt(hook.pending),
        dead: BigInt(hook.dead),
        dropped: BigInt(hook.dropped),
      }));
      return toBinary(ListWebhooksResponseSchema, create(ListWebhooksResponseSchema, { webhooks }));
    },
  };
}

/** Makes the secret if that is wanted: dice are not for apply. */
export function setWebhookHandler(context: HandlerContext): UnaryHandler {
  const command = commandHandler(context, { verb: Verb.SET_WEBHOOK, check: checkSetWebhook, schema: SetWebhookRequestSchema });
  return {
    kind: "unary",
    async handle(call, request) {
      const wish = decoded(() => fromBinary(SetWebhookRequestSchema, request));
      wish.namespace = ownNamespace(call);
      mayChange(context, wish);
      if (!wish.generateSecret) return command.handle(call, toBinary(SetWebhookRequestSchema, wish));
      wish.secret = `whsec_${randomBytes(24).toString("base64")}`;
      wish.generateSecret = false;
      const answer = await command.handle(call, toBinary(SetWebhookRequestSchema, wish));
      if (wish.validateOnly) return answer;
      const { status, id } = fromBinary(SetWebhookResponseSchema, answer);
      return toBinary(SetWebhookResponseSchema, create(SetWebhookResponseSchema, { status, id, secret: wish.secret }));
    },
  };
}

/** Who may not see other namespaces must not send their events to an address of its own. */
function mayChange({ replica }: HandlerContext, { id, namespace }: { id: string; namespace: string }): void {
  if (namespace === "" || id === "" || replica.engine.namespacedQueues === 0) return;
  if (replica.engine.webhooks().some((hook) => hook.id === id && hook.namespace === "") && mayKnow(namespace, ""))
    throw forbidden(`webhook "${id}" gets the events of all namespaces: only an admin of default may change it`);
}

export function listWebhookDeliveriesHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(call, request) {
      const { id, state, limit } = decoded(() => fromBinary(ListWebhookDeliveriesRequestSchema, request));
      const { engine } = context.replica;
      const hook = named(context, call, id);
      const who = principalOf(call);
      if (state !== "" && state !== "pending" && state !== "dead") {
        throw new RpcError("invalid_argument", "INVALID_VALUE", `invalid state "${state}": pending or dead`, { field: "state" });
      }
      const dead = state === "" ? undefined : state === "dead";
      const all = engine.webhookDeliveries(hook.serial, dead, limit >= 1 && limit <= 1000 ? limit : 100);
      const shown = who === undefined ? all : all.filter(({ queue }) => queue === "" || mayKnowQueue(who, queue));
      const deliveries = shown.map((d) => ({
        eventId: d.eventId,
        seq: BigInt(d.seq),
        type: d.type,
        jobId: d.jobId,
        queue: plainQueue(hook, d.queue),
        at: timestamp(d.atMs),
        state: d.dead ? "dead" : "pending",
        attempts: d.attempts,
        lastStatusCode: d.lastStatus,
        lastError: d.lastError,
        deadAt: timestamp(d.deadMs),
      }));
      return toBinary(ListWebhookDeliveriesResponseSchema, create(ListWebhookDeliveriesResponseSchema, { deliveries }));
    },
  };
}

function named(context: HandlerContext, call: Call, id: string): WebhookRecord {
  const hook = known(context, call).find((one) => one.id === id);
  if (hook === undefined) throw new RpcError("not_found", "NOT_FOUND", `webhook "${id}" not found`, { field: "id" });
  return hook;
}
