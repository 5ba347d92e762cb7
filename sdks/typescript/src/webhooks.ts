import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Client, createClient, type CallOptions as WireOptions } from "@connectrpc/connect";
import { type Webhook, type WebhookDelivery, WebhookService } from "@corvo/gen/corvo/v1/webhook_pb.js";
import type { CallOptions, ChangeOptions, ClientOptions } from "./client-options.js";

export interface WebhookOptions {
  /** The one to change. Default: a new one. */
  id?: string;
  /** Types of events. Default: all. */
  events?: readonly string[];
  /** Only of these queues. Default: all. */
  queues?: readonly string[];
  /** Signs deliveries; "" signs no more. Default: as it was, none for a new one. */
  secret?: string;
  /** The server makes the secret; the answer has it, once. */
  generateSecret?: boolean;
  /** Default true. False: events are not taken up. */
  enabled?: boolean;
  /** Attempts per event, at most 100. Default 3. */
  retryLimit?: number;
}

export interface WebhookInfo {
  id: string;
  url: string;
  events: string[];
  queues: string[];
  /** Only events of this namespace; empty: of all. */
  namespace: string;
  hasSecret: boolean;
  enabled: boolean;
  retryLimit: number;
  createdAt: Date | undefined;
  /** 0: no attempt yet, or no answer came. */
  lastStatusCode: number;
  /** Empty: the last attempt did not fail. */
  lastError: string;
  lastDeliveryAt: Date | undefined;
  delivered: number;
  pending: number;
  /** Dead letters. */
  dead: number;
  /** Left out because too many were waiting. */
  dropped: number;
}

/** An event that was not delivered, or not yet. */
export interface WebhookDeliveryInfo {
  /** The same for all attempts, and in the header `X-Corvo-Event-ID`. */
  eventId: string;
  seq: bigint;
  type: string;
  jobId: string;
  queue: string;
  at: Date | undefined;
  state: "pending" | "dead";
  attempts: number;
  lastStatusCode: number;
  lastError: string;
  deadAt: Date | undefined;
}

interface Caller {
  change<T>(options: ChangeOptions, call: (options: WireOptions, requestId: string) => Promise<T>): Promise<T>;
  repeat<T>(options: CallOptions, call: (options: WireOptions) => Promise<T>): Promise<T>;
}

/** Events for other systems: `client.webhooks`. */
export class Webhooks {
  private readonly rpc: Client<typeof WebhookService>;
  constructor(
    options: ClientOptions,
    private readonly calls: Caller,
  ) {
    this.rpc = createClient(WebhookService, options.transport);
  }

  /** All of them, oldest first. */
  async list(options: CallOptions = {}): Promise<WebhookInfo[]> {
    return (await this.calls.repeat(options, (o) => this.rpc.listWebhooks({}, o))).webhooks.map(webhookInfo);
  }

  /** Adds a webhook, or changes the one of `id`. `secret` in the answer: the one that `generateSecret` made. */
  async set(url: string, options: WebhookOptions & ChangeOptions = {}): Promise<{ id: string; secret: string }> {
    const request = {
      id: options.id ?? "",
      url,
      events: [...(options.events ?? [])],
      queues: [...(options.queues ?? [])],
      secret: options.secret,
      generateSecret: options.generateSecret ?? false,
      enabled: options.enabled ?? true,
      retryLimit: options.retryLimit ?? 0,
    };
    const { id, secret } = await this.calls.change(options, (o, requestId) => this.rpc.setWebhook({ ...request, requestId }, o));
    return { id, secret };
  }

  /** With all that it has still to deliver. One that is not there is deleted too. */
  async delete(id: string, options: ChangeOptions = {}): Promise<void> {
    await this.calls.change(options, (o, requestId) => this.rpc.deleteWebhook({ id, requestId }, o));
  }

  /** What waits for delivery, and the dead letters, oldest first. */
  async deliveries(id: string, options: CallOptions & { state?: "pending" | "dead"; limit?: number } = {}): Promise<WebhookDeliveryInfo[]> {
    const request = { id, state: options.state ?? "", limit: options.limit ?? 100 };
    return (await this.calls.repeat(options, (o) => this.rpc.listWebhookDeliveries(request, o))).deliveries.map(deliveryInfo);
  }

  /** Delivers dead letters again: those of these events, or all. Gives how many. */
  async redeliver(id: string, eventIds: readonly string[] = [], options: ChangeOptions = {}): Promise<number> {
    return (await this.calls.change(options, (o, requestId) => this.rpc.redeliverWebhook({ id, eventIds: [...eventIds], requestId }, o))).redelivered;
  }

  /** Sends an event of type `webhook_test`, and gives its id. */
  async test(id: string, options: ChangeOptions = {}): Promise<string> {
    return (await this.calls.change(options, (o, requestId) => this.rpc.testWebhook({ id, requestId }, o))).eventId;
  }
}

function webhookInfo(w: Webhook): WebhookInfo {
  const { id, url, events, queues, namespace, hasSecret, enabled, retryLimit, lastStatusCode, lastError } = w;
  return {
    ...{ id, url, events, queues, namespace, hasSecret, enabled, retryLimit, lastStatusCode, lastError },
    createdAt: w.createdAt && timestampDate(w.createdAt),
    lastDeliveryAt: w.lastDeliveryAt && timestampDate(w.lastDeliveryAt),
    delivered: Number(w.delivered),
    pending: Number(w.pending),
    dead: Number(w.dead),
    dropped: Number(w.dropped),
  };
}

function deliveryInfo(d: WebhookDelivery): WebhookDeliveryInfo {
  const { eventId, seq, type, jobId, queue, attempts, lastStatusCode, lastError } = d;
  return {
    ...{ eventId, seq, type, jobId, queue, attempts, lastStatusCode, lastError },
    at: d.at && timestampDate(d.at),
    state: d.state as "pending" | "dead",
    deadAt: d.deadAt && timestampDate(d.deadAt),
  };
}
