import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { BulkChunkDoneReader, encodeBulkChunkCommand } from "@corvo/gen/corvo/internal/v1/bulk_fast.js";
import { encodeFinishedJobCommand } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import { bulkBlockJobs, bulkRequestBody, commandFlags, isRefusal, Verb } from "@corvo/protocol";
import { finishedFacts, finishedJobs, type Replica } from "@corvo/replica";
import type { ArchiveStore } from "@corvo/storage";
import { toRpcError } from "../handlers/context.js";

/** Bytes of one command: records of finished jobs travel in it. */
const chunkBytesMax = 2 * 1024 * 1024;
/** Records that are read from the archive at a time: those of a block. */
const readsMax = bulkBlockJobs;
/** How often a job may change while its record is read. */
const triesMax = 8;

/** What the engine said about a job. */
export const Outcome = { waiting: 0, done: 1, notFound: 2, wrongState: 3, refused: 4, again: 5 } as const;

export interface BulkWork {
  verb: Verb;
  /** Target queue or priority. */
  more: string;
  seqs: ArrayLike<number>;
  times: ArrayLike<number>;
  /** Places of the jobs to do. */
  places: number[];
  /** 0: no task. */
  task: number;
  block: number;
  /** Who asked. */
  principal: string;
}

/**
 * Runs an action on some jobs through the log; what became of each, by place. Throws what refuses all of it. `prepared`: what `itemsOf`
 * gave for all of them, perhaps before others were changed: a record that does not count any more is looked up again.
 */
export async function runChunk(replica: Replica, archive: ArchiveStore, work: BulkWork, prepared?: Promise<Item[]>): Promise<Map<number, number>> {
  const outcomes = new Map<number, number>();
  let left = work.places;
  for (let tries = 0; left.length > 0 && tries < triesMax; tries++) {
    const items = await ((tries === 0 && prepared) || itemsOf(replica, archive, work, left));
    const again: number[] = [];
    for (let from = 0; from < items.length; ) {
      let to = from;
      for (let bytes = 0; to < items.length && (to === from || bytes + items[to].body.length <= chunkBytesMax); to++) bytes += items[to].body.length;
      const part = items.slice(from, to);
      const said = await send(replica, work, part);
      part.forEach((item, i) => {
        if (said[i] === Outcome.again) again.push(item.at);
        else outcomes.set(item.at, said[i] ?? Outcome.waiting);
      });
      from = to;
    }
    left = again;
  }
  for (const place of left) outcomes.set(place, Outcome.refused);
  return outcomes;
}

/** One job of a command. */
export interface Item {
  at: number;
  flags: number;
  body: Uint8Array;
}

/** The request of each job; those of finished jobs take their records along. */
export async function itemsOf(replica: Replica, archive: ArchiveStore, work: BulkWork, places: readonly number[] = work.places): Promise<Item[]> {
  const items: Item[] = places.map((at) => ({ at, flags: 0, body: bulkRequestBody(work.times[at], work.seqs[at], work.more) }));
  const w = new Writer(4096);
  for (let from = 0; from < items.length; from += readsMax) {
    const finished: { item: Item; seq: number }[] = [];
    for (const item of items.slice(from, from + readsMax)) {
      const seq = replica.engine.needsArchive(work.verb, item.body);
      if (seq !== undefined) finished.push({ item, seq });
    }
    if (finished.length === 0) continue;
    const records = await archive.findMany(finished.map(({ seq }) => seq));
    const others = await factsForAll(replica, archive, work.verb, records);
    finished.forEach(({ item }, i) => {
      const { bytes, place } = records[i] ?? {};
      w.reset();
      encodeFinishedJobCommand(w, { request: item.body, archivedJob: bytes, segment: place?.segment, offset: place?.offset, others: others[i] });
      item.flags = commandFlags.finishedJob;
      item.body = w.copy();
    });
  }
  return items;
}

type Facts = Awaited<ReturnType<typeof finishedFacts>>;

/** Whoever runs again may have to wait for others, which may be in the archive too. By the records' places; most wait for nobody. */
async function factsForAll(replica: Replica, archive: ArchiveStore, verb: Verb, records: readonly ({ bytes: Uint8Array } | undefined)[]): Promise<Facts[]> {
  const facts: Facts[] = [];
  const looks: Promise<void>[] = [];
  if (!replica.engine.runsAgain(verb)) return facts;
  for (const [i, record] of records.entries()) {
    const seqs = record === undefined ? [] : replica.engine.dependenciesOfRecord(record.bytes);
    if (seqs.length > 0) looks.push(finishedFacts(finishedJobs(archive), seqs).then((found) => void (facts[i] = found)));
  }
  await Promise.all(looks);
  return facts;
}

async function send(replica: Replica, work: BulkWork, items: readonly Item[]): Promise<Uint8Array> {
  const w = new Writer(64 * 1024);
  encodeBulkChunkCommand(w, { task: work.task, block: work.block, verb: work.verb, items: [...items], once: work.task !== 0 });
  const answer = await replica.call({
    verb: Verb.BULK_CHUNK,
    flags: 0,
    namespace: "",
    principal: work.principal,
    requestHash: undefined,
    body: w.copy(),
  });
  if (isRefusal(answer)) throw toRpcError(answer);
  const r = new BulkChunkDoneReader().read(answer, 0, answer.length);
  return answer.subarray(r.outcomesStart, r.outcomesEnd);
}
