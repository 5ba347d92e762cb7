import { isRefusal, parseJobId, type Refusal } from "@corvo/protocol";
import { type Calendar, type OpenedReplica, openReplica } from "@corvo/replica";
import { type LoggedEntry, type LogStore, openStorage, type SimulatedDisk, type Storage } from "@corvo/storage";
import type { Command, JobRecord, Outcome } from "./model/command.js";
import { plainJob } from "./plain.js";
import { archiveSegmentBytesMax } from "./subject.js";
import { decodeAnswer } from "./wire/answer.js";
import { encodeCommand } from "./wire/entry.js";
import type { World } from "./world.js";

/** What was written to the log, life after life: index → entry, the last one that was appended there. */
export type LogRecord = Map<number, LoggedEntry>;

export interface NodeOptions {
  world: World;
  disk: SimulatedDisk;
  core: WebAssembly.Module;
  record: LogRecord;
  /** False: nothing is synced, which the checks must find out. Default true. */
  durable?: boolean;
  /** Default: schedules with cron expressions do not run. */
  calendar?: Calendar;
  /** Default 64. */
  eventsKept?: number;
  /** The process would end here. */
  onFatal: (cause: unknown) => void;
}

/** A node as the server builds one, on a made-up disk and clock. Small limits, so that snapshots, archive and log drops come within seconds. */
export class SimulatedNode {
  private constructor(
    readonly storage: Storage,
    readonly opened: OpenedReplica,
  ) {}

  /** Resolves when it serves. */
  static async boot({ world, disk, core, record, durable, calendar, eventsKept = 64, onFatal }: NodeOptions): Promise<SimulatedNode> {
    const storage = await openStorage({
      disk,
      random: world.random,
      durable,
      segmentBytes: 16 * 1024,
      archiveReserveBytes: 4 * 1024,
      monotonicMs: () => world.nowMs,
      // Both ways of syncing are tried: every other seed syncs small records on the calling thread.
      inlineSyncMsMax: world.seed % 2 === 0 ? 1000 : 0,
      onFailure: onFatal,
    });
    await checkFound(storage.log, record);
    const opened = await openReplica({
      log: recording(storage.log, record),
      archive: storage.archive,
      snapshots: storage.snapshots,
      core,
      random: world.random,
      clock: world.clock,
      id: 1,
      members: [1],
      eventsKept,
      calendar,
      snapshotThresholdEntries: 12,
      snapshotLogBytesMin: 0,
      archiveSegmentBytesMax,
      hashSeed: world.rng.bits(),
      pendingMax: 1_000,
      entriesInFlightMax: 2,
      memoryBytesMax: 1e9,
      stateHashEntries: 5,
      diskPressure: () => storage.space.pressure !== "none",
      onDamagedSnapshot: onFatal,
      onFatal,
    });
    await opened.replica.whenServing();
    return new SimulatedNode(storage, opened);
  }

  get appliedIndex(): number {
    return this.opened.replica.engine.appliedIndex;
  }

  /** Everything about a job, live or finished. */
  async job(id: string): Promise<JobRecord | undefined> {
    const { engine } = this.opened.replica;
    const parsed = parseJobId(id);
    if (!parsed) throw new Error(`${id} is no job id`);
    const live = engine.findLive(parsed);
    if (live) return plainJob(live, engine.liveIterations(parsed)!);
    const seq = engine.finishedSeq(parsed);
    const found = seq === undefined ? undefined : await this.storage.archive.find(seq);
    const record = found && engine.readArchived(found.bytes, found.place);
    return record?.id === id ? plainJob(record, engine.archivedIterations(found!.bytes)) : undefined;
  }

  /** One call of a client. New work is refused when the disk is full, as the server's handlers do. */
  async call(command: Command): Promise<Outcome> {
    const { replica } = this.opened;
    const { verb, flags, requestHash, body } = encodeCommand(command);
    const full = command.verb === "enqueue" || command.verb === "enqueueBatch" ? replica.refusesNewWork() : undefined;
    const input = { verb, flags, namespace: "", principal: "", requestHash: requestHash.length > 0 ? requestHash : undefined, body };
    const answer: Uint8Array | Refusal = full ?? (await replica.call(input));
    return isRefusal(answer) ? { kind: "refused", code: answer.code, reason: answer.reason, message: answer.message } : decodeAnswer(command.verb, answer);
  }

  /** A clean stop. */
  async stop(): Promise<void> {
    await this.opened.stop();
    await this.storage.close();
  }
}

/** J20: what the log gives back is what was appended there. Whatever is not there any more was never promised; that is checked by what was. */
async function checkFound(log: LogStore, record: LogRecord): Promise<void> {
  for (const index of record.keys()) if (index > log.lastIndex) record.delete(index);
  for await (const entries of log.read(log.firstIndex, log.lastIndex)) {
    for (const entry of entries) {
      const known = record.get(entry.index);
      if (!known) throw new Error(`J20: the log has an entry ${entry.index} that was never appended`);
      if (known.term !== entry.term || known.type !== entry.type || Buffer.compare(known.data, entry.data) !== 0) {
        throw new Error(`J20: entry ${entry.index} came back from the disk as another one`);
      }
    }
  }
}

function recording(log: LogStore, record: LogRecord): LogStore {
  return new Proxy(log, {
    get(target, name) {
      if (name === "append") {
        return (batch: Parameters<LogStore["append"]>[0]) => {
          for (const entry of batch.entries) {
            for (let index = entry.index + 1; record.delete(index); index++);
            record.set(entry.index, { ...entry, data: entry.data.slice() });
          }
          return target.append(batch);
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
