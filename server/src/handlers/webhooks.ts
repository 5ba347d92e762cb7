import { randomBytes } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { WebhookRecord } from "@corvo/engine";
import {
  ListWebhookDeliveriesRequestSchema,
  ListWebhookDeliveriesResponseSchema,
  ListWebhooksResponseSchema,
  SetWebhookRequestSchema,
  SetWebhookResponseSchema,
} from "@corvo/gen/corvo/v1/webhook_pb.js";
import { checkSetWebhook, Verb } from "@corvo/protocol";
import { RpcError, type UnaryHandler } from "@corvo/transport";
import { commandHandler } from "./command.js";
import type { HandlerContext } from "./context.js";
import { decoded, timestamp } from "./job.js";

/** All webhooks; their secrets stay here. */
export function listWebhooksHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle() {
      const webhooks = context.replica.engine.webhooks().map((hook) => ({
        id: hook.id,
        url: hook.url,
        events: hook.events,
        queues: hook.queues,
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
      if (!wish.generateSecret) return command.handle(call, request);
      wish.secret = `whsec_${randomBytes(24).toString("base64url")}`;
      wish.generateSecret = false;
      const answer = await command.handle(call, toBinary(SetWebhookRequestSchema, wish));
      if (wish.validateOnly) return answer;
      const { status, id } = fromBinary(SetWebhookResponseSchema, answer);
      return toBinary(SetWebhookResponseSchema, create(SetWebhookResponseSchema, { status, id, secret: wish.secret }));
    },
  };
}

export function listWebhookDeliveriesHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(_call, request) {
      const { id, state, limit } = decoded(() => fromBinary(ListWebhookDeliveriesRequestSchema, request));
      const { engine } = context.replica;
      const hook = named(context, id);
      if (state !== "" && state !== "pending" && state !== "dead") {
        throw new RpcError("invalid_argument", "INVALID_VALUE", `invalid state "${state}": pending or dead`, { field: "state" });
      }
      const dead = state === "" ? undefined : state === "dead";
      const deliveries = engine.webhookDeliveries(hook.serial, dead, limit >= 1 && limit <= 1000 ? limit : 100).map((d) => ({
        eventId: d.eventId,
        seq: BigInt(d.seq),
        type: d.type,
        jobId: d.jobId,
        queue: d.queue,
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

function named(context: HandlerContext, id: string): WebhookRecord {
  const hook = context.replica.engine.webhooks().find((one) => one.id === id);
  if (hook === undefined) throw new RpcError("not_found", "NOT_FOUND", `webhook "${id}" not found`, { field: "id" });
  return hook;
}
