// npm run prove: the long proofs. Each is a slice of `npm test`, run for longer.
import { ensureBuilt, main, run, step, whole } from "./lib.mjs";

const help = `Runs the proofs of \`npm test\` for longer: seeded random programs against a model, power cuts at every write of a simulated disk,
consensus under faults, a real server killed with -9, Connect's own conformance suite.

Usage: npm run prove -- [flags]

Examples:
  npm run prove -- --seconds 30 --kills 50     a short round
  npm run prove -- --seed 4711                 the programs of another run again

  --seconds N    how long each of the five random proofs goes on (CORVO_PROVE_SECONDS; default: 600)
  --kills N      how often the server is killed at a random moment (CORVO_KILLS; default: 2000)
  --seed N       the first seed (CORVO_FROM_SEED; default: another one each time, printed at the start)
  -h, --help     this text

With the defaults plan two hours: half an hour and more for the random proofs, as long for the kills, then the suites around them. A failure
prints the line that shows it again (CORVO_SEED=N is that one program alone), ends the run, and is exit code 1. Needs Go for the last proof.
`;

const options = {
  seconds: { type: "string", default: process.env.CORVO_PROVE_SECONDS ?? "600" },
  kills: { type: "string", default: process.env.CORVO_KILLS ?? "2000" },
  seed: { type: "string", default: process.env.CORVO_FROM_SEED ?? String(1 + (Date.now() % 1_000_000)) },
};

main(
  async (values) => {
    const seconds = String(whole("seconds", values.seconds));
    const kills = String(whole("kills", values.kills));
    const seed = String(whole("seed", values.seed));
    await ensureBuilt();
    // Runs and rounds: about as long as the other proofs.
    const rounds = { CORVO_RUNS: String(100 + 40 * seconds), CORVO_ROUNDS: String(40_000 + 2_000 * seconds) };
    const env = { CORVO_PROVE_SECONDS: seconds, CORVO_SECONDS: seconds, CORVO_KILLS: kills, ...rounds };
    process.stderr.write(`seed ${seed}; again: npm run prove -- --seed ${seed}\n`);
    // Programs go on from this seed to the next ones; CORVO_SEED would mean this one alone.
    const many = { ...env, CORVO_FROM_SEED: seed };
    const one = { ...env, CORVO_SEED: process.env.CORVO_SEED ?? seed };
    const proof = (name, places, env) => step(name, () => run("vitest", ["run", ...places.split(" "), "--testTimeout", "100000000"], { env }));
    await proof("model check, power cuts", "packages/simulator", many);
    await proof("random programs over the wire", "conformance/wire", many);
    await proof("random messages", "packages/protocol/test/fast-codec.test.ts packages/transport/src/rest/roundtrip.test.ts", one);
    await proof("raft under faults", "packages/raft", one);
    await proof("kill -9", "conformance/test/kill", one);
    await step("connect conformance, all cases, both lanes", () => run(process.execPath, ["tools/conformance-connect.mjs"]));
  },
  { help, options },
);
