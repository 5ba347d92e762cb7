import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { ClusterService } from "@corvo/gen/corvo/v1/cluster_pb.js";
import { JobService } from "@corvo/gen/corvo/v1/job_pb.js";
import { QueueService } from "@corvo/gen/corvo/v1/queue_pb.js";
import { WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import { type Log, type RunningServer, resolveServerOptions, startServer } from "../src/index.js";
import { cleanUps } from "./clean-up.js";
import { Rest } from "./rest.js";

/** A real server in this process: real disk, real port. */
export interface TestServer {
  url: string;
  port: number;
  dir: string;
  rest: Rest;
  rpc: Clients;
  /** What it logged, a line each. */
  lines: string[];
  /** See RunningServer. */
  restart: Promise<void>;
  stop(): Promise<void>;
}

export interface Clients {
  worker: Client<typeof WorkerService>;
  job: Client<typeof JobService>;
  queue: Client<typeof QueueService>;
  cluster: Client<typeof ClusterService>;
  close(): void;
}

export function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), "corvo-server-test-"));
  cleanUps.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Starts a server with these flags on a free port; it ends with the test file at the latest. */
export async function serve(flags: Record<string, string> = {}, dir = temporaryDirectory()): Promise<TestServer> {
  const lines: string[] = [];
  const say =
    (level: string) =>
    (message: string, facts: Record<string, unknown> = {}): void => {
      const more = Object.entries(facts).map(([name, value]) => ` ${name}=${value instanceof Error ? value.stack : String(value)}`);
      lines.push(`${level} ${message}${more.join("")}`);
    };
  const log: Log = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
  const options = resolveServerOptions({ bind: "127.0.0.1:0", "data-dir": dir, "log-segment-size": "1MiB", "shutdown-timeout": "2s", ...flags }, {});
  const running: RunningServer = await startServer(options, log);
  const { port } = running.address;
  const url = `http://127.0.0.1:${port}`;
  const rpc = clients(url);
  const rest = new Rest(port);
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      rpc.close();
      rest.close();
      await running.stop();
    })();
    return stopped;
  };
  cleanUps.push(stop);
  return { url, port, dir, rest, rpc, lines, restart: running.restart, stop };
}

export type Protocol = "connect" | "connect json" | "connect json http/1.1" | "grpc" | "grpc-web";

/** Clients of all services over one connection. */
export function clients(url: string, protocol: Protocol = "connect"): Clients {
  const sessions = new Http2SessionManager(url);
  const http2 = { baseUrl: url, httpVersion: "2", sessionManager: sessions } as const;
  const transports: Record<Protocol, () => Transport> = {
    connect: () => createConnectTransport({ ...http2, useBinaryFormat: true }),
    "connect json": () => createConnectTransport({ ...http2, useBinaryFormat: false }),
    "connect json http/1.1": () => createConnectTransport({ baseUrl: url, httpVersion: "1.1", useBinaryFormat: false }),
    grpc: () => createGrpcTransport(http2),
    "grpc-web": () => createGrpcWebTransport(http2),
  };
  const transport = transports[protocol]();
  const close = (): void => sessions.abort();
  cleanUps.push(close);
  return {
    worker: createClient(WorkerService, transport),
    job: createClient(JobService, transport),
    queue: createClient(QueueService, transport),
    cluster: createClient(ClusterService, transport),
    close,
  };
}
