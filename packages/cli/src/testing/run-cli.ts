import { commands } from "../commands.js";
import type { Io } from "../io.js";
import type { Loaders } from "../loaders.js";
import { run } from "../program.js";

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
}

export interface Outcome {
  code: number;
  out: string;
  err: string;
  /** Questions that were asked. */
  asked: string[];
}

/** Wall clock of the runs: noon of the first day of 2026. */
export const noonMs = Date.parse("2026-01-01T12:00:00Z");

/** Runs one command line inside this process, with made-up streams, files and clock. */
export async function runCli(argv: readonly string[], around: Surroundings = {}): Promise<Outcome> {
  const outcome: Outcome = { code: 0, out: "", err: "", asked: [] };
  const startedMs = performance.now();
  const missing = (part: string) => () => Promise.reject(new Error(`${part} must not be loaded here`));
  const io: Io = {
    stdout: (text) => {
      outcome.out += typeof text === "string" ? text : Buffer.from(text).toString();
    },
    stderr: (text) => {
      outcome.err += text;
    },
    stdoutIsTty: around.tty === true,
    stderrIsTty: around.tty === true,
    stdinIsTty: around.tty === true,
    columns: around.columns ?? 80,
    env: around.env ?? {},
    nowMs: () => noonMs + Math.floor(performance.now() - startedMs),
    hostname: () => "testhost",
    readStdin: async () => around.stdin ?? "",
    readFile: async (path) => {
      const text = around.files?.[path];
      if (text === undefined) throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: "ENOENT" });
      return text;
    },
    ask: async (question) => {
      outcome.asked.push(question);
      return around.typed ?? "";
    },
    load: { server: missing("server"), bench: missing("bench"), storage: missing("storage"), ...around.load },
  };
  outcome.code = await run(commands, argv, io);
  return outcome;
}

/** A shell's view of a line: words, with single and double quotes. */
export function shellWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((m) => m[1] ?? m[2] ?? m[3]);
}
