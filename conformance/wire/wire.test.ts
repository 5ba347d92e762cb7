import { expect, test } from "vitest";
import { Model } from "../../packages/simulator/src/model/model.js";
import { serve } from "../../server/test/harness.js";
import { nothingSeen, runOverTheWire } from "./over-the-wire.js";

const proveMs = Number(process.env.CORVO_PROVE_SECONDS ?? 0) * 1000;
const steps = Number(process.env.CORVO_STEPS ?? 60);
const programs = 3;

/** The random programs of the model check, over the wire. With CORVO_SEED: that one alone; with CORVO_PROVE_SECONDS: for so long. */
test("a live server answers random programs as the model does", { timeout: proveMs + 600_000 }, async () => {
  const given = process.env.CORVO_SEED;
  const first = Number(given ?? process.env.CORVO_FROM_SEED ?? (proveMs > 0 ? Date.now() % 1_000_000_000 : 1));
  const endMs = Date.now() + proveMs;
  const seen = nothingSeen();
  for (let seed = first; given ? seed === first : seed < first + programs || Date.now() < endMs; seed++) {
    const server = await serve({ durable: "false", "snapshot-threshold": "1000000" });
    try {
      await runOverTheWire(server, seed, steps, seen);
    } catch (cause) {
      throw new Error(`CORVO_SEED=${seed} CORVO_STEPS=${steps} npx vitest run conformance/wire\n${(cause as Error).message}`, { cause });
    }
  }
  if (given) return;
  const { outcomes, ...totals } = seen;
  if (proveMs > 0) console.log(`from CORVO_SEED=${first}:`, JSON.stringify(totals), JSON.stringify(Object.fromEntries([...outcomes].sort())));
  expect([...seen.skipped].filter((verb) => !["leadership", "tick"].includes(verb))).toEqual([]);
  expect(seen.compared).toBeGreaterThan(seen.calls / 3);
  for (const kind of ["enqueue enqueued", "fetch fetched", "lifecycle frame", "ack refused", "heartbeat beaten"])
    expect(outcomes.get(kind), kind).toBeGreaterThan(0);
});

test("a server that counted attempts otherwise would be found out", async () => {
  const model = new Model();
  const run = model.run.bind(model);
  model.run = (command) => {
    const outcome = run(command);
    for (const job of model.state.jobs.values()) if (job.attempt === 1) job.attempt = 2;
    return outcome;
  };
  const server = await serve({ durable: "false", "snapshot-threshold": "1000000" });
  await expect(runOverTheWire(server, 1, 60, nothingSeen(), model)).rejects.toThrow(/attempt/);
});
