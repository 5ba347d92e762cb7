import { pino } from "pino";

/** What the server writes its log lines to. Lines never hold payloads, keys or headers. */
export interface Log {
  debug(message: string, facts?: Record<string, unknown>): void;
  info(message: string, facts?: Record<string, unknown>): void;
  warn(message: string, facts?: Record<string, unknown>): void;
  error(message: string, facts?: Record<string, unknown>): void;
}

const levels = ["debug", "info", "warn", "error"] as const;

/**
 * Lines on stderr: `time=… level=… msg="…" key=value`, or JSON. pino writes asynchronously, so a blocked pipe never stalls the
 * event loop; when the reader does not keep up for long, lines are dropped rather than gathered without bound.
 */
export function openLog(level: (typeof levels)[number], format: "text" | "json"): Log {
  if (format === "json") {
    const out = pino(
      { level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"`, messageKey: "msg", formatters: { level: (label) => ({ level: label }) } },
      pino.destination({ dest: 2, sync: false, maxLength: 1 << 20 }),
    );
    return {
      debug: (message, facts) => out.debug(facts ?? {}, message),
      info: (message, facts) => out.info(facts ?? {}, message),
      warn: (message, facts) => out.warn(facts ?? {}, message),
      error: (message, facts) => out.error(facts ?? {}, message),
    };
  }
  const write = (of: (typeof levels)[number]) => {
    const silent = levels.indexOf(of) < levels.indexOf(level);
    return (message: string, facts?: Record<string, unknown>): void => {
      if (silent || process.stderr.writableLength > 1 << 20) return;
      let line = `time=${new Date().toISOString()} level=${of.toUpperCase()} msg=${quote(message)}`;
      for (const [key, value] of Object.entries(facts ?? {}))
        line += ` ${key}=${quote(value instanceof Error ? (value.stack ?? value.message) : String(value))}`;
      process.stderr.write(`${line}\n`);
    };
  };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

function quote(value: string): string {
  return /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value);
}
