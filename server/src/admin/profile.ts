import { Session } from "node:inspector";
import { getHeapSnapshot } from "node:v8";
import { RpcError } from "@corvo/transport";
import { OneAtATime } from "./context.js";

export type ProfileKind = "cpu" | "heap" | "snapshot";
const gate = new OneAtATime("PROFILE_RUNNING", "a profile");
const secondsMax = 60;

/** Records a profile; JSON that Chrome's developer tools read. One at a time, at most a minute. */
export async function* captureProfile(kind: string, seconds: number, gone: (run: () => void) => void): AsyncGenerator<Uint8Array> {
  const wanted = kind === "" ? "cpu" : kind;
  if (wanted !== "cpu" && wanted !== "heap" && wanted !== "snapshot") {
    throw new RpcError("invalid_argument", "INVALID_VALUE", `kind must be cpu, heap or snapshot, not "${kind.slice(0, 32)}"`, { field: "kind" });
  }
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > secondsMax) {
    throw new RpcError("invalid_argument", "INVALID_VALUE", `seconds must be a whole number from 1 to ${secondsMax}`, { field: "seconds" });
  }
  const leave = gate.enter();
  try {
    if (wanted === "snapshot") yield* getHeapSnapshot() as AsyncIterable<Uint8Array>;
    else yield await record(wanted, (seconds || 5) * 1000, gone);
  } finally {
    leave();
  }
}

async function record(kind: "cpu" | "heap", durationMs: number, gone: (run: () => void) => void): Promise<Uint8Array> {
  const session = new Session();
  session.connect();
  const post = (method: string): Promise<{ profile?: object }> =>
    new Promise((resolve, reject) => session.post(method, (error, result) => (error ? reject(error) : resolve(result as { profile?: object }))));
  try {
    if (kind === "cpu") await post("Profiler.enable");
    await post(kind === "cpu" ? "Profiler.start" : "HeapProfiler.startSampling");
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, durationMs);
      gone(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    const { profile } = await post(kind === "cpu" ? "Profiler.stop" : "HeapProfiler.stopSampling");
    return Buffer.from(JSON.stringify(profile));
  } finally {
    session.disconnect();
  }
}
