import { expect, test } from "vitest";
import { settled } from "../test/support/clock.js";
import { bytes, Cluster, text } from "../test/support/cluster.js";
import { coreModule } from "../test/support/core.js";

/** Counts every time the disk is waited for, and stops the world at one of them. */
class Gate {
  passed = 0;
  #onStop: () => void = () => {};
  readonly stopped: Promise<void>;

  constructor(readonly stopAt: number) {
    this.stopped = new Promise((resolve) => {
      this.#onStop = resolve;
    });
  }
  readonly latency = (done: () => void): void => {
    if (this.passed++ === this.stopAt) this.#onStop();
    else if (this.passed <= this.stopAt) done();
  };
}

const values = (round: string) => Array.from({ length: 6 }, (_, i) => `${round}${i}`);

/** A life: found, propose, snapshot, compact, propose, a membership change, a clean stop, and a start from all that. */
async function live(cluster: Cluster, gate: Gate, acknowledged: string[]): Promise<void> {
  const [machine] = cluster.machines;
  /** What was alive when the power went does nothing more. */
  const powered = async (work: Promise<unknown> | undefined) => {
    await work;
    if (gate.passed > gate.stopAt) await new Promise(() => {});
  };
  for (const round of ["a", "b"]) {
    await powered(machine.start());
    acknowledged.length = 0; // those that the start delivered again are not new
    await powered(cluster.clock.until(() => machine.isLeader || gate.passed > gate.stopAt));
    for (const value of values(round)) {
      machine.node?.propose(bytes(value));
      if (value.endsWith("2")) await powered(settled());
    }
    await powered(settled());
    await powered(machine.snapshot());
    machine.node?.changeMembers([{ type: 3, id: round === "a" ? 8 : 9 }]);
    machine.node?.propose(bytes(`${round}-last`));
    await powered(settled());
    await powered(machine.node?.stop());
  }
}

/** Runs the life up to the n-th wait for the disk and cuts the power there; `reaching` of the waiting writes get through. */
async function crashAt(stopAt: number, reaching: number): Promise<{ done: boolean }> {
  const cluster = new Cluster([1]);
  const [machine] = cluster.machines;
  const gate = new Gate(stopAt);
  cluster.latency = gate.latency;
  const acknowledged: string[] = [];
  cluster.onCommitted = (_, entries) => {
    for (const { type, data } of entries) if (type === 0 && data.length > 0) acknowledged.push(text(data));
  };
  const end = await Promise.race([
    live(cluster, gate, acknowledged).then(() => "done"),
    gate.stopped.then(async () => {
      await settled();
      return "stopped";
    }),
  ]);
  if (end === "done") return { done: true };

  const covered = machine.saved?.state.length ?? 0;
  const promised = acknowledged.slice();
  machine.crash(reaching);
  cluster.latency = (done) => done();
  cluster.onCommitted = () => {};
  await machine.start();
  await cluster.clock.until(() => machine.isLeader);
  await settled();

  const where = `stopped at wait ${stopAt}, ${reaching} writes got through`;
  const order = [...values("a"), "a-last", ...values("b"), "b-last"];
  expect(machine.state, where).toEqual(order.slice(0, machine.state.length)); // a prefix of what was proposed, nothing twice, no gap
  expect(machine.state, where).toEqual(expect.arrayContaining(promised));
  expect(machine.state.length, where).toBeGreaterThanOrEqual(covered);
  machine.node?.propose(bytes("after"));
  await settled();
  expect(machine.state.at(-1), where).toBe("after");
  await machine.node?.stop();
  return { done: false };
}

test("a power cut at every wait for the disk loses nothing that was delivered", async () => {
  await coreModule();
  let waits = 0;
  for (let done = false; !done; waits++) {
    done = (await crashAt(waits, 0)).done;
    if (!done) for (const reaching of [1, 2, 99]) await crashAt(waits, reaching);
  }
  expect(waits).toBeGreaterThan(20);
}, 3_600_000);
