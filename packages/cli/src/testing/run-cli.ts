import { commands } from "../commands.js";
import type { Io, Machine } from "../io.js";
import type { Loaders } from "../loaders.js";
import { run } from "../program.js";
import { isProgram, startProgram } from "../programs.js";

export interface Surroundings {
  env?: Record<string, string>;
  stdin?: string;
  files?: Record<string, string>;
  /** Default: a pipe. */
  tty?: boolean;
  columns?: number;
  /** What a person types when asked. */
  typed?: string;
  load?: Partial<Loaders>;
  /** Wall clock; default: noon of the first day of 2026. */
  nowMs?: () => number;
  /** Keys that are pressed one after the other; a pattern is waited for in what was printed since the last key. */
  keys?: readonly (string | RegExp)[];
  /** What there is of this machine; default: Node 22, 100 GiB of disk below /data, no processes. */
  machine?: Partial<Machine>;
  /** Ctrl-C after this many milliseconds. */
  interruptAfterMs?: number;
  /** Ctrl-C as soon as what was printed so far is enough. */
  interruptWhen?: (printed: Outcome) => boolean;
  /** Ctrl-C when this is aborted. */
  interrupt?: AbortSignal;
  /** Told everything that is printed, as it comes. */
  onOutput?: (text: string) => void;
  /** The same for standard error. */
  onError?: (text: string) => void;
}

export interface Outcome {
  code: number;
  out: string;
  err: string;
  /** Questions that were asked. */
  asked: string[];
  /** Folders that were removed; undefined: none. */
  removed?: string[];
  /** Files that were written. */
  files: Record<string, string>;
}

const gib = 1024 ** 3;

/** Wall clock of the runs: noon of the first day of 2026. */
export const noonMs = Date.parse("2026-01-01T12:00:00Z");

/** Runs one command line inside this process, with made-up streams, files and clock. */
export async function runCli(argv: readonly string[], around: Surroundings = {}): Promise<Outcome> {
  const outcome: Outcome = { code: 0, out: "", err: "", asked: [], files: {} };
  const files: Record<string, string> = { ...around.files };
  let interrupted: AbortSignal | undefined;
  const enough = new AbortController();
  let printed = (): void => {};
  const look = (): void => {
    printed();
    if (around.interruptWhen?.(outcome)) enough.abort();
  };
  const startedMs = performance.now();
  const missing = (part: string) => () => Promise.reject(new Error(`${part} must not be loaded here`));
  const io: Io = {
    stdout: (text) => {
      outcome.out += typeof text === "string" ? text : Buffer.from(text).toString();
      around.onOutput?.(outcome.out);
      look();
    },
    stderr: (text) => {
      outcome.err += text;
      around.onError?.(outcome.err);
      look();
    },
    stdoutIsTty: around.tty === true,
    stderrIsTty: around.tty === true,
    stdinIsTty: around.tty === true,
    columns: around.columns ?? 80,
    rows: 24,
    env: around.env ?? {},
    nowMs: around.nowMs ?? (() => noonMs + Math.floor(performance.now() - startedMs)),
    hostname: () => "testhost",
    machine: {
      version: "22.1.0",
      room: async (path) => (path === "/data" ? { freeBytes: 50 * gib, totalBytes: 100 * gib, writable: true, kind: "disk" } : undefined),
      runs: () => false,
      ...around.machine,
    },
    readStdin: async () => around.stdin ?? "",
    readFile: async (path) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: "ENOENT" });
      return text;
    },
    fileMode: async () => 0o600,
    writeFile: async (path, text) => {
      outcome.files[path] = text;
      files[path] = text;
    },
    isFile: async (path) => files[path] !== undefined,
    receive: async (path, parts) => {
      const gathered: Uint8Array[] = [];
      for await (const part of parts) gathered.push(part);
      const whole = Buffer.concat(gathered);
      outcome.files[path] = files[path] = whole.toString("latin1");
      return whole.length;
    },
    readParts: async function* (path) {
      yield Buffer.from(files[path] ?? "", "latin1");
    },
    startProgram,
    isProgram,
    temporaryFolder: async (prefix) => `/tmp/${prefix}1`,
    removeFolder: async (path) => {
      outcome.removed = [...(outcome.removed ?? []), path];
    },
    runShell: async (line) => `${line}\n`,
    sleep: (ms, until) =>
      new Promise((resolve) => {
        if (until?.aborted) return resolve();
        const timer = setTimeout(resolve, ms);
        until?.addEventListener("abort", () => {
          clearTimeout(timer);
          resolve();
        });
      }),
    interruption: () => {
      interrupted ??= around.interrupt;
      interrupted ??= around.interruptAfterMs === undefined ? enough.signal : AbortSignal.timeout(around.interruptAfterMs);
      return interrupted;
    },
    onKey: (listener) => {
      let over = false;
      const press = async (): Promise<void> => {
        let from = outcome.out.length;
        for (const key of around.keys ?? []) {
          if (key instanceof RegExp) {
            while (!key.test(outcome.out.slice(from))) await new Promise<void>((resolve) => (printed = resolve));
            continue;
          }
          await new Promise(setImmediate);
          if (over) return;
          from = outcome.out.length;
          listener(key);
        }
      };
      void press();
      return () => {
        over = true;
      };
    },
    onResize: () => () => {},
    ask: async (question) => {
      outcome.asked.push(question);
      return around.typed ?? "";
    },
    load: {
      server: missing("server"),
      backups: missing("backups"),
      bench: missing("bench"),
      storage: missing("storage"),
      yaml: () => import("yaml"),
      ...around.load,
    },
  };
  outcome.code = await run(commands, argv, io);
  return outcome;
}

/** Where `corvo doctor` finds nothing to say against: settings that hold and a disk with room. */
export const wellMachine: Surroundings = {
  machine: { room: async () => ({ freeBytes: 50 * gib, totalBytes: 100 * gib, writable: true, kind: "disk" }) },
  load: {
    server: async () => ({
      serverFlags: [],
      runServer: async () => 0,
      resolveServerOptions: () => ({ dataDir: "/data" }) as ReturnType<Awaited<ReturnType<Loaders["server"]>>["resolveServerOptions"]>,
    }),
  },
};

/** A shell's view of a line: words, with single and double quotes. */
export function shellWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((m) => m[1] ?? m[2] ?? m[3]);
}
