import type { Refusal } from "@corvo/protocol";
import type { Replica } from "@corvo/replica";
import type { ArchiveStore } from "@corvo/storage";
import { type Call, RpcError } from "@corvo/transport";
import type { View } from "@corvo/view";
import { defaultNamespace, principalOf } from "../auth/principal.js";
import type { EventHub } from "../events/hub.js";
import type { Log } from "../log.js";
import type { ServerOptions } from "../options.js";
import type { WorkerOrders } from "../worker-orders.js";

/** What every handler stands on. */
export interface HandlerContext {
  replica: Replica;
  options: ServerOptions;
  log: Log;
  archive: ArchiveStore;
  /** Hands events to those who subscribed. */
  events: EventHub;
  /** What workers were told. */
  workerOrders: WorkerOrders;
  /** Undefined: the server runs without. */
  view: View | undefined;
}

/** A refusal becomes an exception here and nowhere else. */
export function toRpcError(refusal: Refusal): RpcError {
  return new RpcError(refusal.code, refusal.reason, refusal.message, { field: refusal.field, retryAfterMs: refusal.retryAfterMs });
}

/** Who asks, for the log: empty while the server is open. */
export function principalName(call: Call): string {
  return principalOf(call)?.name ?? "";
}

/** The caller's namespace, for the log: empty for `default`. */
export function namespaceName(call: Call): string {
  const namespace = principalOf(call)?.namespace;
  return namespace === undefined || namespace === defaultNamespace ? "" : namespace;
}
