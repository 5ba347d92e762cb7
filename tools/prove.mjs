// npm run prove: the long proofs. Each is a slice of `npm test`, run for longer. CORVO_PROVE_SECONDS (default 600) per random proof.
import { ensureBuilt, main, run, step } from "./lib.mjs";

main(async () => {
  await ensureBuilt();
  const seconds = process.env.CORVO_PROVE_SECONDS ?? "600";
  const env = {
    CORVO_PROVE_SECONDS: seconds,
    CORVO_SECONDS: seconds,
    CORVO_KILLS: process.env.CORVO_KILLS ?? "2000",
    RUNS: "200000",
  };
  const seed = process.env.CORVO_FROM_SEED ?? String(Date.now() % 1_000_000);
  process.stderr.write(`seed ${seed}; again: CORVO_FROM_SEED=${seed} npm run prove\n`);
  // Programs go on from this seed to the next ones; CORVO_SEED would mean this one alone.
  const many = { ...env, CORVO_FROM_SEED: seed };
  const one = { ...env, CORVO_SEED: process.env.CORVO_SEED ?? seed };
  await step("model check, power cuts", () => run("vitest", ["run", "packages/simulator", "--testTimeout", "100000000"], { env: many }));
  await step("random programs over the wire", () => run("vitest", ["run", "conformance/wire", "--testTimeout", "100000000"], { env: many }));
  await step("raft under faults", () => run("vitest", ["run", "packages/raft", "--testTimeout", "100000000"], { env: one }));
  await step("kill -9", () => run("vitest", ["run", "conformance/test/kill", "--testTimeout", "100000000"], { env: one }));
  await step("connect conformance, all cases, both lanes", () => run(process.execPath, ["tools/conformance-connect.mjs"]));
});
