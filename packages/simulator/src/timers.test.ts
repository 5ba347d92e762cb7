import { readFileSync } from "node:fs";
import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodePutScheduleRequest } from "@corvo/gen/corvo/v1/schedule_fast.js";
import { Verb } from "@corvo/protocol";
import { coreUrl } from "@corvo/raft";
import type { Calendar } from "@corvo/replica";
import { SimulatedDisk } from "@corvo/storage";
import { expect, test } from "vitest";
import { SimulatedNode } from "./node.js";
import { World } from "./world.js";

const startMs = 1_790_000_000_000;
const core = WebAssembly.compile(readFileSync(coreUrl));
const seed = Number(process.env.CORVO_SEED ?? process.env.CORVO_FROM_SEED ?? 1);

/** Every whole second, whatever the expression says: what time zones do is the server's library's business. */
const seconds: Calendar = {
  next: (_cron, _zone, afterMs) => (Math.floor(afterMs / 1000) + 1) * 1000,
  past: (_cron, _zone, afterMs, untilMs, max) => {
    const slots: number[] = [];
    for (let at = Math.floor(untilMs / 1000) * 1000; at > afterMs && slots.length < max; at -= 1000) slots.unshift(at);
    return slots;
  },
};

class Room {
  readonly world = new World(seed, startMs);
  readonly disk = new SimulatedDisk({ random: () => this.world.rng.bits() });
  readonly record = new Map();
  node!: SimulatedNode;
  /** Slots that had a job: schedule and slot → when the job was there, by the node's clock. */
  readonly fired = new Map<string, number>();
  /** Promoted jobs: id → when it could be fetched. */
  readonly promoted = new Map<number, number>();
  private seen = 0;

  async boot(): Promise<void> {
    this.disk.delay = ({ kind }) => (kind === "read" ? undefined : this.world.sleep(this.world.rng.below(4)));
    const onFatal = (cause: unknown): never => {
      throw cause;
    };
    this.node = await this.world.await(
      SimulatedNode.boot({ world: this.world, disk: this.disk, core: await core, record: this.record, calendar: seconds, eventsKept: 10_000, onFatal }),
    );
    this.node.opened.replica.onApplied = () => this.look();
    this.look();
  }

  private look(): void {
    const nowMs = this.world.clock.nowMs();
    for (const event of this.node.opened.replica.engine.eventsSince(this.seen, 100_000)) {
      this.seen = event.seq;
      if (event.type === "promoted") this.promoted.set(event.jobSeq, nowMs);
      if (event.type !== "schedule_fired") continue;
      const { schedule, slot_ms } = JSON.parse(new TextDecoder().decode(event.data)) as { schedule: string; slot_ms: number };
      const key = `${schedule} ${slot_ms}`;
      if (this.fired.has(key)) throw new Error(`J14: ${key} fired twice`);
      this.fired.set(key, nowMs);
    }
  }

  async put(name: string, cron: string, more: object = {}): Promise<void> {
    const w = new Writer();
    encodePutScheduleRequest(w, { name, cron, job: { queue: "q" }, overlap: 2, ...more });
    const input = { verb: Verb.PUT_SCHEDULE, flags: 0, namespace: "", principal: "", requestHash: undefined, body: w.copy() };
    const answer = await this.world.await(this.node.opened.replica.call(input));
    expect(answer).toBeInstanceOf(Uint8Array);
  }

  pass(ms: number): Promise<boolean> {
    return this.world.run(() => false, ms);
  }

  async restart(awayMs: number): Promise<void> {
    await this.world.await(this.node.stop());
    this.world.wallOffsetMs += awayMs;
    await this.boot();
  }

  late(): number[] {
    return [...this.fired].map(([key, atMs]) => atMs - Number(key.split(" ")[1]));
  }
}

test("P5: on a calm node no timer is early, and none is more than 20 ms late", async () => {
  const room = new Room();
  await room.boot();
  const dueMs = new Map<number, number>();
  for (let seq = 1; seq <= 40; seq++) {
    const scheduledAtMs = room.world.clock.nowMs() + 500 + room.world.rng.below(4_000);
    await room.world.await(room.node.call({ verb: "enqueue", job: { queue: "q", scheduledAtMs } }));
    dueMs.set(seq, scheduledAtMs);
  }
  await room.put("cron", "* * * * * *");
  await room.put("every", "@every 1s");
  await room.put("jittered", "@every 1s", { jitter: "0s" });
  await room.pass(6_000);
  expect(room.promoted.size).toBe(40);
  const late = [...room.promoted].map(([seq, atMs]) => atMs - dueMs.get(seq)!).concat(room.late());
  expect(late.length).toBeGreaterThan(50);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...late)).toBeLessThanOrEqual(20);
});

test("J14: each slot once, over restarts and leaps of the clock; what was missed is as the policy says", async () => {
  const room = new Room();
  await room.boot();
  await room.put("last", "* * * * * *");
  await room.put("all", "* * * * * *", { catchUp: 3 });
  await room.put("none", "* * * * * *", { catchUp: 2 });
  await room.put("every", "@every 1s", { catchUp: 3 });
  for (const awayMs of [0, 400, 5_000, 90_000, -30_000, 3_600_000]) {
    await room.pass(2_500);
    await room.restart(awayMs);
  }
  await room.pass(35_000); // log time stands until the clock, which was put back, has caught up
  for (const name of ["last", "all", "none", "every"]) {
    const slots = [...room.fired.keys()].filter((key) => key.startsWith(`${name} `)).map((key) => Number(key.split(" ")[1]));
    expect(slots, name).toEqual([...slots].sort((a, b) => a - b));
    const { missed, runs } = room.node.opened.replica.engine.schedule(name)!;
    expect(runs).toBe(slots.length);
    expect(missed > 0, name).toBe(true);
    if (name === "all") expect(slots.length).toBeGreaterThan(150);
    if (name === "none") expect(Math.max(...room.late())).toBeLessThan(3_700_000);
  }
  for (const [key, atMs] of room.fired) expect(atMs, key).toBeGreaterThanOrEqual(Number(key.split(" ")[1]));
});
