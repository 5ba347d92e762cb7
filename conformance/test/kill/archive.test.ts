import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Rest } from "../../../server/test/rest.js";
import { add, killedAt, living, statesOf, temporaryFolder, verified } from "./aimed.js";

/** Retention as short as it gets: what is done is gone a second later, and with it the segment that is written just now. */
const short = { "snapshot-threshold": "20", "snapshot-log-min": "64KiB", "log-segment-size": "64KiB", retention: "1s", "retention-interval": "1s" };
const long = { ...short, retention: "168h" };

async function finish(rest: Rest, count: number): Promise<string[]> {
  const done: string[] = [];
  while (done.length < count) {
    const { jobs } = (await rest.post("fetch/batch", { queues: ["done"], worker_id: "w", count: Math.min(100, count - done.length), timeout: 30 })).json;
    await rest.post("ack/batch", { acks: jobs.map(({ job_id, fence }: { job_id: string; fence: string }) => ({ job_id, fence })) });
    done.push(...jobs.map(({ job_id }: { job_id: string }) => job_id));
  }
  return done;
}

/** Resolves when retention has taken all of them. */
async function gone(rest: Rest, ids: readonly string[]): Promise<void> {
  while ((await statesOf(rest, ids)).size > 0) await new Promise((resolve) => setTimeout(resolve, 50));
}

test("retention that dies while it drops what is written just now: jobs that wait are there, finished ones are whole or gone", async () => {
  const dir = temporaryFolder();
  const waiting = await living(dir, long, ({ rest }) => add(rest, "waits", 40));
  const finished: string[] = [];
  for (const place of ["archive-drop-before", "archive-drop-after"]) {
    for (const hit of [1, 2]) {
      // It goes on writing to the archive at once, and dies there again. A segment goes once its newest job is old enough, so each round is
      // left alone until it is gone: a writer that never pauses would keep its segment until it is full.
      await killedAt(place, hit, dir, short, async ({ rest, server }) => {
        while (!server.gone) {
          await add(rest, "done", 120, { payload: "y".repeat(500) });
          const round = await finish(rest, 120);
          finished.push(...round);
          await gone(rest, round);
        }
      });
    }
  }
  await verified(dir);
  await living(dir, long, async ({ rest }) => {
    expect([...(await statesOf(rest, waiting)).values()]).toEqual(Array(waiting.length).fill("pending"));
    for (const state of (await statesOf(rest, finished)).values()) expect(state).toBe("completed");
    await add(rest, "done", 300);
    const third = await finish(rest, 300);
    const found = await statesOf(rest, third);
    expect([...found.values()]).toEqual(Array(300).fill("completed"));
    // The view says the same of each.
    const { json } = await rest.post("jobs/search", { queue: "waits", limit: 1000, min_index: Number((await rest.get("cluster/status")).json.applied_index) });
    expect(json.total).toBe(waiting.length);
  });
  // Idle, until all of it is gone, the segment that was written last too.
  await living(dir, short, async ({ rest }) => {
    await gone(rest, finished);
    expect((await statesOf(rest, waiting)).size).toBe(waiting.length);
  });
  await verified(dir);
  expect(readdirSync(join(dir, "archive")).filter((name) => /^\d+/.test(name)).length).toBeLessThanOrEqual(1);
});
