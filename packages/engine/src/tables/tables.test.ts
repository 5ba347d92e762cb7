import { expect, test } from "vitest";
import { Dice } from "../../test/fuzz.js";
import { Arena, segmentBytes, TextKind } from "./arena.js";
import { DeletedJobs } from "./deleted-jobs.js";
import { Events } from "./events.js";
import { HashIndex } from "./hash-index.js";
import { JobTable, timerField } from "./job-table.js";
import { LeaseTimers } from "./lease-timers.js";
import { Remembered } from "./remembered.js";
import { SequenceIndex } from "./sequence-index.js";
import { ThrottleLog } from "./throttle-log.js";
import { TimerHeap } from "./timer-heap.js";
import { Workers } from "./workers.js";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each(["a timer heap", "a line of leases"])("%s gives rows in the order of time and tie, whatever left in between", (what) => {
  const dice = new Dice(7);
  const jobs = new JobTable();
  const heap = what === "a timer heap" ? new TimerHeap(jobs, timerField) : new LeaseTimers(jobs, timerField);
  const expected = new Map<number, [number, number]>();
  const rows = Array.from({ length: 9000 }, (_, i) => jobs.add(i + 1));
  for (let step = 0; step < 40_000; step++) {
    const row = dice.one(rows);
    if (expected.has(row)) {
      heap.remove(row);
      expected.delete(row);
    } else {
      const at: [number, number] = [dice.below(500), row];
      heap.add(row, ...at);
      expected.set(row, at);
    }
  }
  heap.check("heap", (row) => expected.get(row)![0]);
  const sorted = [...expected].sort(([, a], [, b]) => a[0] - b[0] || a[1] - b[1]).map(([row]) => row);
  const found: number[] = [];
  for (let row = heap.next; row !== -1; row = heap.next) {
    found.push(row);
    heap.remove(row);
  }
  expect(found).toEqual(sorted);
  expect(heap.nextMs).toBe(Number.POSITIVE_INFINITY);
});

test("a line of leases keeps its order while most come in order, some do not, and many leave", () => {
  const dice = new Dice(11);
  const jobs = new JobTable();
  const leases = new LeaseTimers(jobs, timerField);
  const expected = new Map<number, [number, number]>();
  const free = Array.from({ length: 150_000 }, (_, i) => jobs.add(i + 1));
  const check = (): void => {
    leases.check("leases", (row) => expected.get(row)![0]);
    const [first] = [...expected].sort(([, a], [, b]) => a[0] - b[0] || a[1] - b[1]);
    expect([leases.size, leases.next, leases.nextMs]).toEqual([expected.size, first?.[0] ?? -1, first?.[1][0] ?? Number.POSITIVE_INFINITY]);
  };
  for (let step = 0; step < 400_000; step++) {
    const leaving = expected.size > 0 && (free.length === 0 || dice.chance(step % 100_000 < 60_000 ? 35 : 70));
    if (leaving) {
      const row = dice.chance(90) ? leases.next : expected.keys().next().value!;
      leases.remove(row);
      expected.delete(row);
      free.push(row);
    } else {
      const at: [number, number] = [Math.floor(step / 50) + (dice.chance(3) ? -dice.below(40) : 60), step];
      const row = free.pop()!;
      leases.add(row, ...at);
      expected.set(row, at);
    }
    if (step % 40_000 === 0) check();
  }
  check();
});

test("a hash index finds what a map finds, also when hashes are the same", () => {
  const dice = new Dice(3);
  const index = new HashIndex();
  const entries = new Map<number, number>();
  for (let step = 0; step < 60_000; step++) {
    const entry = dice.below(5000);
    const hash = entries.get(entry);
    if (hash !== undefined) {
      index.remove(hash, entry);
      entries.delete(entry);
    } else {
      const made = dice.chance(30) ? 42 : Math.imul(dice.below(2000), 0x9e3779b1) >>> 0;
      index.add(made, entry);
      entries.set(entry, made);
    }
  }
  expect(index.size).toBe(entries.size);
  for (const [entry, hash] of entries) {
    let found = false;
    for (let one = index.first(hash); one !== -1; one = index.next()) found ||= one === entry;
    expect(found).toBe(true);
  }
  expect(index.first(43)).toBe(-1);
});

test("a sequence index forgets leaves that are empty, however old the oldest job is", () => {
  const index = new SequenceIndex();
  index.set(5, 0);
  const far = 2 ** 50;
  for (let seq = far; seq < far + 300_000; seq++) {
    index.set(seq, seq - far);
    if (seq >= far + 10) index.remove(seq - 10);
  }
  expect(index.get(5)).toBe(0);
  expect(index.get(far + 299_999)).toBe(299_999);
  expect(index.get(far + 5)).toBe(-1);
  expect(index.get(6)).toBe(-1);
  expect(index.bytes).toBeLessThan(64 * 1024);
});

test("a throttle allows `rate` fetches in any trailing window", () => {
  const dice = new Dice(11);
  const log = new ThrottleLog(5, 100);
  const fetched: number[] = [];
  for (let nowMs = 0; nowMs < 5000; nowMs += dice.below(40)) {
    const inWindow = fetched.filter((ms) => ms >= nowMs - 100).length;
    expect(log.room(nowMs)).toBe(5 - inWindow);
    expect(log.freeAtMs(nowMs) <= nowMs).toBe(inWindow < 5);
    if (inWindow >= 5) expect(fetched.filter((ms) => ms >= log.freeAtMs(nowMs) - 100).length).toBeLessThan(5);
    else {
      log.record(nowMs);
      fetched.push(nowMs);
    }
  }
  expect(fetched.length).toBeGreaterThan(100);
});

test("an arena lets go of memory that a few old texts would pin", () => {
  const addresses = new Map<number, number>();
  const arena = new Arena();
  const owners = {
    holds: (_kind: number, owner: number, address: number) => addresses.get(owner) === address,
    moved: (_kind: number, owner: number, address: number) => void addresses.set(owner, address),
  };
  const text = (owner: number): Uint8Array => bytesOf(`${owner}:`.padEnd(1000, "x"));
  for (let owner = 0; owner < 40_000; owner++) {
    addresses.set(owner, arena.put(TextKind.request, owner, text(owner), 0, 1000));
    const leaving = owner - 500;
    if (leaving >= 0 && leaving % 1000 !== 0) {
      arena.free(addresses.get(leaving)!);
      addresses.delete(leaving);
    }
    arena.compact(owners, 32 * 1024);
  }
  arena.check(owners);
  expect(addresses.size).toBe(540);
  expect(arena.bytes).toBeLessThan(4 * segmentBytes);
  for (const [owner, address] of addresses) expect(Buffer.compare(arena.view(address), text(owner))).toBe(0);
  // A text of more than half a segment has one of its own, which goes with it.
  const before = arena.bytes;
  const large = arena.put(TextKind.request, -1, new Uint8Array(3 * segmentBytes), 0, 3 * segmentBytes);
  expect(arena.bytes - before).toBeGreaterThan(3 * segmentBytes);
  arena.free(large);
  expect(arena.bytes).toBe(before);
});

test("deleted jobs are remembered by a bit each until their segment goes", () => {
  const deleted = new DeletedJobs(1);
  for (let seq = 1_000_000; seq < 1_100_000; seq += 3) deleted.add(seq, seq < 1_050_000 ? 1 : 2);
  expect(deleted.has(1_000_000)).toBe(true);
  expect(deleted.has(1_000_001)).toBe(false);
  deleted.dropThrough(1);
  expect(deleted.has(1_000_000)).toBe(false);
  expect(deleted.has(1_099_999)).toBe(true);
  expect(deleted.freeRows() + deleted.used).toBe(deleted.rows);
});

test("events keep their numbers when old ones go", () => {
  const events = new Events(10);
  const queue = { name: "q" } as never;
  for (let i = 1; i <= 25; i++) events.add(i % 3, i, 0, queue, i);
  expect(events.since(0, 100).map((event) => event.seq)).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
  expect(events.since(23, 100).map((event) => [event.seq, event.jobSeq])).toEqual([
    [24, 24],
    [25, 25],
  ]);
  expect(events.since(18, 2).map((event) => event.seq)).toEqual([19, 20]);
  events.restored(30);
  expect(events.since(0, 100)).toEqual([]);
  events.add(0, 31, 0, queue, 31);
  expect(events.since(0, 100).map((event) => [event.seq, event.jobSeq])).toEqual([[31, 31]]);
});

test("events are bounded by the bytes of what is said about them, and a copy brings them back", () => {
  const events = new Events(8, 1000);
  const queue = { name: "q" };
  const worker = { name: bytesOf("w1host"), idBytes: 2 };
  for (let i = 1; i <= 12; i++) {
    events.index = 100 + i;
    events.actor = i % 2 === 0 ? "ada" : "";
    events.add(i % 3, i, 5, queue, i);
    events.attempt(i, worker);
    if (i > 9) events.attach(bytesOf(`{"text":"${"x".repeat(300)}"}`));
    events.because(bytesOf(`reason ${"é".repeat(200)}`));
  }
  expect(events.since(0, 100).map((event) => event.seq)).toEqual([12]);
  const [last] = events.since(0, 100);
  expect(last).toMatchObject({ seq: 12, index: 112, type: "enqueued", jobSeq: 12, queue: "q", attempt: 12, workerId: "w1", actor: "ada" });
  expect(new TextEncoder().encode(last.reason).length).toBe(255); // a character is not split
  for (let i = 13; i <= 17; i++) events.add(1, i, 5, queue, i);
  const copy = events.copy(4);
  expect([copy.firstSeq, copy.count, [...copy.jobs]]).toEqual([14, 4, [14, 15, 16, 17]]);
  expect(events.copy(100).extras.filter((extra) => extra !== undefined).length).toBe(1);
});

test("workers above the limit go, the one not heard of for longest first, unless it holds jobs", () => {
  const workers = new Workers(0, 3);
  const add = (name: string, nowMs: number) => {
    const bytes = bytesOf(name);
    const worker = workers.find(bytes, 0, bytes.length, 0, 0) ?? workers.add(bytes, 0, bytes.length, 0, 0, nowMs);
    workers.heard(worker, nowMs);
    return worker;
  };
  add("a", 1).jobs = 1;
  add("b", 2);
  add("c", 3);
  add("b", 4);
  add("d", 5);
  const names: string[] = [];
  for (let worker = workers.oldest; worker !== undefined; worker = worker.newer) names.push(new TextDecoder().decode(worker.id));
  expect(names).toEqual(["a", "b", "d"]);
});

test("remembered requests: the oldest go when there are too many of them, or their answers are too large", () => {
  const arena = new Arena();
  const table = new Remembered(arena, 7, 3, 1000);
  const key = (n: number): Uint8Array => new Uint8Array([n]);
  const hash = new Uint8Array(16);
  const add = (n: number, bytes: number): void => table.add(key(n), 1, hash, 0, new Uint8Array(bytes), 0, bytes, n);
  const known = (): number[] => [1, 2, 3, 4, 5, 6].filter((n) => table.find(key(n), 1) !== -1);
  for (const n of [1, 2, 3, 4]) add(n, 100);
  expect(known()).toEqual([2, 3, 4]);
  add(5, 800);
  expect(known()).toEqual([4, 5]);
  add(6, 2000); // larger than all of them may be: it is remembered alone
  expect(known()).toEqual([6]);
  add(1, 10);
  expect(known()).toEqual([1]);
});
