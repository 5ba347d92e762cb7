import pc from "picocolors";
import { type Answer, Client } from "./client.js";
import type { Context } from "./contexts.js";
import { exitCodes, Failure, usageFailure } from "./failure.js";
import type { Io } from "./io.js";
import { indentJson, plainAngles } from "./json.js";
import { fieldPaths } from "./listing.js";
import { age, durationFlagMs } from "./time.js";
import { yamlOf } from "./yaml.js";

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
  context?: string;
  namespace?: string;
  dryRun?: boolean;
  fields?: string;
  headers?: boolean;
  watch?: string;
}

const outputs = ["table", "wide", "json", "ndjson", "yaml", "csv", "name"] as const;
export type Output = (typeof outputs)[number];
export type Colors = ReturnType<typeof pc.createColors>;

/** One run of one command: its settled common flags, the connection, and the ways to say something. */
export class Session {
  readonly output: Output;
  /** Corvo's `--output-json`: the body, indented, for commands that always knew it. */
  readonly outputJson: boolean;
  readonly quiet: boolean;
  readonly yes: boolean;
  /** The server only says whether it would do it. */
  readonly dryRun: boolean;
  /** Paths of `--fields`. */
  readonly fields: readonly string[] | undefined;
  readonly noHeaders: boolean;
  /** For stdout. */
  readonly colors: Colors;
  /** For stderr. */
  readonly errorColors: Colors;
  private opened: Client | undefined;

  constructor(
    readonly io: Io,
    /** As they were given. */
    readonly flags: CommonFlags,
    /** The context in use; undefined: none. */
    readonly context?: Context,
  ) {
    const output = flags.output ?? io.env.CORVO_OUTPUT ?? "table";
    this.output = outputs.find((known) => known === (output === "ids" ? "name" : output)) ?? unknownOutput(output);
    this.dryRun = flags.dryRun === true;
    this.fields = fieldPaths(flags.fields);
    this.noHeaders = flags.headers === false;
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
    const given = this.flags.server || this.io.env.CORVO_SERVER;
    this.opened = new Client({
      servers: given ? given.split(",") : (this.context?.servers ?? ["http://localhost:8080"]),
      apiKey: this.flags.apiKey || this.io.env.CORVO_API_KEY || this.context?.apiKey || "",
      namespace: this.flags.namespace || this.io.env.CORVO_NAMESPACE || this.context?.namespace || "",
      validateOnly: this.dryRun,
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

  /** One object that this program put together, in the forms for programs; false: the form for people, or bare names, are wanted. */
  object(value: string | object): boolean {
    const json = typeof value === "string" ? value.trim().replace(/\n\s*/g, " ") : JSON.stringify(value);
    if (this.output === "json" || this.output === "ndjson") this.line(json);
    else if (this.output === "yaml") this.io.stdout(yamlOf(json));
    else if (this.outputJson) this.line(indentJson(json));
    else return false;
    return true;
  }

  /** One object of those that come one after the other: a line of JSON, or an item of a YAML list; false: another form is wanted. */
  item(json: string): boolean {
    if (this.output === "json" || this.output === "ndjson") this.line(json.trim().replace(/\n\s*/g, " "));
    else if (this.output === "yaml") this.io.stdout(yamlOf(`[${json}]`));
    else return false;
    return true;
  }

  /** How the result of a write is told: the answer's bytes, its bare name, or a line. With --dry-run that it would be done. */
  wrote(answer: Answer, name: string, text: string): void {
    if (this.output === "json" || this.output === "ndjson") this.raw(answer);
    else if (this.output === "yaml") this.io.stdout(yamlOf(answer.text));
    else if (this.dryRun) this.did(`${name ? `${name}: ` : ""}would be done; nothing was changed (dry run)`);
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

  /** Asks on a terminal; everywhere else the answer is yes, so that scripts run as ever. A production context is named in the question. */
  async confirm(question: string): Promise<boolean> {
    if (!this.canAsk || this.dryRun) return true;
    const { context } = this;
    const where = context?.production ? `${this.errorColors.red(`[production: ${context.name}]`)} ` : "";
    return /^y(es)?$/i.test((await this.io.ask(`${where}${question} [y/N] `)).trim());
  }

  /** Like confirm, for what is new here and hurts: without a terminal it needs --yes. Throws when the answer is no. */
  async mustConfirm(question: string): Promise<void> {
    if (this.yes || this.dryRun) return;
    if (!this.canAsk) throw new Failure(exitCodes.usage, `${question} Nobody can be asked here`, { hint: "add --yes" });
    if (!(await this.confirm(question))) throw new Failure(exitCodes.failed, "nothing was changed");
  }
}

function unknownOutput(output: string): never {
  throw usageFailure(`--output "${output}" is not known`, `${outputs.join(", ")}; ids is name`);
}

/** Colour: the flag, then FORCE_COLOR and CLICOLOR_FORCE, then NO_COLOR, then whether it is a terminal. */
export function colorsFor(flag: string | undefined, isTty: boolean, env: Io["env"]): Colors {
  const forced = [env.FORCE_COLOR, env.CLICOLOR_FORCE].some((value) => value !== undefined && value !== "" && value !== "0");
  const wanted = flag === "always" || flag === "never" ? flag === "always" : forced || (!env.NO_COLOR && isTty && env.TERM !== "dumb");
  return pc.createColors(wanted);
}
