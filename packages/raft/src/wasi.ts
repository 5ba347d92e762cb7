/**
 * The WASI calls that a Go reactor makes. No file, no clock, no entropy of its own: time is a counter and random bytes are given, so
 * that everything the core puts out is a function of what was put in.
 */
export interface WasiHost {
  memory: () => WebAssembly.Memory;
  random: (out: Uint8Array) => void;
}

/** The core ended itself: out of memory, a fatal error of its runtime. What it had to say is in the message. */
export class CoreExit extends Error {
  override name = "CoreExit";
  constructor(
    readonly code: number,
    readonly stderr: string,
  ) {
    super(`the raft core exited with code ${code}: ${stderr.split("\n")[0]}`);
  }
}

const success = 0;
const badDescriptor = 8;
const notImplemented = 52;
const stderrBytesMax = 64 * 1024;
const clockStepNs = 1000n;

const subscriptionBytes = 48;
const subscribesToClock = 0;
const timeoutIsAbsolute = 1;

export interface Wasi {
  imports: WebAssembly.ModuleImports;
  /** What the runtime printed before it died. */
  stderr: () => string;
}

/** Every call that `module` asks for: the ones below, and "not implemented" for the rest. */
export function wasi(module: WebAssembly.Module, host: WasiHost): Wasi {
  let stderr = "";
  let nowNs = 0n;
  const view = () => new DataView(host.memory().buffer);
  const noStrings = (count: number, bytes: number) => {
    view().setUint32(count, 0, true);
    view().setUint32(bytes, 0, true);
    return success;
  };

  const known: WebAssembly.ModuleImports = {
    args_sizes_get: noStrings,
    environ_sizes_get: noStrings,
    args_get: () => success,
    environ_get: () => success,
    sched_yield: () => success,
    fd_prestat_get: () => badDescriptor,
    clock_time_get: (_clock: number, _precision: bigint, out: number) => {
      nowNs += clockStepNs;
      view().setBigUint64(out, nowNs, true);
      return success;
    },
    random_get: (at: number, length: number) => {
      host.random(new Uint8Array(host.memory().buffer, at, length));
      return success;
    },
    fd_write: (_descriptor: number, vectors: number, count: number, written: number) => {
      const memory = view();
      let total = 0;
      for (let i = 0; i < count; i++) {
        const at = memory.getUint32(vectors + 8 * i, true);
        const length = memory.getUint32(vectors + 8 * i + 4, true);
        if (stderr.length < stderrBytesMax) stderr += new TextDecoder().decode(new Uint8Array(memory.buffer, at, length));
        total += length;
      }
      memory.setUint32(written, total, true);
      return success;
    },
    proc_exit: (code: number) => {
      throw new CoreExit(code, stderr);
    },
    // Go's scheduler sleeps here when only its own timers are left (collector, scavenger). Nothing may block: time jumps to the
    // nearest deadline. Without a real answer here the runtime dies, but only after hours.
    poll_oneoff: (subscriptions: number, events: number, count: number, fired: number) => {
      const memory = view();
      let nearestNs: bigint | undefined;
      let userdata = 0n;
      for (let at = subscriptions; at < subscriptions + subscriptionBytes * count; at += subscriptionBytes) {
        if (memory.getUint8(at + 8) !== subscribesToClock) continue;
        const timeoutNs = memory.getBigUint64(at + 24, true);
        const deadlineNs = memory.getUint16(at + 40, true) & timeoutIsAbsolute ? timeoutNs : nowNs + timeoutNs;
        if (nearestNs === undefined || deadlineNs < nearestNs) [nearestNs, userdata] = [deadlineNs, memory.getBigUint64(at, true)];
      }
      if (nearestNs === undefined) throw new CoreExit(-1, "the core waits for an event that cannot come");
      if (nearestNs > nowNs) nowNs = nearestNs;
      memory.setBigUint64(events, userdata, true);
      memory.setUint32(events + 8, 0, true);
      memory.setUint32(fired, 1, true);
      return success;
    },
  };

  const imports: WebAssembly.ModuleImports = {};
  for (const wanted of WebAssembly.Module.imports(module))
    if (wanted.module === wasiModule) imports[wanted.name] = known[wanted.name] ?? (() => notImplemented);
  return { imports, stderr: () => stderr };
}

export const wasiModule = "wasi_snapshot_preview1";
