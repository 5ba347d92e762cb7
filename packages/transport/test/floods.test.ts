import { afterEach, describe, expect, it } from "vitest";
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  GOAWAY,
  HEADERS,
  PING,
  post,
  RawHttp2,
  RST_STREAM,
  SETTINGS,
  uint32,
  WINDOW_UPDATE,
} from "./frames.js";
import { type Served, serve } from "./harness.js";
import { besides, timed, until } from "./healthy.js";

/** An answer within 50 ms is what we want, and what is measured is printed. The bound only tells an answer from none: no limit of ours ends a call this early. */
const boundMs = 20_000;
const path = "/corvo.v1.WorkerService/Enqueue";
let served: Served;
afterEach(() => served.listener.close({ graceMs: 0 }));

/** Lets the abuser go on until he is cut off, in bites as large as a socket takes. */
async function flood(raw: RawHttp2, bite: (i: number) => Buffer, bitesMax: number): Promise<void> {
  for (let i = 0; i < bitesMax && !raw.closed; i++) {
    if (!raw.socket.write(bite(i))) await new Promise<void>((resolve) => raw.socket.once("drain", resolve).once("close", resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await raw.untilClosed();
}

async function cutOff(why: string | undefined, run: (raw: RawHttp2) => Promise<void>): Promise<void> {
  const { calls, slowestMs } = await besides(served.url, async () => {
    const raw = await RawHttp2.open(served.port);
    raw.onFrame = () => {};
    const [, ms] = await timed(() => run(raw));
    console.log(`  cut off after ${ms.toFixed(0)} ms`);
    expect(raw.closed).toBe(true);
  });
  console.log(`  a healthy caller beside it: ${calls} calls, slowest ${slowestMs.toFixed(0)} ms`);
  expect(slowestMs).toBeLessThan(boundMs);
  if (why !== undefined) expect(served.abuse).toContain(why);
  await until(() => served.listener.calls === 0);
}

describe("floods of frames", () => {
  // CVE-2023-44487. CANCEL is what attackers sent; NO_ERROR is what a counter of errors would overlook.
  it.each([
    ["CANCEL", 8],
    ["NO_ERROR", 0],
  ] as const)("rapid reset with %s ends the session", async (_name, code) => {
    served = await serve();
    const headers = post(path, "application/proto");
    await cutOff("rapid reset", (raw) =>
      flood(
        raw,
        (i) =>
          Buffer.concat(
            Array.from({ length: 100 }, (_, k) => 1 + 2 * (100 * i + k)).flatMap((id) => [
              frame(HEADERS, END_HEADERS, id, headers),
              frame(RST_STREAM, 0, id, uint32(code)),
            ]),
          ),
        200,
      ),
    );
    expect(served.started.filter((name) => name === "enqueue").length).toBeLessThan(20_000);
  });

  it("rapid reset of complete calls ends the session", async () => {
    served = await serve();
    const headers = post(path, "application/proto");
    await cutOff("rapid reset", (raw) =>
      flood(
        raw,
        (i) =>
          Buffer.concat(
            Array.from({ length: 100 }, (_, k) => 1 + 2 * (100 * i + k)).flatMap((id) => [
              frame(HEADERS, END_HEADERS, id, headers),
              frame(DATA, END_STREAM, id, Buffer.from([0x12, 4, 0x77, 0x61, 0x69, 0x74])), // payload_json: "wait"
              frame(RST_STREAM, 0, id, uint32(8)),
            ]),
          ),
        200,
      ),
    );
  });

  // CVE-2024-27983, CVE-2024-27316.
  it("CONTINUATION without end is cut off", async () => {
    served = await serve();
    await cutOff(undefined, (raw) => {
      raw.write(frame(HEADERS, 0, 1, post(path, "application/proto")));
      return flood(raw, () => Buffer.concat(Array.from({ length: 10 }, (_, k) => frame(CONTINUATION, 0, 1, post("/", `x-${k}`)))), 2000);
    });
  });

  it.each([
    ["PING", () => frame(PING, 0, 0, Buffer.alloc(8))],
    ["SETTINGS", () => frame(SETTINGS, 0, 0, Buffer.from([0, 3, 0, 0, 0, 100]))],
    ["empty SETTINGS", () => frame(SETTINGS, 0, 0)],
  ] as const)("%s without end is cut off", async (_name, one) => {
    served = await serve();
    await cutOff("control frames", (raw) => flood(raw, () => Buffer.concat(Array.from({ length: 100 }, one)), 400));
  });

  it("empty DATA frames do nobody else harm", async () => {
    served = await serve();
    const { slowestMs } = await besides(served.url, async () => {
      const raw = await RawHttp2.open(served.port);
      raw.write(frame(HEADERS, END_HEADERS, 1, post(path, "application/proto")));
      for (let i = 0; i < 100 && !raw.closed; i++) {
        if (!raw.socket.write(Buffer.concat(Array.from({ length: 200 }, () => frame(DATA, 0, 1))))) {
          await new Promise<void>((resolve) => raw.socket.once("drain", resolve).once("close", resolve));
        }
      }
      raw.destroy();
      await raw.untilClosed();
    });
    expect(slowestMs).toBeLessThan(boundMs);
    await until(() => served.listener.calls === 0);
  });

  // CVE-2026-21714: a window of more than 2^31-1.
  it("an overflowing window ends the connection", async () => {
    served = await serve();
    await cutOff(undefined, async (raw) => {
      raw.write(frame(WINDOW_UPDATE, 0, 0, uint32(0x7fff_ffff)), frame(WINDOW_UPDATE, 0, 0, uint32(0x7fff_ffff)));
      await raw.untilClosed();
    });
  });

  it("a header list that unpacks to megabytes resets the stream", async () => {
    served = await serve();
    const raw = await RawHttp2.open(served.port);
    // One header of 3 kB goes into the table (index 62), then it is named a thousand times, one byte each.
    const entry = Buffer.concat([
      Buffer.from([0x40, 1, 0x61, 127, ...[(3000 - 127) & 127, (3000 - 127) >> 7].map((b, i) => (i === 0 ? b | 128 : b))]),
      Buffer.alloc(3000, 0x62),
    ]);
    raw.write(frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([post(path, "application/proto"), entry, Buffer.alloc(1000, 0x80 | 62)])));
    const [end, ms] = await timed(() => raw.find((f) => (f.type === RST_STREAM && f.stream === 1) || f.type === GOAWAY));
    console.log(`  refused after ${ms.toFixed(0)} ms`);
    expect(end).toBeDefined();
    expect(ms).toBeLessThan(boundMs);
    expect(served.started).toEqual([]);
    raw.destroy();
  });

  it("more headers than allowed reset the stream, the connection lives on", async () => {
    served = await serve({ limits: { headersMax: 20 } });
    const raw = await RawHttp2.open(served.port);
    raw.write(
      frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        1,
        post(
          path,
          "application/proto",
          Array.from({ length: 40 }, (_, i) => [`x-${i}`, "1"] as const),
        ),
      ),
    );
    expect(await raw.find((f) => f.type === RST_STREAM && f.stream === 1)).toBeDefined();
    raw.write(frame(HEADERS, END_HEADERS, 3, post(path, "application/proto")), frame(DATA, END_STREAM, 3));
    await raw.body(3);
    expect(served.started).toEqual(["enqueue"]);
    raw.destroy();
  });

  it("a caller that leaves with an error is not waited for", async () => {
    served = await serve();
    const raw = await RawHttp2.open(served.port);
    raw.write(frame(HEADERS, END_HEADERS, 1, post(path, "application/proto")), frame(GOAWAY, 0, 0, uint32(0, 2)));
    await raw.untilClosed();
    await until(() => served.listener.connections === 0 && served.listener.calls === 0);
  });

  it("more streams than were allowed end the connection", async () => {
    served = await serve({ limits: { streamsPerConnectionMax: 10 } });
    await cutOff(undefined, async (raw) => {
      // Once the limit is acknowledged, a stream beyond it is an error of the connection (RFC 9113 §5.1.2).
      raw.write(frame(SETTINGS, 1, 0), ...Array.from({ length: 12 }, (_, i) => frame(HEADERS, END_HEADERS, 1 + 2 * i, post(path, "application/proto"))));
      await raw.untilClosed();
    });
  });

  // Node keeps a session to which nghttp2 has said GOAWAY by itself, and does not tell: only a PING finds out.
  it("garbage after the preface ends the connection", async () => {
    served = await serve({ limits: { keepaliveMs: 100, keepaliveTimeoutMs: 3_000 } });
    await cutOff(undefined, async (raw) => {
      raw.write(Buffer.alloc(4000, 0xff));
      await raw.untilClosed();
    });
  });
});
