import { readFileSync } from "node:fs";
import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { jobStateNames } from "@corvo/engine";
import * as worker from "@corvo/gen/corvo/v1/worker_pb.js";
import { type Clock, isRefusal, parseJobId, Verb } from "@corvo/protocol";
import { coreUrl, type SnapshotWanted } from "@corvo/raft";
import { type OpenedReplica, openReplica } from "@corvo/replica";
import { openStorage, SimulatedDisk, type Storage } from "@corvo/storage";
import { beforeAll, expect, test } from "vitest";
import { VirtualClock } from "../../raft/test/support/clock.js";
import { SimulatedNetwork } from "../../raft/test/support/network.js";
import { SeededRandom } from "../../raft/test/support/random.js";
import { archiveSegmentBytesMax } from "./subject.js";

const proving = process.env.CORVO_PROVE_SECONDS !== undefined;
const seed = Number(process.env.CORVO_SEED ?? process.env.CORVO_FROM_SEED ?? 2);
/** Every change of the disk, or one in so many. */
const stride = proving ? 1 : 3;

let core: WebAssembly.Module;
beforeAll(async () => {
  core = await WebAssembly.compile(readFileSync(coreUrl));
});

const ids = [1, 2, 3];

/** What a member's process may wait for ends with it. */
function clockOfLife(clock: Clock, alive: () => boolean): Clock {
  const after = (delayMs: number, run: () => void) => clock.after(delayMs, () => alive() && run());
  return { nowMs: () => 1_790_000_000_000 + clock.nowMs(), monotonicMs: () => clock.monotonicMs(), after, soon: (run) => void after(0, run) };
}

/** One of three: real storage on a made-up disk, raft, replica and engine. */
class Member {
  readonly disk: SimulatedDisk;
  storage!: Storage;
  opened: OpenedReplica | undefined;
  life = 0;
  fatal: unknown;

  constructor(
    readonly id: number,
    readonly group: Group,
  ) {
    const random = new SeededRandom(group.seed * 100 + id);
    this.disk = new SimulatedDisk({ random: () => random.below(2 ** 31) });
  }

  get engine() {
    return this.opened!.replica.engine;
  }

  async boot(): Promise<void> {
    const life = ++this.life;
    const alive = () => life === this.life;
    const { clock, network, seed } = this.group;
    const random = new SeededRandom(seed * 1000 + this.id * 31 + life);
    this.fatal = undefined;
    const onFatal = (cause: unknown) => {
      if (alive()) this.fatal = cause;
    };
    const options = { random, segmentBytes: 8 * 1024, archiveReserveBytes: 4 * 1024, monotonicMs: () => clock.monotonicMs(), onFailure: onFatal };
    this.storage = await openStorage({ disk: this.disk, identity: { clusterId: "11".repeat(16), nodeId: this.id }, ...options });
    const opened = await openReplica({
      ...{ log: this.storage.log, archive: this.storage.archive, snapshots: this.storage.snapshots, core, random },
      ...{ clock: clockOfLife(clock, alive), id: this.id, members: ids, network: network.of(this.id), coreEntriesKept: 8 },
      ...{ eventsKept: 64, snapshotThresholdEntries: 12, snapshotLogBytesMin: 0, archiveSegmentBytesMax, hashSeed: 17 * this.id },
      ...{ pendingMax: 1000, entriesInFlightMax: 2, memoryBytesMax: 1e9, stateHashEntries: 5, diskPressure: () => false },
      ...{ onDamagedSnapshot: onFatal, onFatal, onSnapshotWanted: (wanted) => this.group.wanted(this, wanted) },
    });
    if (alive()) this.opened = opened;
  }

  /** A clean stop and another start. */
  async restart(): Promise<void> {
    const { opened, storage } = this;
    this.opened = undefined;
    await opened?.stop();
    await storage.close();
    await this.boot();
  }

  crash(keep: "random" | "all"): void {
    this.life++;
    this.group.network.unplug(this.id);
    this.opened = undefined;
    this.disk.fault = undefined;
    this.disk.crash({ keep });
  }
}

class Group {
  readonly clock = new VirtualClock();
  readonly network: SimulatedNetwork;
  readonly members: Member[];
  installed = 0;
  /** Called when a member begins and ends to take a snapshot. */
  onTake: (member: Member, end: boolean) => void = () => {};

  constructor(readonly seed: number) {
    this.network = new SimulatedNetwork(this.clock, new SeededRandom(seed));
    this.members = ids.map((id) => new Member(id, this));
  }

  member(id: number): Member {
    return this.members[id - 1];
  }

  async leader(): Promise<Member> {
    const leads = () => this.members.find((member) => member.opened?.replica.serving);
    await this.clock.until(() => leads() !== undefined);
    return leads()!;
  }

  /** What a transport between members has to do. */
  async wanted(from: Member, wanted: SnapshotWanted): Promise<void> {
    const to = this.member(wanted.to);
    const sender = from.opened!;
    const receiver = to.opened;
    const life = to.life;
    if (receiver === undefined || this.network.isCut(from.id, to.id)) return sender.raft.reportSnapshot(to.id, false);
    const offer = await sender.offerSnapshot(wanted.index, receiver.replica.engine.archiveEnd);
    if (offer === undefined) throw new Error("no room for a snapshot");
    this.onTake(to, false);
    const taken = await receiver.takeSnapshot(offer, wanted.frame(offer.meta)).catch(() => false);
    sender.raft.reportSnapshot(to.id, taken);
    if (to.life !== life || to.fatal !== undefined) return;
    this.onTake(to, true);
    if (taken) this.installed++;
    await to.restart().catch((cause: unknown) => {
      to.fatal ??= cause; // its disk fails: the process ends
    });
  }

  /** Resolves when the promise does; time passes meanwhile. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let over = false;
    promise.finally(() => (over = true)).catch(() => {});
    await this.clock.until(() => over);
    return promise;
  }

  async call<I extends DescMessage, O extends DescMessage>(verb: Verb, input: I, init: MessageInitShape<I>, output: O): Promise<MessageShape<O>> {
    const { replica } = (await this.leader()).opened!;
    const body = toBinary(input as DescMessage, create(input, init));
    const answer = await this.run(replica.call({ verb, flags: 0, namespace: "", principal: "", requestHash: undefined, body }));
    if (isRefusal(answer)) throw new Error(`${Verb[verb]}: ${answer.message}`);
    return fromBinary(output, answer);
  }

  /** Jobs come, are leased, and two of three are completed. */
  async work(rounds: number, completed: string[]): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const jobs = ["a", "b", "c"].map((queue) => ({ queue, payloadJson: JSON.stringify({ round, text: "x".repeat(50) }) }));
      await this.call(Verb.ENQUEUE_BATCH, worker.EnqueueBatchRequestSchema, { jobs }, worker.EnqueueBatchResponseSchema);
      const wish = { queues: ["a", "b", "c"], workerId: "w", count: 2 };
      const { jobs: got } = await this.call(Verb.FETCH_BATCH, worker.FetchBatchRequestSchema, wish, worker.FetchBatchResponseSchema);
      const items = got.map(({ jobId, fence }) => ({ jobId, fence, resultJson: "{}" }));
      const { acked } = await this.call(Verb.ACK_BATCH, worker.AckBatchRequestSchema, { items }, worker.AckBatchResponseSchema);
      expect(acked).toBe(items.length);
      completed.push(...items.map(({ jobId }) => jobId));
    }
  }

  /** All three have applied the same, hold the same, and know every finished job. */
  async agree(completed: readonly string[]): Promise<void> {
    const applied = () => this.members.map((member) => member.opened?.replica.engine.appliedIndex);
    const level = () => applied().every((index) => index !== undefined && index === applied()[0]);
    await this.clock.until(() => level() && this.members.every(({ fatal }) => fatal === undefined));
    const digests = this.members.map(({ engine }) => [engine.stateHash, engine.contentDigest(), engine.archiveEnd]);
    expect(digests[1]).toEqual(digests[0]);
    expect(digests[2]).toEqual(digests[0]);
    for (const { engine, storage, id } of this.members) {
      for (const jobId of completed) {
        const found = await storage.archive.find(engine.finishedSeq(parseJobId(jobId)!)!);
        const record = found && engine.readArchived(found.bytes, found.place);
        expect([id, record?.id, record && jobStateNames[record.state]]).toEqual([id, jobId, "completed"]);
      }
    }
  }
}

/** Three members, of which the third was away while the others let go of what it needs. */
async function behind(seed: number): Promise<{ group: Group; completed: string[]; late: Member }> {
  const group = new Group(seed);
  const late = group.member(3);
  for (const member of group.members) await member.boot();
  const completed: string[] = [];
  await group.work(4, completed);
  // Whoever leads is not the one that goes.
  if ((await group.leader()) === late) {
    late.opened!.raft.transferLeader(1);
    await group.clock.until(() => group.member(1).opened!.replica.serving);
  }
  group.network.isolate(3, ids);
  await group.work(14, completed);
  const { firstIndex } = (await group.leader()).storage.log;
  expect(firstIndex).toBeGreaterThan(late.storage.log.lastIndex + 1);
  return { group, completed, late };
}

test("a member that is behind by more than the others' logs hold gets a snapshot, serves the same state, and leads", async () => {
  const { group, completed, late } = await behind(1);
  const before = late.engine.appliedIndex;
  group.network.heal();
  await group.clock.until(() => group.installed > 0 && late.opened !== undefined);
  await group.agree(completed);
  expect(late.opened!.restoredFrom!.index).toBeGreaterThan(before);
  await group.work(3, completed);
  (await group.leader()).opened!.raft.transferLeader(3);
  await group.clock.until(() => late.opened!.replica.serving);
  await group.work(8, completed);
  await group.agree(completed);
  await group.run(late.restart());
  await group.agree(completed);
});

/** Runs an install up to the n-th change of the late member's disk, ends it there, and lets it come back. Undefined: there are not so many. */
async function endedAt(seed: number, change: number, error: "POWER" | "EIO"): Promise<boolean> {
  const { group, completed, late } = await behind(seed);
  let ended = false;
  group.onTake = (_, end) => {
    if (end || ended) {
      late.disk.fault = undefined; // what follows is another start
      return;
    }
    const last = late.disk.changes + change;
    late.disk.fault = (operation) => {
      if (operation.change < last) return undefined;
      ended = true;
      return { error, afterBytes: operation.bytes >> 1 };
    };
  };
  group.network.heal();
  await group.clock.until(() => ended || group.installed > 0);
  if (!ended) return false;
  await group.clock.advance(5);
  late.crash(error === "POWER" ? "random" : "all");
  await group.clock.advance(50);
  await group.run(late.boot());
  await group.agree(completed);
  await group.work(3, completed);
  await group.agree(completed);
  return true;
}

test.each(["POWER", "EIO"] as const)(
  "ended by %s at every change of its disk while it takes the snapshot, it comes back and catches up",
  async (error) => {
    let changes = 0;
    console.log(`CORVO_SEED=${seed} npx vitest run packages/simulator/src/install.test.ts`);
    while (await endedAt(seed, changes + 1, error)) changes += stride;
    expect(changes).toBeGreaterThan(10); // archive, snapshot, its name, the log that begins anew
  },
  1_800_000,
);
