// Reads the event streams of a server over many connections and counts what comes: a process of its own, so that what the readers cost is
// not the load generator's. Arguments: URL, then one per kind of reader: `COUNT QUERY`. Says `{ready}` once all are answered; answers each
// message with its counts. A thread reads, so that answers come at once; it runs when nobody else wants to: in earnest readers are on
// other machines.
import { createConnection, type Socket } from "node:net";
import { constants, setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

export interface Heard {
  events: number;
  gaps: number;
  /** Connections that ended, and streams that were not what they should be. */
  errors: number;
  cpuMs: number;
  atMs: number;
}

/** Places of the counts that both threads see. */
const C = { connections: 0, events: 1, gaps: 2, errors: 3 } as const;
const gapMark = Buffer.from("\nevent: gap\n");

/** One stream: takes chunk after chunk apart, as a client would. */
class Listener {
  private rest: Buffer = Buffer.alloc(0);
  private answered = false;
  constructor(
    socket: Socket,
    private readonly counts: Float64Array,
    private readonly ready: () => void,
  ) {
    socket.on("data", (bytes) => this.take(bytes));
    socket.on("error", () => counts[C.errors]++);
    socket.on("close", () => counts[C.errors]++);
  }

  private take(bytes: Buffer): void {
    const all = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    let at = this.answered ? 0 : this.head(all);
    while (this.answered) {
      const lineEnd = all.indexOf("\r\n", at);
      if (lineEnd < 0) break;
      const length = Number.parseInt(all.toString("latin1", at, lineEnd), 16);
      if (!(length > 0)) {
        this.counts[C.errors]++;
        return;
      }
      const start = lineEnd + 2;
      const end = start + length + 2;
      if (end > all.length) break;
      if (all[start] !== 0x3a) this.event(all.subarray(start, Math.min(end, start + 40)));
      at = end;
    }
    this.rest = at === all.length ? Buffer.alloc(0) : Buffer.from(all.subarray(at));
  }

  private head(all: Buffer): number {
    const end = all.indexOf("\r\n\r\n");
    if (end < 0) return 0;
    if (all.toString("latin1", 9, 12) !== "200") this.counts[C.errors]++;
    this.answered = true;
    this.ready();
    return end + 4;
  }

  private event(head: Buffer): void {
    this.counts[C.events]++;
    if (head.indexOf(gapMark) >= 0) this.counts[C.gaps]++;
  }
}

function readAll(counts: Float64Array, url: string, kinds: readonly string[]): void {
  setPriority(constants.priority.PRIORITY_LOW);
  const { hostname, port, host } = new URL(url);
  const queries = kinds.flatMap((kind) => Array.from({ length: Number(kind.split(" ")[0]) }, () => kind.split(" ")[1] ?? ""));
  for (const query of queries) {
    const socket = createConnection({ host: hostname, port: Number(port) });
    socket.write(`GET /api/v1/events?from=now&${query} HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\n\r\n`);
    new Listener(socket, counts, () => {
      if (++counts[C.connections] === queries.length) parentPort?.postMessage("ready");
    });
  }
}

if (isMainThread) {
  const [url, ...kinds] = process.argv.slice(2);
  const shared = new SharedArrayBuffer(8 * 8);
  const counts = new Float64Array(shared);
  const thread = new Worker(fileURLToPath(import.meta.url), { workerData: { shared, url, kinds } });
  thread.once("message", () => process.send?.({ ready: true }));
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    const heard: Heard = { events: counts[C.events], gaps: counts[C.gaps], errors: counts[C.errors], cpuMs: (user + system) / 1000, atMs: Date.now() };
    process.send?.(heard);
  });
  process.on("disconnect", () => process.exit(0));
} else {
  const { shared, url, kinds } = workerData as { shared: SharedArrayBuffer; url: string; kinds: string[] };
  readAll(new Float64Array(shared), url, kinds);
}
