import { expect, test } from "vitest";
import { contentDigest } from "../digest.js";
import { Engine } from "../index.js";
import { checkInvariants } from "../invariants.js";
import { cutState } from "../snapshot-cut.js";
import { restoreState } from "../snapshot-restore.js";
import { State } from "../state.js";
import { EntityKind } from "./entities.js";

const options = { archive: { append() {}, drop() {} }, archiveRecordOverheadBytes: 24, archiveSegmentBytesMax: 1e6 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (b: Uint8Array): string => new TextDecoder().decode(b);
function add(s: State, kind: number, key: string, content = ""): number {
  return s.entities.add(kind, bytes(key), 0, bytes(key).length, bytes(content), 0, bytes(content).length);
}
const find = (s: State, kind: number, key: string): number => s.entities.find(kind, bytes(key), 0, bytes(key).length);

async function again(s: State): Promise<State> {
  const cut = cutState(s, 1, 1);
  const chunks: Uint8Array[] = [];
  for (let chunk = cut.next(); chunk !== undefined; chunk = cut.next()) chunks.push(chunk);
  cut.release();
  const restored = new State(options);
  await restoreState(
    restored,
    (async function* () {
      yield* chunks;
    })(),
  );
  return restored;
}

test("entities are found by kind and key, listed in the order in which they came, and gone when removed", () => {
  const s = new State(options);
  const a = add(s, EntityKind.budget, "k", "one");
  const b = add(s, EntityKind.policy, "k", "two");
  const c = add(s, EntityKind.budget, "k", "three");
  const empty = add(s, EntityKind.budget, "");
  expect([find(s, EntityKind.budget, "k"), find(s, EntityKind.policy, "k"), find(s, EntityKind.budget, ""), find(s, EntityKind.role, "k")]).toEqual([
    a,
    b,
    empty,
    -1,
  ]);
  expect(s.entities.all(EntityKind.budget, bytes("k"), 0, 1)).toEqual([a, c]);
  expect([s.entities.first(EntityKind.budget), s.entities.following(a), s.entities.following(c), s.entities.last(EntityKind.budget)]).toEqual([
    a,
    c,
    empty,
    empty,
  ]);
  s.entities.setText(c, bytes("longer than before"), 0, 18);
  expect([text(s.entities.textOf(c)), text(s.entities.keyOf(c)), s.entities.textOf(empty).length]).toEqual(["longer than before", "k", 0]);
  const serial = s.entities.serial(a);
  expect(s.entities.bySerial(serial)).toBe(a);
  s.entities.remove(a);
  expect([s.entities.bySerial(serial), find(s, EntityKind.budget, "k"), s.entities.count(EntityKind.budget)]).toEqual([-1, c, 2]);
  checkInvariants(s);
});

test("a cut has entities as they were, whatever happens meanwhile, with their times", async () => {
  const s = new State(options);
  for (let i = 0; i < 3000; i++) {
    const row = add(s, 40 + (i % 5), `key ${i}`, `text ${i}`);
    s.entities.setNum(row, i % 8, i + 0.25);
    s.entities.setInt4(row, i % 4, -i);
    s.entities.setFlag(row, i % 256);
    if (i % 3 === 0) s.entities.setDue(row, 1 + ((i * 7919) % 5000));
    if (i % 7 === 0) s.entities.remove(row);
  }
  const digest = contentDigest(s);
  const restored = await again(s);
  checkInvariants(restored);
  expect(contentDigest(restored)).toBe(digest);
  const cut = cutState(s, 1, 2);
  const first = cut.next()!;
  for (let row = s.entities.first(40); row !== -1; ) {
    const next = s.entities.following(row);
    s.entities.setText(row, bytes("other"), 0, 5);
    if (row % 2 === 0) s.entities.remove(row);
    row = next;
  }
  const chunks = [first];
  for (let chunk = cut.next(); chunk !== undefined; chunk = cut.next()) chunks.push(chunk);
  cut.release();
  expect(contentDigest(s)).not.toBe(digest);
  const old = new State(options);
  await restoreState(
    old,
    (async function* () {
      yield* chunks;
    })(),
  );
  expect(contentDigest(old)).toBe(digest);
  checkInvariants(s);
  const order = (state: State): number[] => {
    const serials: number[] = [];
    while (state.entities.due.size > 0) {
      serials.push(state.entities.serial(state.entities.due.next));
      state.entities.setDue(state.entities.due.next, 0);
    }
    return serials;
  };
  expect(order(restored)).toEqual(order(old));
});

test("any change of an entity changes the state hash, a fraction too", () => {
  const changes: ((s: State, row: number) => void)[] = [
    () => {},
    (s, row) => s.entities.setNum(row, 0, 0.1),
    (s, row) => s.entities.setNum(row, 0, 0.2),
    (s, row) => s.entities.setNum(row, 1, 0.1),
    (s, row) => s.entities.setInt4(row, 0, 1),
    (s, row) => s.entities.setFlag(row, 1),
    (s, row) => s.entities.setDue(row, 1),
    (s, row) => s.entities.setText(row, bytes("x"), 0, 1),
    (s, row) => s.entities.remove(row),
  ];
  const hashes = changes.map((change) => {
    const s = new State(options);
    change(s, add(s, 1, "k", "t"));
    return `${s.hash.low}:${s.hash.high}`;
  });
  expect(new Set(hashes).size).toBe(changes.length);
});

test("the snapshot of an engine without entities has none", async () => {
  const engine = new Engine(options);
  const cut = engine.cut();
  const chunks: Uint8Array[] = [];
  for (let chunk = cut.next(); chunk !== undefined; chunk = cut.next()) chunks.push(chunk);
  cut.release();
  const restored = await Engine.restore(
    options,
    (async function* () {
      yield* chunks;
    })(),
  );
  expect(restored.contentDigest()).toBe(engine.contentDigest());
});
