import type { Client } from "@connectrpc/connect";
import type { AdminService } from "@corvo/gen/corvo/v1/admin_pb.js";
import { toCorvoError } from "./errors.js";

export interface RestoreOptions {
  /** Refuse an archive of another cluster: 32 hex digits. */
  clusterId?: string;
  /** Only look at it: nothing changes. */
  validateOnly?: boolean;
}

/** What was restored. */
export interface Restored {
  /** Hash over the state: the same as the backed up server's had. */
  contentDigest: string;
  liveJobs: number;
  finishedJobs: number;
  queues: number;
  /** Cluster that the archive was taken from. */
  clusterId: string;
}

type Admin = Client<typeof AdminService>;

export async function* backupBytes(admin: Admin): AsyncIterable<Uint8Array> {
  try {
    for await (const { data } of admin.backup({})) yield data;
  } catch (thrown) {
    throw toCorvoError(thrown);
  }
}

export async function restoreBytes(admin: Admin, parts: AsyncIterable<Uint8Array>, options: RestoreOptions): Promise<Restored> {
  const { contentDigest, liveJobs, finishedJobs, queues, clusterId } = await admin.restore(requests(parts, options)).catch((thrown: unknown) => {
    throw toCorvoError(thrown);
  });
  return { contentDigest, liveJobs: Number(liveJobs), finishedJobs: Number(finishedJobs), queues: Number(queues), clusterId };
}

async function* requests(parts: AsyncIterable<Uint8Array>, { clusterId, validateOnly }: RestoreOptions) {
  for await (const data of parts) yield { data, clusterId: clusterId ?? "", validateOnly: validateOnly === true };
}
