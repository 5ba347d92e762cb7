import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Bed, type Group, type Result, series, wait } from "./bed.js";
import { costOf, halfMs } from "./compare-rates.js";
import type { ServerProcess } from "./server-process.js";
import type { Heard } from "./subscriber-process.js";

const ofEverything = ["1000 "];
/** As dashboards are: each looks at one queue, and a few at the busy one. */
const ofOneQueue = [...Array.from({ length: 99 }, (_, i) => `10 queues=bench.other${i}`), "10 queues=bench.q"];

/** A thousand readers of events: what they take from those who work. */
export function subscriberGroup(bed: Bed): Group<ServerProcess> {
  const bounds = { unit: "%", more: false, must: 20, aim: 10, once: true };
  return {
    flags: ["--read-view=false"],
    prepare: async (server) => {
      await bed.warm(server);
      return server;
    },
    rows: [
      { ...bounds, name: "1,000 event subscribers of everything, cost of the cycle's rate", run: (on) => cost(bed, on, ofEverything) },
      { ...bounds, name: "1,000 event subscribers of a queue each, cost of the cycle's rate", run: (on) => cost(bed, on, ofOneQueue) },
    ],
  };
}

async function cost(bed: Bed, server: ServerProcess, kinds: readonly string[]): Promise<Result> {
  const load = () => bed.stream(server, { ms: halfMs(bed) });
  const sum = { events: 0, gaps: 0, errors: 0, cpuMs: 0, ms: 0, missed: 0, busyMs: 0, busyOfMs: 0 };
  const heardBy = async () => {
    const readers = await Readers.start(server.url, kinds);
    const [missedBefore, busyBefore] = await series(server.url, "corvo_events_missed_total", "corvo_events_busy_seconds_total");
    const before = await readers.heard();
    const measured = await load();
    const [missedAfter, busyAfter] = await series(server.url, "corvo_events_missed_total", "corvo_events_busy_seconds_total");
    const after = await readers.heard();
    sum.events += after.events - before.events;
    sum.gaps += after.gaps - before.gaps;
    sum.errors += after.errors + (after.events > before.events ? 0 : 1);
    sum.cpuMs += after.cpuMs - before.cpuMs;
    sum.ms += after.atMs - before.atMs;
    sum.missed += missedAfter - missedBefore;
    sum.busyMs += (busyAfter - busyBefore) * 1000;
    sum.busyOfMs += measured.elapsedMs;
    await readers.stop(server);
    return measured;
  };
  const result = await costOf(load, heardBy);
  const perSecond = (count: number): string => Math.round((count * 1000) / sum.ms).toLocaleString("en-US");
  const share = (ms: number, of: number): string => `${Math.round((100 * ms) / of)} %`;
  const heard = `${perSecond(sum.events)} events/s delivered, ${perSecond(sum.missed)}/s left out by gaps; ${share(sum.busyMs, sum.busyOfMs)} of the server's loop, ${share(sum.cpuMs, sum.ms)} of a core for the readers`;
  return { ...result, errors: result.errors + sum.errors, note: `${result.note}; ${heard}` };
}

/** The process that reads. */
class Readers {
  private constructor(private readonly child: ChildProcess) {}

  static async start(url: string, kinds: readonly string[]): Promise<Readers> {
    const child = fork(fileURLToPath(new URL("subscriber-process.js", import.meta.url)), [url, ...kinds], { execArgv: [] });
    await new Promise<void>((resolve, reject) => {
      child.once("message", () => resolve());
      child.once("exit", (code) => reject(new Error(`the readers of events ended with code ${code}`)));
    });
    return new Readers(child);
  }

  heard(): Promise<Heard> {
    return new Promise((resolve) => {
      this.child.once("message", (heard) => resolve(heard as Heard));
      this.child.send("heard?");
    });
  }

  /** Resolves when the server has noticed, too. */
  async stop(server: ServerProcess): Promise<void> {
    await new Promise<void>((resolve) => {
      this.child.once("exit", () => resolve());
      this.child.kill("SIGKILL");
    });
    while ((await series(server.url, "corvo_event_subscribers"))[0] > 0) await wait(20);
  }
}
