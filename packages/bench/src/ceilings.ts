import { once } from "node:events";
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { connect, createServer } from "node:http2";
import { connect as connectTcp } from "node:net";
import { cpus, hostname, totalmem } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

/** What this machine can do at best, measured in the same run as the figures it stands beside. */
export interface Ceilings {
  /** 4 KiB overwrites of a preallocated file, each followed by fdatasync, per second. */
  fdatasyncPerSecond: number;
  /** Empty HTTP/2 requests over one connection, one at a time, per second; client and server share a thread. */
  http2RoundTripsPerSecond: number;
  /** 260 bytes over a connection and back, one at a time, between two threads that sleep in between, per second: what waking costs here. */
  tcpRoundTripsPerSecond: number;
  /** Copying 64 MiB blocks, GB per second. */
  memoryCopyGbPerSecond: number;
}

export function machine(): { os: string; arch: string; cpus: number; memory_gb: number; hostname: string; cpu: string; node: string } {
  const cores = cpus();
  return {
    os: process.platform,
    arch: process.arch,
    cpus: cores.length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    hostname: hostname(),
    cpu: cores[0]?.model ?? "unknown",
    node: process.versions.node,
  };
}

/** `directory`: on the disk that is to be judged. Takes about two seconds. */
export async function measureCeilings(directory: string): Promise<Ceilings> {
  return {
    fdatasyncPerSecond: syncs(directory),
    http2RoundTripsPerSecond: await roundTrips(),
    tcpRoundTripsPerSecond: await bareRoundTrips(),
    memoryCopyGbPerSecond: copies(),
  };
}

function syncs(directory: string): number {
  const home = mkdtempSync(join(directory, "corvo-ceiling-"));
  const fd = openSync(join(home, "file"), "w");
  const block = Buffer.alloc(4096, 1);
  try {
    writeSync(fd, Buffer.alloc(4 * 1024 * 1024));
    fdatasyncSync(fd);
    const startMs = performance.now();
    let count = 0;
    while (performance.now() - startMs < 700) {
      writeSync(fd, block, 0, 4096, (count % 1024) * 4096);
      fdatasyncSync(fd);
      count++;
    }
    return Math.round((count * 1000) / (performance.now() - startMs));
  } finally {
    closeSync(fd);
    rmSync(home, { recursive: true });
  }
}

async function roundTrips(): Promise<number> {
  const server = createServer();
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200 }, { endStream: true });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const session = connect(`http://127.0.0.1:${port}`);
  const once = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const request = session.request({ ":path": "/" });
      request.on("error", reject);
      request.on("response", () => {});
      request.on("end", resolve);
      request.resume();
      request.end();
    });
  for (let i = 0; i < 200; i++) await once();
  const startMs = performance.now();
  let count = 0;
  while (performance.now() - startMs < 700) {
    await once();
    count++;
  }
  const perSecond = Math.round((count * 1000) / (performance.now() - startMs));
  session.destroy();
  server.close();
  return perSecond;
}

/** The other end of `bareRoundTrips`. */
const echo = `
const { createServer } = require("node:net");
const server = createServer({ noDelay: true }, (socket) => socket.on("data", (bytes) => socket.write(bytes)).on("error", () => {}));
server.listen(0, "127.0.0.1", () => require("node:worker_threads").parentPort.postMessage(server.address().port));
`;

async function bareRoundTrips(): Promise<number> {
  const worker = new Worker(echo, { eval: true });
  const [port] = (await once(worker, "message")) as [number];
  const socket = connectTcp({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  const request = Buffer.alloc(260, 1);
  const trips = (forMs: number): Promise<number> =>
    new Promise((resolve) => {
      const startMs = performance.now();
      let count = 0;
      const again = (): void => {
        const ms = performance.now() - startMs;
        if (ms < forMs) {
          count++;
          socket.write(request);
        } else {
          socket.off("data", again);
          resolve(Math.round((count * 1000) / ms));
        }
      };
      socket.on("data", again);
      again();
    });
  await trips(200);
  const perSecond = await trips(700);
  socket.destroy();
  await worker.terminate();
  return perSecond;
}

function copies(): number {
  const from = Buffer.alloc(64 * 1024 * 1024, 1);
  const to = Buffer.alloc(64 * 1024 * 1024);
  from.copy(to);
  const startMs = performance.now();
  let count = 0;
  while (performance.now() - startMs < 300) {
    from.copy(to);
    count++;
  }
  return Math.round(((count * from.length) / 1e9 / ((performance.now() - startMs) / 1000)) * 10) / 10;
}
