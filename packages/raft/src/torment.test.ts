import { beforeAll, expect, test } from "vitest";
import { coreModule } from "../test/support/core.js";
import { torment } from "../test/support/nemesis.js";

beforeAll(async () => {
  await coreModule();
}, 120_000);

// Another seed: CORVO_SEED=7 CORVO_SECONDS=600 npx vitest run packages/raft/src/torment.test.ts
const seed = Number(process.env.CORVO_SEED ?? 1);
const seconds = Number(process.env.CORVO_SECONDS ?? 60);

test(`five members under crashes, partitions, loss and membership changes: safe, then convergent (seed ${seed}, ${seconds} s)`, async () => {
  const run = await torment(seed, seconds).catch((cause) => {
    throw new Error(`run it again: CORVO_SEED=${seed} CORVO_SECONDS=${seconds} npx vitest run packages/raft/src/torment.test.ts\n${cause.message}`, { cause });
  });
  console.log(JSON.stringify(run));
  if (process.env.CORVO_SEED !== undefined) return;
  // The faults did happen: else the run would prove nothing.
  expect(run).toMatchObject({
    elections: expect.toSatisfy((n: number) => n >= 3),
    crashes: expect.toSatisfy((n: number) => n >= 2),
    partitions: expect.toSatisfy((n: number) => n >= 5),
    snapshots: expect.toSatisfy((n: number) => n >= 1),
    membershipChanges: expect.toSatisfy((n: number) => n >= 1),
    reads: expect.toSatisfy((n: number) => n >= 10),
    delivered: expect.toSatisfy((n: number) => n >= 500),
  });
}, 3_600_000);

test("the same seed gives the same bytes, another one others", async () => {
  const [first, again, other] = [await torment(5, 12), await torment(5, 12), await torment(6, 12)];
  expect(again).toEqual(first);
  expect(other.hash).not.toBe(first.hash);
}, 3_600_000);
