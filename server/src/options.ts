import { existsSync, readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { parseDuration } from "@corvo/protocol";
import { parse as parseYaml } from "yaml";
import { environmentName, type ServerFlag, serverFlags } from "./flags.js";

/** Settings, settled: below this nothing is optional. Names are the flags' in camel case, with units. */
export interface ServerOptions {
  host: string;
  port: number;
  dataDir: string;
  nodeId: string;
  durable: boolean;
  logBackend: "segments" | "level";
  snapshotThresholdEntries: number;
  snapshotLogBytesMin: number;
  logSegmentBytes: number;
  pendingMax: number;
  /** Fetches of one queue that may be in the log at a time; 0: any number. */
  fetchesInFlightMax: number;
  memoryBytesMax: number;
  payloadBytesMax: number;
  retentionMs: number;
  retentionIntervalMs: number;
  streamsOpenMax: number;
  framesInFlightMax: number;
  framesPerSecondMax: number;
  idleFetchSleepMs: number;
  connectionsMax: number;
  eventsKept: number;
  webhookAllowPrivate: boolean;
  webhookTimeoutMs: number;
  readView: boolean;
  compression: boolean;
  docs: boolean;
  shutdownTimeoutMs: number;
  /** Empty: none. */
  adminPassword: string;
  rateLimits: {
    enabled: boolean;
    /** A flag was given: callers without a credential are limited too. */
    everybody: boolean;
    readRps: number;
    readBurst: number;
    writeRps: number;
    writeBurst: number;
  };
  /** How often the last use of keys is noted. */
  keyUseIntervalMs: number;
  /** Undefined: no traces. Empty: on stdout. */
  otelEndpoint: string | undefined;
  logLevel: "debug" | "info" | "warn" | "error";
  logFormat: "text" | "json";
  /** Sentences to say once at start. */
  notices: string[];
}

/** A setting that cannot be used: names the flag, and where the value came from unless it was the flag itself. Several are a line each. */
export class OptionError extends Error {
  constructor(
    readonly flag: string,
    message: string,
    /** Of the others that are wrong too. */
    others: readonly OptionError[] = [],
  ) {
    super([`--${flag}: ${message}`, ...others.map((other) => other.message)].join("\n"));
    this.name = "OptionError";
  }
}

/** Given values by flag name; undefined: not given. */
export type GivenFlags = Readonly<Record<string, string | boolean | undefined>>;

/** Flag, then environment, then file (`--config`, `CORVO_CONFIG`), then default. Throws one OptionError that names every wrong value. */
export function resolveServerOptions(given: GivenFlags, env: Readonly<Record<string, string | undefined>>): ServerOptions {
  const path = typeof given.config === "string" ? given.config : env.CORVO_CONFIG;
  const file = readConfigFile(path);
  const notices: string[] = [];
  const wrong: [flag: string, why: string][] = [];
  const values: Record<string, string> = {};
  const named = new Set<string>();
  for (const flag of serverFlags) {
    const [raw, source, isGiven] = rawValue(flag, given, env, file, path);
    if (isGiven) named.add(flag.name);
    if (raw !== flag.default && flag.ignored) notices.push(`--${flag.name} is accepted and has no effect: ${flag.ignored}`);
    try {
      values[flag.name] = readValue(flag, raw);
    } catch (cause) {
      wrong.push([flag.name, `${(cause as Error).message}${source}`]);
    }
  }
  if (wrong.length > 0) {
    const [[flag, why], ...others] = wrong;
    throw new OptionError(
      flag,
      why,
      others.map((other) => new OptionError(...other)),
    );
  }
  const int = (name: string): number => Number(values[name]);
  const positive = (name: string, otherwise: number): number => (int(name) > 0 ? int(name) : otherwise);
  const store = values["raft-store"];
  if (store !== "segments" && store !== "level") notices.push(`--raft-store ${store} means segments here`);
  return {
    ...parseBind(values.bind),
    dataDir: values["data-dir"],
    nodeId: values["node-id"],
    durable: values.durable === "true",
    logBackend: store === "level" ? "level" : "segments",
    snapshotThresholdEntries: int("snapshot-threshold") || 4096,
    snapshotLogBytesMin: int("snapshot-log-min"),
    logSegmentBytes: int("log-segment-size"),
    pendingMax: int("raft-max-pending"),
    fetchesInFlightMax: int("raft-max-fetch-inflight"),
    memoryBytesMax: int("max-memory") || Math.floor(totalmem() / 2),
    payloadBytesMax: int("max-payload-size"),
    retentionMs: int("retention"),
    retentionIntervalMs: int("retention-interval"),
    streamsOpenMax: int("stream-max-open"),
    framesInFlightMax: int("stream-max-inflight"),
    framesPerSecondMax: int("stream-max-fps"),
    idleFetchSleepMs: int("idle-fetch-sleep"),
    connectionsMax: int("max-connections"),
    eventsKept: int("events-kept"),
    webhookAllowPrivate: values["webhook-allow-private"] === "true",
    webhookTimeoutMs: int("webhook-timeout"),
    readView: values["read-view"] === "true",
    compression: values["no-compression"] === "false",
    docs: values["docs-enabled"] === "true",
    shutdownTimeoutMs: int("shutdown-timeout"),
    keyUseIntervalMs: 30_000,
    adminPassword: values["admin-password"].trim(),
    rateLimits: {
      enabled: values["rate-limit-enabled"] === "true",
      everybody: [...named].some((name) => name.startsWith("rate-limit-")),
      readRps: positive("rate-limit-read-rps", 2000),
      readBurst: positive("rate-limit-read-burst", 4000),
      writeRps: positive("rate-limit-write-rps", 1000),
      writeBurst: positive("rate-limit-write-burst", 2000),
    },
    otelEndpoint: values["otel-endpoint"] || env.OTEL_EXPORTER_OTLP_ENDPOINT || (values["otel-enabled"] === "true" ? "" : undefined),
    logLevel: values["log-level"] as ServerOptions["logLevel"],
    logFormat: values["log-format"] as ServerOptions["logFormat"],
    notices: [...new Set(notices)],
  };
}

/** As it was given, and where, unless that is plain. */
function rawValue(
  flag: ServerFlag,
  given: GivenFlags,
  env: Readonly<Record<string, string | undefined>>,
  file: Map<string, string>,
  path: string | undefined,
): [raw: string, source: string, isGiven: boolean] {
  const fromFlag = given[flag.name];
  if (fromFlag !== undefined) return [String(fromFlag), "", true];
  const name = environmentName(flag);
  const fromEnv = env[name];
  if (fromEnv !== undefined && fromEnv !== "") return [fromEnv, ` (from ${name})`, true];
  const fromFile = file.get(flag.name);
  return fromFile !== undefined ? [fromFile, ` (from ${path})`, true] : [flag.default, "", false];
}

/** The settled value as text: numbers in ms, bytes or as they are. Throws a sentence. */
function readValue(flag: ServerFlag, raw: string): string {
  const value = flag.kind === "text" ? readText(flag, raw) : flag.kind === "bool" ? readBool(raw) : String(readNumber(flag, raw));
  if (flag.oneOf && !flag.oneOf.includes(value)) throw new Error(`"${raw}" is not possible here; use ${flag.oneOf.join(", ")}`);
  return value;
}

function readText(flag: ServerFlag, raw: string): string {
  if (flag.name === "bind") parseBind(raw);
  if (flag.name === "node-id" && !/^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/.test(raw)) throw new Error(`"${raw}" is not 1 to 64 letters, digits, dots and dashes`);
  if (flag.name === "data-dir" && raw === "") throw new Error("must not be empty");
  return raw;
}

function readBool(raw: string): string {
  if (raw === "true" || raw === "1" || raw === "") return "true";
  if (raw === "false" || raw === "0") return "false";
  throw new Error(`"${raw}" is not true or false`);
}

const examples: Record<string, string> = {
  duration: "a duration like 500ms, 30s or 1h30m",
  bytes: "a size like 262144, 256KiB or 4GiB",
  int: "a whole number",
};

function readNumber(flag: ServerFlag, raw: string): number {
  const value = flag.kind === "int" ? readInt(raw) : flag.kind === "bytes" ? readBytes(raw) : parseDuration(raw);
  if (value === undefined || Number.isNaN(value)) throw new Error(`"${raw}" is not ${examples[flag.kind]}`);
  const unit = flag.kind === "duration" ? " ms" : "";
  if (flag.min !== undefined && value < flag.min) throw new Error(`must be at least ${flag.min}${unit}, is ${raw}`);
  if (flag.max !== undefined && value > flag.max) throw new Error(`must be at most ${flag.max}${unit}, is ${raw}`);
  return value;
}

function readInt(raw: string): number | undefined {
  return /^-?\d{1,15}$/.test(raw) ? Number(raw) : undefined;
}

function readBytes(raw: string): number | undefined {
  const match = /^(\d{1,15})\s*(B|KiB|MiB|GiB|KB|MB|GB)?$/.exec(raw);
  if (!match) return undefined;
  const units: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, KB: 1000, MB: 1000 ** 2, GB: 1000 ** 3 };
  return Number(match[1]) * (units[match[2] ?? "B"] ?? 1);
}

/** `:8080`, `127.0.0.1:8080`, `[::1]:8080`. An empty host means every address. */
function parseBind(bind: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:[\]]*):(\d{1,5})$/.exec(bind);
  const port = match ? Number(match[2]) : Number.NaN;
  if (!match || port > 65_535) throw new Error(`"${bind}" is not host:port or :port`);
  return { host: match[1].replace(/^\[|\]$/g, ""), port };
}

function readConfigFile(path: string | undefined): Map<string, string> {
  const values = new Map<string, string>();
  if (path === undefined || path === "") return values;
  if (!existsSync(path)) throw new OptionError("config", `there is no file "${path}"`);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new OptionError("config", `"${path}" cannot be read: ${(cause as Error).message}`);
  }
  let parsed: unknown;
  try {
    parsed = parseYaml(text);
  } catch (cause) {
    throw new OptionError("config", `"${path}" is not YAML: ${(cause as Error).message.split("\n")[0]}`);
  }
  if (parsed === null) return values;
  if (typeof parsed !== "object" || Array.isArray(parsed)) throw new OptionError("config", `"${path}" must hold settings by name`);
  for (const [key, value] of Object.entries(parsed)) {
    const name = key.replaceAll("_", "-");
    if (!serverFlags.some((flag) => flag.name === name)) throw new OptionError("config", `"${path}" has an unknown setting "${key}"`);
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean")
      throw new OptionError("config", `"${key}" in "${path}" must be a single value`);
    values.set(name, String(value));
  }
  return values;
}
