import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeWebhookDeliveryText, WebhookDeliveryTextReader, WebhookTextReader } from "@corvo/gen/corvo/internal/v1/webhook_fast.js";
import { entityId, jobIdBytes } from "@corvo/protocol";
import { textOf } from "./command.js";
import { ensure } from "./invariant.js";
import { webhookPendingMax } from "./limits.js";
import { queuesOf } from "./own-namespace.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { type EventExtra, type EventQueue, type EventWorker, eventTypes } from "./tables/events.js";

/**
 * An entity of kind webhook. Key: its id. Text: WebhookText. Flag: 1 when it is enabled. Integer 0: HTTP status of the last attempt.
 */
export const WebhookNum = {
  delivered: 0,
  pending: 1,
  dead: 2,
  dropped: 3,
  /** First and last event that was dropped since one was taken up; 0: none. */
  gapFrom: 4,
  gapTo: 5,
  lastMs: 6,
} as const;

/**
 * An entity of kind webhook delivery: one event that one webhook has still to get, or could not get. Key: id of the event. Text:
 * WebhookDeliveryText. Flag: 1 when it is a dead letter. Integers: attempts, HTTP status of the last one. In order of their creation,
 * which is the order of delivery.
 */
export const DeliveryNum = {
  /** Serial of the webhook. */
  webhook: 0,
  jobSeq: 1,
  /** When it became a dead letter. */
  deadMs: 2,
} as const;

/** Types of deliveries that are no events of the stream. */
export const gapType = "gap";

interface Hook {
  serial: number;
  /** By number of the type; undefined: all. */
  types: Uint8Array | undefined;
  queues: ReadonlySet<string> | undefined;
  /** Queues of its namespace; undefined: of all. */
  ofNamespace: ((queue: string) => boolean) | undefined;
}

interface Waiting {
  hooks: Hook[];
  seq: number;
  type: string;
  jobSeq: number;
  createdMs: number;
  queue: string;
  atMs: number;
  actor: string;
  attempt: number;
  workerId: string;
  data: Uint8Array;
  reason: Uint8Array;
}

const nothing = new Uint8Array(0);
const encoder = new TextEncoder();
const config = new WebhookTextReader();
const w = new Writer(1024);

/** Id of an event: the same for every attempt and every webhook. */
export function eventId(type: string, atMs: number, seq: number): string {
  return entityId(type === gapType ? "gap_" : "evt_", atMs, seq);
}

/**
 * Takes up events for webhooks. What webhooks want is compiled from their entities; as long as there is none that is enabled, nobody
 * listens and events cost what they always cost. An event that is wanted becomes a delivery at the end of its command, in the log's own
 * order, so it is as durable as the event itself.
 */
export class Outbox {
  /** Rises when a webhook or what it has to deliver changes by hand: for those who keep copies. Not part of the state. */
  version = 0;
  private hooks: Hook[] = [];
  private waiting: Waiting[] = [];
  private newest: Waiting | undefined;

  constructor(private readonly s: State) {}

  /** Call after a webhook changed, and after a restore. */
  refresh(): void {
    const { entities, events } = this.s;
    this.version++;
    this.hooks = [];
    for (let row = entities.first(EntityKind.webhook); row !== -1; row = entities.following(row)) {
      if (entities.flag(row) === 0) continue;
      config.read(entities.textMemory(row), entities.textStart(row), entities.textEnd(row));
      const types = new Uint8Array(eventTypes.length);
      let all = false;
      for (let i = 0; i < config.eventsCount; i++) {
        const type = textOf(config.buf, config.eventsStart[i], config.eventsEnd[i]);
        const number = eventTypes.indexOf(type as (typeof eventTypes)[number]);
        if (type === "*") all = true;
        else if (number >= 0) types[number] = 1;
      }
      const queues = new Set<string>();
      for (let i = 0; i < config.queuesCount; i++) queues.add(textOf(config.buf, config.queuesStart[i], config.queuesEnd[i]));
      const ofNamespace = queuesOf(textOf(config.buf, config.namespaceStart, config.namespaceEnd));
      this.hooks.push({ serial: entities.serial(row), types: all ? undefined : types, queues: queues.size === 0 ? undefined : queues, ofNamespace });
    }
    events.listener = this.hooks.length === 0 ? undefined : this.heard;
    events.details = this.hooks.length === 0 ? undefined : this.told;
  }

  private readonly heard = (type: number, jobSeq: number, createdMs: number, queue: EventQueue | undefined, atMs: number): void => {
    this.newest = undefined;
    const name = queue?.name ?? "";
    const hooks = this.hooks.filter(
      (hook) =>
        (hook.types === undefined || hook.types[type] === 1) &&
        (hook.queues === undefined || hook.queues.has(name)) &&
        (hook.ofNamespace === undefined || hook.ofNamespace(name)),
    );
    if (hooks.length === 0) return;
    const { events } = this.s;
    this.newest = {
      hooks,
      seq: events.lastSeq,
      type: eventTypes[type],
      jobSeq,
      createdMs,
      queue: name,
      atMs,
      actor: events.actor,
      attempt: 0,
      workerId: "",
      data: nothing,
      reason: nothing,
    };
    this.waiting.push(this.newest);
  };

  private readonly told = (extra: EventExtra | undefined, attempt: number, worker: EventWorker | undefined): void => {
    const event = this.newest;
    if (event === undefined) return;
    if (attempt !== 0) event.attempt = attempt;
    if (worker !== undefined) event.workerId = textOf(worker.name, 0, worker.idBytes);
    if (extra !== undefined && extra.data.length > 0) event.data = extra.data;
    if (extra !== undefined && extra.reason.length > 0) event.reason = extra.reason;
  };

  /** At the end of a command: its events become deliveries. */
  flush(): void {
    if (this.waiting.length === 0) return;
    const { waiting } = this;
    this.waiting = [];
    this.newest = undefined;
    for (const event of waiting) for (const hook of event.hooks) this.takeUp(hook.serial, event);
  }

  private takeUp(serial: number, event: Waiting): void {
    const { entities } = this.s;
    const row = entities.bySerial(serial);
    if (row === -1) return; // the same command deleted it
    if (entities.num(row, WebhookNum.pending) >= webhookPendingMax) {
      entities.setNum(row, WebhookNum.dropped, entities.num(row, WebhookNum.dropped) + 1);
      if (entities.num(row, WebhookNum.gapFrom) === 0) entities.setNum(row, WebhookNum.gapFrom, event.seq);
      entities.setNum(row, WebhookNum.gapTo, event.seq);
      return;
    }
    const from = entities.num(row, WebhookNum.gapFrom);
    if (from !== 0) {
      const to = entities.num(row, WebhookNum.gapTo);
      entities.setNum(row, WebhookNum.gapFrom, 0);
      entities.setNum(row, WebhookNum.gapTo, 0);
      const data = encoder.encode(`{"from":${from},"to":${to}}`);
      this.put(row, { ...event, seq: to, type: gapType, jobSeq: 0, createdMs: 0, queue: "", actor: "", attempt: 0, workerId: "", data, reason: nothing });
    }
    this.put(row, event);
  }

  /** An event for one webhook, whatever it wants. */
  put(row: number, event: Omit<Waiting, "hooks">): void {
    const { entities, events } = this.s;
    w.reset();
    encodeWebhookDeliveryText(w, {
      seq: event.seq,
      type: event.type,
      jobSeq: event.jobSeq,
      jobCreatedMs: event.createdMs,
      queue: event.queue,
      atMs: event.atMs,
      index: events.index,
      actor: event.actor,
      reason: event.reason,
      dataJson: event.data,
      attempt: event.attempt,
      workerId: event.workerId,
    });
    const key = encoder.encode(eventId(event.type, event.atMs, event.seq));
    const made = entities.add(EntityKind.webhookDelivery, key, 0, key.length, w.buf, 0, w.pos);
    entities.setNum(made, DeliveryNum.webhook, entities.serial(row));
    if (event.jobSeq !== 0) entities.setNum(made, DeliveryNum.jobSeq, event.jobSeq);
    entities.setNum(row, WebhookNum.pending, entities.num(row, WebhookNum.pending) + 1);
  }
}

/** Longest id of an event. */
export const eventIdBytes = jobIdBytes;
export const deliveryText = new WebhookDeliveryTextReader();
export const webhookText = config;

/** Counters of webhooks are the deliveries that are there. */
export function checkWebhooks(s: State): void {
  const { entities } = s;
  const sums = new Map<number, [pending: number, dead: number]>();
  for (let row = entities.first(EntityKind.webhookDelivery); row !== -1; row = entities.following(row)) {
    const serial = entities.num(row, DeliveryNum.webhook);
    ensure(entities.bySerial(serial) !== -1, `delivery ${entities.serial(row)} belongs to webhook ${serial}, which is gone`);
    const sum = sums.get(serial) ?? [0, 0];
    sum[entities.flag(row)]++;
    sums.set(serial, sum);
  }
  for (let row = entities.first(EntityKind.webhook); row !== -1; row = entities.following(row)) {
    const [pending, dead] = sums.get(entities.serial(row)) ?? [0, 0];
    const counted = [entities.num(row, WebhookNum.pending), entities.num(row, WebhookNum.dead)];
    ensure(counted[0] === pending && counted[1] === dead, `webhook ${entities.serial(row)}: ${pending} pending, ${dead} dead, counted ${counted.join()}`);
  }
}
