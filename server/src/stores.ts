import { resolve } from "node:path";
import type { Random } from "@corvo/protocol";
import { nodeDisk, openStorage, type Storage, thisProcess } from "@corvo/storage";
import type { Log } from "./log.js";
import type { ServerOptions } from "./options.js";

export interface StoreHooks {
  random: Random;
  /** Called with the name of each place where a process may be killed on purpose. */
  failpoint: (name: string) => void;
  /** A store has stopped for good. */
  onFailure: (cause: Error) => void;
}

/** Opens the data directory, makes it when it is new, and says what was found. Rejects with a sentence when it cannot be served. */
export async function openStores(options: ServerOptions, log: Log, hooks: StoreHooks): Promise<Storage> {
  const root = resolve(options.dataDir);
  const storage = await openStorage({
    disk: nodeDisk(root),
    random: hooks.random,
    logBackend: options.logBackend,
    levelPath: `${root}/log-level`,
    durable: options.durable,
    segmentBytes: options.logSegmentBytes,
    failpoint: hooks.failpoint,
    monotonicMs: () => performance.now(),
    inlineSyncMsMax: 1,
    onFailure: hooks.onFailure,
    holder: thisProcess,
  });
  const { fresh } = storage.found;
  const { firstIndex, lastIndex, sealed, cut } = storage.found.log;
  log.info(fresh ? "data directory made" : "data directory opened", {
    data_dir: root,
    cluster_id: storage.identity.clusterId,
    first_index: firstIndex,
    last_index: lastIndex,
    clean_stop: sealed,
  });
  if (cut)
    log.warn("the last record of the log was torn and is cut; whether it was acknowledged cannot be known", {
      segment: cut.segment,
      offset: cut.offset,
      bytes: cut.bytes,
      reason: cut.reason,
    });
  return storage;
}
