import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Rest } from "../../../server/test/rest.js";
import { add, killedAt, living, temporaryFolder, verified } from "./aimed.js";

const jobs = 3000;

/** Every job is found, once, and one file answers. */
async function findsAll(rest: Rest, ids: readonly string[]): Promise<void> {
  const minIndex = Number((await rest.get("cluster/status")).json.applied_index);
  const found = new Set<string>();
  let cursor: string | undefined;
  do {
    let page = await rest.post("jobs/search", { queue: "q", limit: 1000, cursor, min_index: minIndex });
    while (page.status === 503) page = await rest.post("jobs/search", { queue: "q", limit: 1000, cursor, min_index: minIndex });
    for (const { id } of page.json.jobs) {
      expect(found.has(id)).toBe(false);
      found.add(id);
    }
    cursor = page.json.cursor || undefined;
  } while (cursor !== undefined);
  expect([...found].sort()).toEqual([...ids].sort());
}

test("a read view that dies while it is made, at the start and on demand: searches are right, and one file is left", async () => {
  const dir = temporaryFolder();
  const ids = await living(dir, { "read-view": "false" }, ({ rest }) => add(rest, "q", jobs));
  for (const place of ["view-opened", "view-filled", "view-ready"]) await killedAt(place, 1, dir, {}, () => Promise.resolve());
  await living(dir, {}, ({ rest }) => findsAll(rest, ids));
  for (const place of ["view-opened", "view-filled", "view-ready"]) {
    await killedAt(place, 1, dir, {}, async ({ rest }) => {
      while ((await rest.post("admin/rebuild-sqlite")).status === 503);
    });
    await living(dir, {}, async ({ rest }) => {
      await findsAll(rest, ids);
      ids.push(...(await add(rest, "q", 100)));
      await findsAll(rest, ids);
    });
    expect(readdirSync(join(dir, "view")).filter((name) => name.endsWith(".sqlite"))).toHaveLength(1);
  }
  await verified(dir);
});
