import assert from "node:assert/strict";
import { type Suite, sampleBytes } from "./exercise.js";
import type { SnapshotStore, StoredSnapshot } from "./snapshot-store.js";

export interface SnapshotStoreUnderTest {
  /** Opens the same place again. */
  open(): Promise<SnapshotStore>;
  done?(): Promise<void>;
}

export function sampleChunks(count: number, bytes: number, seed: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => sampleBytes(bytes + at, seed * 100 + at));
}

export async function putSnapshot(store: SnapshotStore, index: number, term: number, chunks: readonly Uint8Array[]): Promise<StoredSnapshot> {
  const writer = await store.create({ index, term, conf: sampleBytes(9, index) });
  for (const chunk of chunks) await writer.write(chunk);
  return writer.finish();
}

export async function readChunks(store: SnapshotStore, snapshot: StoredSnapshot): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(snapshot)) chunks.push(chunk);
  return chunks;
}

export function assertChunks(found: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  assert.deepEqual(found.map(hex), expected.map(hex));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** What every `SnapshotStore` must do. */
export function exerciseSnapshotStore(name: string, make: () => Promise<SnapshotStoreUnderTest>, suite: Suite): void {
  const on = (what: string, run: (under: SnapshotStoreUnderTest) => Promise<void>): void =>
    suite.it(what, async () => {
      const under = await make();
      try {
        await run(under);
      } finally {
        await under.done?.();
      }
    });
  suite.describe(`snapshot store: ${name}`, () => {
    on("gives back the chunks as they came, with their meta, also after it is opened again", async (under) => {
      const store = await under.open();
      assert.deepEqual(await store.list(), []);
      const chunks = [...sampleChunks(5, 3000, 1), new Uint8Array(0), sampleBytes(1, 2)];
      const stored = await putSnapshot(store, 70, 3, chunks);
      assert.ok(stored.bytes > 15_000);
      const again = await under.open();
      const [listed] = await again.list();
      assert.deepEqual([listed.index, listed.term, hex(listed.conf), listed.name, listed.bytes], [70, 3, hex(sampleBytes(9, 70)), stored.name, stored.bytes]);
      assertChunks(await readChunks(again, listed), chunks);
    });

    on("an empty snapshot is one", async (under) => {
      const store = await under.open();
      const stored = await putSnapshot(store, 1, 1, []);
      assertChunks(await readChunks(store, stored), []);
    });

    on("nothing is visible before it is finished, nor after it was given up", async (under) => {
      const store = await under.open();
      const writer = await store.create({ index: 5, term: 1, conf: new Uint8Array(0) });
      await writer.write(sampleBytes(100, 1));
      assert.deepEqual(await store.list(), []);
      await writer.abort();
      assert.deepEqual(await store.list(), []);
      const left = await store.create({ index: 6, term: 1, conf: new Uint8Array(0) });
      await left.write(sampleBytes(100, 1));
      const again = await under.open();
      assert.deepEqual(await again.list(), []);
      assertChunks(await readChunks(again, await putSnapshot(again, 6, 1, sampleChunks(1, 50, 1))), sampleChunks(1, 50, 1));
      await left.abort().catch(() => {}); // its file was replaced
    });

    on("lists the newest first and keeps two", async (under) => {
      const store = await under.open();
      for (const index of [9, 10, 11, 100]) await putSnapshot(store, index, 2, sampleChunks(2, 20, index));
      assert.deepEqual(
        (await store.list()).map((snapshot) => snapshot.index),
        [100, 11, 10, 9],
      );
      await store.prune();
      const kept = await (await under.open()).list();
      assert.deepEqual(
        kept.map((snapshot) => snapshot.index),
        [100, 11],
      );
      assertChunks(await readChunks(store, kept[1]), sampleChunks(2, 20, 11));
    });
  });
}
