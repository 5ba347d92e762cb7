import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { sampleIdentity, seededRandom } from "./exercise.js";
import { assertEntries, exerciseLogStore, readAll, sampleEntries } from "./exercise-log-store.js";
import { createLevelLog, openLevelLog } from "./level-log.js";
import { LogDamaged } from "./log-store.js";
import { nodeDisk } from "./node-disk.js";

const roots: string[] = [];
afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true });
});

async function made(): Promise<{ root: string; options: Parameters<typeof openLevelLog>[0] }> {
  const root = await mkdtemp(join(tmpdir(), "corvo-level-"));
  roots.push(root);
  const options = { disk: nodeDisk(root), identity: sampleIdentity, levelPath: join(root, "log-level") };
  await createLevelLog(options);
  return { root, options };
}

exerciseLogStore(
  "level",
  async () => {
    const { options } = await made();
    return { open: (more) => openLevelLog({ ...options, ...more }) };
  },
  { describe, it },
);

describe("level log", () => {
  it("one flipped bit in LevelDB's files is refused, or harmless, or loses the end that LevelDB lost itself; values are never altered", async () => {
    const { root, options } = await made();
    const log = await openLevelLog(options);
    for (let index = 1; index <= 40; index++) await log.append({ entries: sampleEntries(index, index, 1, 200) });
    await log.close();
    const random = seededRandom(5);
    let refused = 0;
    for (let sample = 0; sample < 40; sample++) {
      const copy = await mkdtemp(join(tmpdir(), "corvo-level-"));
      roots.push(copy);
      await cp(root, copy, { recursive: true });
      const names = (await readdir(join(copy, "log-level"))).filter((name) => !/LOCK|LOG/.test(name)).sort();
      const path = join(copy, "log-level", names[random() % names.length]);
      const bytes = await readFile(path);
      if (bytes.length === 0) continue;
      bytes[random() % bytes.length] ^= 1 << (random() % 8);
      await writeFile(path, bytes);
      try {
        const again = await openLevelLog({ ...options, disk: nodeDisk(copy), levelPath: join(copy, "log-level") });
        const found = await readAll(again);
        assertEntries(found, sampleEntries(1, 40, 1, 200).slice(0, found.length));
        await again.close();
      } catch (error) {
        expect(error).toBeInstanceOf(LogDamaged);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(0);
  });

  it("refuses another node's data", async () => {
    const { options } = await made();
    await expect(openLevelLog({ ...options, identity: { ...sampleIdentity, nodeId: 2 } })).rejects.toThrow(LogDamaged);
  });
});
