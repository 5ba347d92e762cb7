import { expect, test } from "vitest";
import { checkSeed, noCoverage } from "./model-check.js";

const proveMs = Number(process.env.CORVO_PROVE_SECONDS ?? 0) * 1_000;
const steps = Number(process.env.CORVO_STEPS ?? 120);

/** J3 to J11, J15, J18. With CORVO_SEED: that seed alone. With CORVO_PROVE_SECONDS: for so long, from a new seed on. */
test(
  "engine and model agree",
  async () => {
    const first = Number(process.env.CORVO_SEED ?? (proveMs > 0 ? Date.now() % 1_000_000_000 : 1));
    const coverage = noCoverage();
    const endMs = Date.now() + (proveMs || 12_000);
    for (let seed = first; Date.now() < endMs && (proveMs > 0 || seed < first + 300); seed++) {
      await checkSeed(seed, steps, coverage);
      if (process.env.CORVO_SEED) return;
    }
    const { outcomes, ...totals } = coverage;
    console.log(`from CORVO_SEED=${first}:`, JSON.stringify(totals), JSON.stringify(Object.fromEntries([...outcomes].sort())));
    expect(coverage.restoresUnderWay).toBeGreaterThan(10);
    expect(coverage.archived).toBeGreaterThan(10);
    for (const kind of ["ack acked", "fail failed", "retry done", "approve done", "reject done", "move done", "delete done", "ack refused"]) {
      expect(outcomes.get(kind), kind).toBeGreaterThan(10);
    }
  },
  (proveMs || 12_000) + 60_000,
);
