import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failpoints } from "@corvo/protocol";
import { connect } from "@corvo/sdk";
import { storageFailpoints } from "@corvo/storage";
import { expect, test } from "vitest";
import { elsewhere } from "./elsewhere.js";
import { History } from "./history.js";
import { examine, load } from "./load.js";
import { RealServer } from "./server.js";

/** Seeded: mulberry32. */
function generator(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const seed = Number(process.env.CORVO_SEED ?? 20_26);
const kills = Number(process.env.CORVO_KILLS ?? 200);
const rerun = `CORVO_SEED=${seed} npx vitest run conformance/test/kill`;
/** Small, so that logs roll and snapshots are cut many times within a run. */
const flags = ["--log-level", "info", "--snapshot-threshold", "20", "--snapshot-log-min", "0", "--log-segment-size", "64KiB", "--stream-max-fps", "0"];

/** A place that was not reached by then is not on the way of the load, however slow the machine. */
const reachMsMax = 300_000;

/** One data directory, killed again and again. `plan` says how each life ends. Gives back what was seen, and the failpoints that were not reached. */
async function lives(plan: readonly Death[], random: () => number): Promise<{ history: History; missed: string[] }> {
  const home = mkdtempSync(join(tmpdir(), "corvo-kill-"));
  const history = new History();
  const missed: string[] = [];
  try {
    for (const death of plan) {
      const place = death.failpoint && `${death.failpoint}:${death.hit}`;
      const server = await RealServer.start(home, flags, place ? { CORVO_FAILPOINT: place } : {});
      if (server === undefined) continue; // the failpoint is on the way up
      if (death.examined) await examineAt(server, history);
      const client = connect({ url: server.url, tries: 1, timeoutMs: 20_000 });
      const waitMs = place && !death.stop ? reachMsMax : death.afterMs;
      const over = Promise.race([server.gone, new Promise((resolve) => setTimeout(resolve, waitMs))]);
      await load(client, history, random, death.stop ? over.then(() => server.stop()) : over.then(() => server.kill()));
      await server.gone;
      if (place && !server.killedItself) missed.push(place);
      client.close();
      if (history.faults.length > 0) break;
    }
    const last = await RealServer.start(home, flags);
    if (!last) throw new Error("the last server did not come up");
    await examineAt(last, history);
    await last.stop();
    return { history, missed };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function examineAt(server: RealServer, history: History): Promise<void> {
  const client = connect({ url: server.url });
  await examine(client, history);
  client.close();
}

interface Death {
  afterMs: number;
  failpoint?: string;
  /** The failpoint's hit at which the process dies. */
  hit?: number;
  /** A clean stop instead, on the way of which the failpoint may lie. */
  stop?: boolean;
  /** Everything is looked at before this life's load begins. */
  examined?: boolean;
}

test(
  `kill -9 at random moments, ${kills} times: every acknowledged job is there, none twice`,
  async () => {
    const lines = 2;
    const perDirectory = 10;
    let jobs = 0;
    const faults: string[] = [];
    await Promise.all(
      Array.from({ length: lines }, async (_, line) => {
        for (let at = line; at * perDirectory < kills; at += lines) {
          const random = generator(seed + at);
          const plan = Array.from({ length: Math.min(perDirectory, kills - at * perDirectory) }, () => ({ afterMs: 5 + random() * 250 }));
          const { history } = await lives(plan, random);
          jobs += history.jobs.size;
          faults.push(...history.faults);
        }
      }),
    );
    console.log(`${kills} kills, ${jobs} jobs, ${faults.length} faults; again: ${rerun}`);
    expect(faults).toEqual([]);
    expect(jobs).toBeGreaterThan(kills);
  },
  Math.max(30 * 60_000, kills * 10_000),
);

/** Passed once in a life: when a term begins. */
const onceInALife = new Set(["hardState.between"]);

/** Dies there at the first time, lives on and is killed anywhere, dies there at the third time; looked at after each of the two. */
function deathsAt(failpoint: string): Death[] {
  const onTheWayUp = failpoint.startsWith("start-");
  const stop = failpoint.startsWith("stop-");
  const once = onTheWayUp || stop || onceInALife.has(failpoint);
  const death = { afterMs: 100, failpoint, stop };
  // Places on the way up need something to come up with.
  const before = onTheWayUp ? [{ afterMs: 150 }] : [];
  return [...before, { ...death, hit: 1 }, { afterMs: 50, examined: true }, { ...death, hit: once ? 1 : 3 }];
}

test(
  "kill -9 at every named failpoint: every acknowledged job is there, none twice",
  async () => {
    const todo = [...failpoints, ...storageFailpoints].filter((name) => !elsewhere.has(name));
    const missed: string[] = [];
    const faults: string[] = [];
    await Promise.all(
      Array.from({ length: 2 }, async () => {
        for (let name = todo.shift(); name; name = todo.shift()) {
          const found = await lives(deathsAt(name), generator(seed + name.length));
          if (process.env.CORVO_VERBOSE) console.log(name, found.missed, found.history.jobs.size, found.history.faults);
          missed.push(...found.missed);
          faults.push(...found.history.faults.map((fault) => `${name}: ${fault}`));
        }
      }),
    );
    expect(faults, `again: ${rerun}`).toEqual([]);
    expect(missed).toEqual([]);
  },
  60 * 60_000,
);
