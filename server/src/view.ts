import { resolve } from "node:path";
import type { OpenedReplica } from "@corvo/replica";
import type { Storage } from "@corvo/storage";
import { View } from "@corvo/view";
import type { Log } from "./log.js";
import type { ServerOptions } from "./options.js";

/** Time for which changes gather before the view is told. */
const intervalMs = 100;

/** Takes up the read view, or begins a new one; undefined: the server runs without. */
export async function openView(options: ServerOptions, log: Log, stores: Storage, opened: OpenedReplica): Promise<View | undefined> {
  if (!options.readView) return undefined;
  const { identity } = stores;
  return View.open({
    engine: opened.replica.engine,
    records: (from, to) => stores.archive.recordsBetween(from, to),
    directory: resolve(options.dataDir, "view"),
    owner: `${identity.clusterId}/${identity.nodeId}/${identity.salt}`,
    restoredIndex: opened.restoredFrom?.index ?? 0,
    intervalMs,
    tell: (what, facts) => log.warn(what, facts),
  });
}
