import { ArchivedJobReader } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import { bulkBlockJobs, parseJobId } from "@corvo/protocol";
import type { Replica } from "@corvo/replica";
import type { ArchiveStore } from "@corvo/storage";

/** The jobs of an operation, oldest first. */
export interface Chosen {
  seqs: ArrayLike<number>;
  times: ArrayLike<number>;
  /** Ids that are none: skipped as not found. */
  unknown: number;
}

/** A sequence and a time, as an id has them: of a job if it has that time. */
interface Named {
  seq: number;
  seq40: number;
  createdMs: number;
}

const archived = new ArchivedJobReader();

export async function chosenByIds(replica: Replica, archive: ArchiveStore, ids: readonly string[]): Promise<Chosen> {
  const asked = new Set(ids);
  let named: Named[] = [];
  for (const text of asked) {
    const id = parseJobId(text);
    if (id !== undefined) named.push({ seq: replica.engine.seqOf(id), ...id });
  }
  named.sort((a, b) => a.seq - b.seq);
  // Sequences rise with time: where they do not, an id is of no job. Which one only the jobs can say.
  const isInOrder = named.every(({ seq, createdMs }, i) => i === 0 || (seq > named[i - 1].seq && createdMs >= named[i - 1].createdMs));
  if (!isInOrder) named = await ofJobs(replica, archive, named);
  return { seqs: named.map(({ seq }) => seq), times: named.map(({ createdMs }) => createdMs), unknown: asked.size - named.length };
}

/** Without those whose time is not their job's. */
async function ofJobs({ engine }: Replica, archive: ArchiveStore, named: readonly Named[]): Promise<Named[]> {
  const found: Named[] = [];
  for (let from = 0; from < named.length; from += bulkBlockJobs) {
    const some = named.slice(from, from + bulkBlockJobs);
    const live = new Set(some.filter((id) => engine.queueOfLive(id) !== undefined));
    const finished = some.filter((id) => !live.has(id) && engine.finishedSeq(id) !== undefined);
    const records = await archive.findMany(finished.map(({ seq }) => seq));
    const real = new Set(finished.filter(({ createdMs }, i) => createdMs === createdMsOf(records[i]?.bytes)));
    found.push(...some.filter((id) => live.has(id) || real.has(id)));
  }
  return found;
}

function createdMsOf(record: Uint8Array | undefined): number | undefined {
  return record && archived.read(record, 0, record.length).createdMs;
}
