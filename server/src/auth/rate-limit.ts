import { RpcError } from "@corvo/transport";

/** Calls per second and at once, for reads and for writes. */
export interface Limits {
  readRps: number;
  readBurst: number;
  writeRps: number;
  writeBurst: number;
}

/** One token bucket. */
class Bucket {
  private tokens = Number.POSITIVE_INFINITY;
  private sinceMs = 0;

  /** Takes tokens; returns 0, or how long to wait for them in ms (Infinity: they never fit). */
  take(cost: number, rps: number, burst: number, nowMs: number): number {
    this.tokens = Math.min(burst, this.tokens + ((nowMs - this.sinceMs) * rps) / 1000);
    this.sinceMs = nowMs;
    if (this.tokens >= cost) {
      this.tokens -= cost;
      return 0;
    }
    return cost > burst ? Number.POSITIVE_INFINITY : ((cost - this.tokens) / rps) * 1000;
  }
}

/** The two buckets of one client. */
class Client {
  readonly read = new Bucket();
  readonly write = new Bucket();
  usedMs = 0;
}

/** Idle clients are forgotten after this: their buckets are full again long before. */
const idleMs = 10 * 60_000;
const clientsMax = 100_000;

/** Token buckets per client and kind of call (spec/rest.md §3). */
export class RateLimiter {
  private clients = new Map<string, Client>();
  private sweptMs = 0;

  constructor(private readonly nowMs: () => number) {}

  /** Undefined: the call may go on. */
  spend(client: string, kind: "read" | "write", cost: number, limits: Limits): RpcError | undefined {
    const nowMs = this.nowMs();
    if (nowMs - this.sweptMs > idleMs) this.sweep(nowMs);
    let one = this.clients.get(client);
    if (one === undefined) {
      if (this.clients.size >= clientsMax) this.sweep(nowMs);
      this.clients.set(client, (one = new Client()));
    }
    one.usedMs = nowMs;
    const waitMs =
      kind === "read" ? one.read.take(cost, limits.readRps, limits.readBurst, nowMs) : one.write.take(cost, limits.writeRps, limits.writeBurst, nowMs);
    return waitMs === 0 ? undefined : rateLimited(waitMs);
  }

  private sweep(nowMs: number): void {
    this.sweptMs = nowMs;
    for (const [key, client] of this.clients) if (nowMs - client.usedMs > idleMs || this.clients.size >= clientsMax) this.clients.delete(key);
  }
}

/** REST: 429 with `Retry-After: 1`, as Corvo has it; RPC: `resource_exhausted` with the wait in both details that clients know. */
function rateLimited(waitMs: number): RpcError {
  const ms = Math.max(1, Math.min(Math.ceil(waitMs), 3_600_000));
  return new RpcError("resource_exhausted", "RATE_LIMITED", "rate limit exceeded", {
    retryAfterMs: ms,
    restRetryAfter: "1",
    details: [{ type: "google.rpc.RetryInfo", value: retryInfo(ms) }],
  });
}

/** google.rpc.RetryInfo: `Duration retry_delay = 1`. */
function retryInfo(ms: number): Uint8Array {
  const duration = [0x08, ...varint(Math.floor(ms / 1000)), 0x10, ...varint((ms % 1000) * 1_000_000)];
  return Uint8Array.from([0x0a, duration.length, ...duration]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}
