import { expect, test } from "vitest";
import { Model } from "./model/model.js";
import { checkProgram, checkSeed, Disagreement, noCoverage } from "./model-check.js";
import { planted } from "./planted.js";
import { randomProgram } from "./program.js";

const proveMs = Number(process.env.CORVO_PROVE_SECONDS ?? 0) * 1_000;
const steps = Number(process.env.CORVO_STEPS ?? 120);
const programs = 110;

/** J3 to J13, J15, J18, J24. With CORVO_SEED: that seed alone. With CORVO_PROVE_SECONDS: for so long, from CORVO_FROM_SEED or a new seed on. */
test("engine and model agree", { timeout: proveMs + 600_000 }, async () => {
  const given = process.env.CORVO_SEED;
  const first = Number(given ?? process.env.CORVO_FROM_SEED ?? (proveMs > 0 ? Date.now() % 1_000_000_000 : 1));
  const endMs = Date.now() + proveMs;
  const coverage = noCoverage();
  for (let seed = first; given ? seed === first : seed < first + programs || Date.now() < endMs; seed++) await checkSeed(seed, steps, coverage);
  if (given) return;
  const { outcomes, ...totals } = coverage;
  if (proveMs > 0) console.log(`from CORVO_SEED=${first}:`, JSON.stringify(totals), JSON.stringify(Object.fromEntries([...outcomes].sort())));
  expect(coverage.restoresUnderWay).toBeGreaterThan(10);
  expect(coverage.archived).toBeGreaterThan(10);
  expect(coverage.sentAgain).toBeGreaterThan(10);
  expect(coverage.refusedAgain).toBeGreaterThan(30);
  for (const kind of ["ack acked", "fail failed", "retry done", "approve done", "reject done", "move done", "delete done", "ack refused"]
    .concat(["revise done", "replay enqueued", "setBudget budget", "setPolicy policy", "iteration pending", "iteration held", "iteration completed"])
    .concat(["over budget fetch", "held for a budget", "requeue done", "changePriority done", "full enqueue", "full enqueueBatch"])
    .concat(["batch completed with callback", "chain failed", "chain cancelled", "chain running behind its first step"])
    .concat([
      "children ended",
      "dependent started",
      "bulk bulk",
      "of a namespace with a request id",
      "bulkStart bulkStarted",
      "bulk task completed",
      "runSchedule scheduleRun",
      "slot fired",
      "slot skipped",
      "slot missed",
      "named chain completed",
    ])) {
    expect.soft(outcomes.get(kind) ?? 0, kind).toBeGreaterThan(2);
  }
  // Some programs of new seeds may do without.
  if (proveMs > 0 && coverage.programs < 200) return;
  for (const kind of [
    "over budget ack",
    "over budget heartbeat",
    "full step",
    "full replay",
    "full frame",
    "chain exited",
    "slot buffered",
    "chain completed behind its first step",
  ])
    expect.soft(outcomes.get(kind) ?? 0, kind).toBeGreaterThan(0);
});

/** The seed whose program found it last time comes first, as a rule the only one; the others follow, so a stale number costs time and hides nothing. */
test.each(Object.entries(planted))("finds %s", { timeout: 300_000 }, async (name, { foundBy, mistake }) => {
  const seeds = [foundBy, ...Array.from({ length: 80 }, (_, i) => i + 1).filter((seed) => seed !== foundBy)];
  const found: unknown[] = [];
  for (const seed of seeds) {
    const model = new Model();
    const run = model.run.bind(model);
    model.run = (command) => mistake(model, command, run);
    await checkProgram(randomProgram(seed, steps), seed, noCoverage(), model).catch((cause) => found.push(cause));
    if (found.length === 0) continue;
    if (seed !== foundBy) console.log(`${name}: seed ${seed} found it, and ${foundBy} did not; \`foundBy\` in planted.ts may be ${seed}`);
    break;
  }
  expect(found[0]).toBeInstanceOf(Disagreement);
});
