import pc from "picocolors";
import { type Answer, Client } from "./client.js";
import { usageFailure } from "./failure.js";
import type { Io } from "./io.js";
import { indentJson, plainAngles } from "./json.js";
import { age, durationFlagMs } from "./time.js";

/** Flags that every command takes. Undefined: not given. */
export interface CommonFlags {
  output?: string;
  outputJson?: boolean;
  server?: string;
  apiKey?: string;
  timeout?: string;
  quiet?: boolean;
  yes?: boolean;
  verbose?: boolean;
  logLevel?: string;
  color?: string;
}

export type Output = "table" | "json" | "name";
export type Colors = ReturnType<typeof pc.createColors>;

/** One run of one command: its settled common flags, the connection, and the ways to say something. */
export class Session {
  readonly output: Output;
  /** Corvo's `--output-json`: the body, indented, for commands that always knew it. */
  readonly outputJson: boolean;
  readonly quiet: boolean;
  readonly yes: boolean;
  /** For stdout. */
  readonly colors: Colors;
  /** For stderr. */
  readonly errorColors: Colors;
  private opened: Client | undefined;

  constructor(
    readonly io: Io,
    /** As they were given. */
    readonly flags: CommonFlags,
  ) {
    const output = flags.output ?? io.env.CORVO_OUTPUT ?? "table";
    if (output !== "table" && output !== "json" && output !== "name") throw usageFailure(`--output "${output}" is not known`, "table, json or name");
    this.output = output;
    this.outputJson = flags.outputJson === true && flags.output === undefined;
    this.quiet = flags.quiet === true;
    this.yes = flags.yes === true;
    if (!["auto", "always", "never"].includes(flags.color ?? "auto")) throw usageFailure(`--color "${flags.color}" is not known`, "auto, always or never");
    this.colors = colorsFor(flags.color, io.stdoutIsTty, io.env);
    this.errorColors = colorsFor(flags.color, io.stderrIsTty, io.env);
  }

  get client(): Client {
    if (this.opened) return this.opened;
    const timeout = this.flags.timeout ?? this.io.env.CORVO_TIMEOUT ?? "30s";
    const timeoutMs = durationFlagMs("--timeout", timeout);
    if (timeoutMs < 1) throw usageFailure(`--timeout "${timeout}" leaves no time for an answer`, "for example --timeout 30s");
    this.opened = new Client({
      server: this.flags.server || this.io.env.CORVO_SERVER || "http://localhost:8080",
      apiKey: this.flags.apiKey || this.io.env.CORVO_API_KEY || "",
      timeoutMs,
      log: this.flags.verbose || this.flags.logLevel === "debug" ? (line) => this.io.stderr(`${this.errorColors.dim(line)}\n`) : undefined,
    });
    return this.opened;
  }

  close(): void {
    this.opened?.close();
  }

  /** A line of data on stdout. */
  line(text: string): void {
    this.io.stdout(`${text}\n`);
  }

  /** One line each. */
  lines(texts: readonly string[]): void {
    for (const text of texts) this.line(text);
  }

  /** A line that says what a command did: on stdout as in Corvo, nothing with -q. */
  did(text: string): void {
    if (!this.quiet) this.line(text);
  }

  /** An aside on stderr; nothing with -q. */
  note(text: string): void {
    if (!this.quiet) this.io.stderr(`${text}\n`);
  }

  hint(text: string): void {
    if (!this.quiet) this.io.stderr(`${this.errorColors.cyan("hint:")}  ${text}\n`);
  }

  /** The server's answer, byte for byte. */
  raw(answer: Answer): void {
    this.io.stdout(answer.bytes);
    if (answer.bytes.length > 0 && answer.bytes.at(-1) !== 0x0a) this.io.stdout("\n");
  }

  /** JSON text with two spaces a level, coloured on a terminal. */
  indented(text: string): void {
    const c = this.colors;
    this.line(indentJson(plainAngles(text), c.isColorSupported ? { key: c.cyan, string: c.green, other: c.yellow } : undefined));
  }

  /** How the result of a write is told: the answer's bytes, its bare name, or a line. */
  wrote(answer: Answer, name: string, text: string): void {
    if (this.output === "json") this.raw(answer);
    else if (this.output === "name") this.line(name);
    else this.did(text);
  }

  /** A time in a table: an age on a terminal, RFC 3339 in a pipe. */
  time(time: string | undefined): string {
    if (!time) return "-";
    return this.io.stdoutIsTty ? age(time, this.io.nowMs()) : time;
  }

  /** True when a person can be asked. */
  get canAsk(): boolean {
    return this.io.stdinIsTty && this.io.stderrIsTty && !this.yes && !this.io.env.CORVO_NO_PROMPT;
  }

  /** Asks on a terminal; everywhere else the answer is yes, so that scripts run as ever. */
  async confirm(question: string): Promise<boolean> {
    if (!this.canAsk) return true;
    return /^y(es)?$/i.test((await this.io.ask(`${question} [y/N] `)).trim());
  }
}

/** Colour: the flag, then FORCE_COLOR and CLICOLOR_FORCE, then NO_COLOR, then whether it is a terminal. */
export function colorsFor(flag: string | undefined, isTty: boolean, env: Io["env"]): Colors {
  const forced = [env.FORCE_COLOR, env.CLICOLOR_FORCE].some((value) => value !== undefined && value !== "" && value !== "0");
  const wanted = flag === "always" || flag === "never" ? flag === "always" : forced || (!env.NO_COLOR && isTty && env.TERM !== "dumb");
  return pc.createColors(wanted);
}
