import { WebhookDeliveryTextReader, WebhookTextReader } from "@corvo/gen/corvo/internal/v1/webhook_fast.js";
import { formatJobId } from "@corvo/protocol";
import { textOf } from "./command.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { DeliveryNum, WebhookNum } from "./webhooks.js";

/** A webhook with everything about it. Times are unix milliseconds, 0: none. */
export interface WebhookRecord {
  serial: number;
  id: string;
  url: string;
  events: string[];
  queues: string[];
  /** Only events of this namespace; empty: of all. */
  namespace: string;
  /** Empty: deliveries are not signed. For those who sign alone. */
  secret: string;
  enabled: boolean;
  retryLimit: number;
  createdMs: number;
  lastStatus: number;
  lastError: string;
  lastMs: number;
  delivered: number;
  pending: number;
  dead: number;
  dropped: number;
}

/** An event that a webhook has still to get, or could not get. */
export interface WebhookDeliveryRecord {
  serial: number;
  webhook: number;
  eventId: string;
  seq: number;
  index: number;
  type: string;
  /** Empty: it is not about one job. */
  jobId: string;
  queue: string;
  atMs: number;
  actor: string;
  reason: string;
  /** JSON text; empty: none. */
  data: Uint8Array;
  attempt: number;
  workerId: string;
  dead: boolean;
  attempts: number;
  lastStatus: number;
  lastError: string;
  deadMs: number;
}

const hook = new WebhookTextReader();
const text = new WebhookDeliveryTextReader();
const decoder = new TextDecoder();

/** All webhooks, oldest first. */
export function webhookRecords(s: State): WebhookRecord[] {
  const { entities } = s;
  const records: WebhookRecord[] = [];
  for (let row = entities.first(EntityKind.webhook); row !== -1; row = entities.following(row)) {
    const t = hook.read(entities.textMemory(row), entities.textStart(row), entities.textEnd(row));
    const all = (count: number, starts: Int32Array, ends: Int32Array): string[] => Array.from({ length: count }, (_, i) => textOf(t.buf, starts[i], ends[i]));
    records.push({
      serial: entities.serial(row),
      id: decoder.decode(entities.keyOf(row)),
      url: textOf(t.buf, t.urlStart, t.urlEnd),
      events: all(t.eventsCount, t.eventsStart, t.eventsEnd),
      queues: all(t.queuesCount, t.queuesStart, t.queuesEnd),
      namespace: textOf(t.buf, t.namespaceStart, t.namespaceEnd),
      secret: textOf(t.buf, t.secretStart, t.secretEnd),
      enabled: entities.flag(row) === 1,
      retryLimit: t.retryLimit,
      createdMs: t.createdMs,
      lastStatus: entities.int4(row, 0),
      lastError: textOf(t.buf, t.lastErrorStart, t.lastErrorEnd),
      lastMs: entities.num(row, WebhookNum.lastMs),
      delivered: entities.num(row, WebhookNum.delivered),
      pending: entities.num(row, WebhookNum.pending),
      dead: entities.num(row, WebhookNum.dead),
      dropped: entities.num(row, WebhookNum.dropped),
    });
  }
  return records;
}

/** One delivery; undefined: it is gone. */
export function webhookDelivery(s: State, serial: number): WebhookDeliveryRecord | undefined {
  const { entities } = s;
  const row = entities.bySerial(serial);
  if (row === -1 || entities.kind(row) !== EntityKind.webhookDelivery) return undefined;
  const t = text.read(entities.textMemory(row), entities.textStart(row), entities.textEnd(row));
  return {
    serial,
    webhook: entities.num(row, DeliveryNum.webhook),
    eventId: decoder.decode(entities.keyOf(row)),
    seq: t.seq,
    index: t.index,
    type: textOf(t.buf, t.typeStart, t.typeEnd),
    jobId: t.jobSeq === 0 ? "" : formatJobId(t.jobCreatedMs, t.jobSeq),
    queue: textOf(t.buf, t.queueStart, t.queueEnd),
    atMs: t.atMs,
    actor: textOf(t.buf, t.actorStart, t.actorEnd),
    reason: textOf(t.buf, t.reasonStart, t.reasonEnd),
    data: t.buf.slice(t.dataJsonStart, t.dataJsonEnd),
    attempt: t.attempt,
    workerId: textOf(t.buf, t.workerIdStart, t.workerIdEnd),
    dead: entities.flag(row) === 1,
    attempts: entities.int4(row, 0),
    lastStatus: entities.int4(row, 1),
    lastError: textOf(t.buf, t.lastErrorStart, t.lastErrorEnd),
    deadMs: entities.num(row, DeliveryNum.deadMs),
  };
}

/** Deliveries of a webhook, oldest first, at most `max`. `dead` undefined: both kinds. */
export function webhookDeliveries(s: State, webhook: number, dead: boolean | undefined, max: number): WebhookDeliveryRecord[] {
  const { entities } = s;
  const found: WebhookDeliveryRecord[] = [];
  for (let row = entities.first(EntityKind.webhookDelivery); row !== -1 && found.length < max; row = entities.following(row)) {
    if (entities.num(row, DeliveryNum.webhook) !== webhook || (dead !== undefined && (entities.flag(row) === 1) !== dead)) continue;
    found.push(webhookDelivery(s, entities.serial(row))!);
  }
  return found;
}

/** Who waits for delivery since this serial, oldest first: the little that a deliverer must know to put them in line. */
export function webhookPending(s: State, afterSerial: number): { serial: number; webhook: number; jobSeq: number; attempts: number }[] {
  const { entities } = s;
  const found: { serial: number; webhook: number; jobSeq: number; attempts: number }[] = [];
  for (let row = entities.last(EntityKind.webhookDelivery); row !== -1 && entities.serial(row) > afterSerial; row = entities.preceding(row)) {
    if (entities.flag(row) === 1) continue;
    found.push({
      serial: entities.serial(row),
      webhook: entities.num(row, DeliveryNum.webhook),
      jobSeq: entities.num(row, DeliveryNum.jobSeq),
      attempts: entities.int4(row, 0),
    });
  }
  return found.reverse();
}
