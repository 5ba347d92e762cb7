/** One setting of the server: a flag of the command line, an environment variable and a key of the configuration file. */
export interface ServerFlag {
  /** Without dashes. The file uses the same name; the environment `CORVO_` and the name in capitals with underscores. */
  name: string;
  kind: "text" | "bool" | "int" | "duration" | "bytes";
  /** As it would be typed. */
  default: string;
  description: string;
  /** Smallest value of an int, a duration (ms) or bytes. */
  min?: number;
  /** Largest value of an int, a duration (ms) or bytes. */
  max?: number;
  oneOf?: readonly string[];
  /** Accepted so that old command lines keep working; says this once at start when it is given. */
  ignored?: string;
}

export function environmentName(flag: ServerFlag): string {
  return `CORVO_${flag.name.toUpperCase().replaceAll("-", "_")}`;
}

const mib = 1024 * 1024;

/** All settings, in the order in which help shows them. Names and defaults of spec/cli.md §7 where Corvo has the flag. */
export const serverFlags: readonly ServerFlag[] = [
  { name: "bind", kind: "text", default: ":8080", description: "address for HTTP and RPC, host:port or :port; port 0 takes a free one" },
  { name: "data-dir", kind: "text", default: "data", description: "where everything is stored" },
  {
    name: "node-id",
    kind: "text",
    default: "node-1",
    description: "name of this node, 1 to 64 letters, digits, dots, dashes; fixed once the data directory exists",
  },
  { name: "durable", kind: "bool", default: "true", description: "fsync before every answer; false trades the last writes at a power cut for speed" },
  {
    name: "raft-store",
    kind: "text",
    default: "segments",
    description: "log backend: segments or level; bolt, badger and pebble mean segments",
    oneOf: ["segments", "level", "bolt", "badger", "pebble"],
  },
  {
    name: "snapshot-threshold",
    kind: "int",
    default: "0",
    min: 0,
    max: 1_000_000_000,
    description: "fewest log entries between two snapshots, 0 means 4096; above it a snapshot is cut when the log outweighs the state",
  },
  {
    name: "snapshot-log-min",
    kind: "bytes",
    default: "8MiB",
    min: 0,
    description: "fewest log bytes between two snapshots; above it one is cut when the log outweighs the state; 0: whatever the state weighs",
  },
  {
    name: "read-view",
    kind: "bool",
    default: "true",
    description: "keep the read view, an SQLite file from which searches are answered; without it they are refused",
  },
  {
    name: "log-segment-size",
    kind: "bytes",
    default: "64MiB",
    min: 65_536,
    max: 1024 * mib,
    description: "size of a log segment; two are kept in reserve for a full disk",
  },
  {
    name: "raft-max-pending",
    kind: "int",
    default: "16384",
    min: 16,
    max: 10_000_000,
    description: "commands that may wait for the log; more are refused as overload",
  },
  {
    name: "max-memory",
    kind: "bytes",
    default: "0",
    min: 0,
    description: "memory for live jobs, for example 4GiB; 0 means half of the machine's; above it new jobs are refused",
  },
  {
    name: "max-payload-size",
    kind: "bytes",
    default: "262144",
    min: 0,
    max: 12 * mib,
    description: "largest payload in bytes; 0 leaves only the message limit of 16 MiB",
  },
  { name: "retention", kind: "duration", default: "168h", min: 1000, description: "how long finished jobs are kept" },
  { name: "retention-interval", kind: "duration", default: "1h", min: 1000, description: "how often finished jobs are purged" },
  { name: "stream-max-open", kind: "int", default: "4096", min: 0, max: 1_000_000, description: "open lifecycle streams; 0 means no cap" },
  { name: "stream-max-inflight", kind: "int", default: "2048", min: 1, max: 1_000_000, description: "frames that are worked on at a time; others wait" },
  { name: "stream-max-fps", kind: "int", default: "500", min: 0, max: 1_000_000, description: "frames per second and stream; 0 means no cap" },
  {
    name: "idle-fetch-sleep",
    kind: "duration",
    default: "100ms",
    min: 0,
    max: 60_000,
    description: "how long a stream's fetch waits for a job; it wakes at once when one comes",
  },
  { name: "max-connections", kind: "int", default: "10000", min: 1, max: 1_000_000, description: "open client connections" },
  { name: "events-kept", kind: "int", default: "65536", min: 1024, max: 10_000_000, description: "events kept in memory for Subscribe" },
  {
    name: "webhook-allow-private",
    kind: "bool",
    default: "false",
    description: "webhooks may be delivered to this machine and to private networks; false refuses such addresses",
  },
  {
    name: "webhook-timeout",
    kind: "duration",
    default: "10s",
    min: 1,
    max: 600_000,
    description: "longest time that an attempt to deliver a webhook may take",
  },
  { name: "no-compression", kind: "bool", default: "true", description: "RPC without gzip; false offers it" },
  { name: "docs-enabled", kind: "bool", default: "true", description: "serve /docs and /openapi.json" },
  { name: "shutdown-timeout", kind: "duration", default: "500ms", min: 0, max: 600_000, description: "how long running requests may finish after SIGTERM" },
  { name: "log-level", kind: "text", default: "info", description: "debug, info, warn or error", oneOf: ["debug", "info", "warn", "error"] },
  { name: "otel-enabled", kind: "bool", default: "false", description: "OpenTelemetry traces; on by itself when an endpoint is given" },
  {
    name: "otel-endpoint",
    kind: "text",
    default: "",
    description: "OTLP/HTTP collector, host:port or a URL; OTEL_EXPORTER_OTLP_ENDPOINT says the same; without one spans go to stdout",
  },
  { name: "log-format", kind: "text", default: "text", description: "text (key=value) or json", oneOf: ["text", "json"] },
  { name: "raft-bind", kind: "text", default: ":9000", description: "address for other nodes", ignored: "a single node has no peers to listen to" },
  { name: "raft-advertise", kind: "text", default: "", description: "address that other nodes use", ignored: "a single node has no peers" },
  { name: "raft-shards", kind: "int", default: "1", min: 1, max: 1, description: "shards; this version serves one" },
  { name: "bootstrap", kind: "bool", default: "true", description: "form a new cluster; this version runs a single node", oneOf: ["true"] },
  {
    name: "apply-multi-mode",
    kind: "text",
    default: "grouped",
    description: "order of commands in a batch",
    ignored: "commands are applied in the order in which they came",
  },
  {
    name: "raft-max-fetch-inflight",
    kind: "int",
    default: "0",
    min: 0,
    description: "fetches of one queue that are in the log at a time, more are OVERLOADED; 0 means no cap: they share log entries, so none is needed",
  },
  {
    name: "fetch-poll-interval",
    kind: "duration",
    default: "100ms",
    min: 1,
    description: "poll interval of long polls",
    ignored: "long polls wake on the event",
  },
  {
    name: "admin-password",
    kind: "text",
    default: "",
    description: "a credential with the role admin; closes the server. Better in CORVO_ADMIN_PASSWORD than on the command line",
  },
  {
    name: "rate-limit-enabled",
    kind: "bool",
    default: "true",
    description: "limit requests per key; without keys only when one of these flags is given",
  },
  { name: "rate-limit-read-rps", kind: "int", default: "2000", max: 1_000_000_000, description: "reads per second and client; 0 or less: 2000" },
  { name: "rate-limit-read-burst", kind: "int", default: "4000", max: 1_000_000_000, description: "reads at once; 0 or less: 4000" },
  { name: "rate-limit-write-rps", kind: "int", default: "1000", max: 1_000_000_000, description: "writes per second and client; 0 or less: 1000" },
  { name: "rate-limit-write-burst", kind: "int", default: "2000", max: 1_000_000_000, description: "writes at once; 0 or less: 2000" },
  { name: "license-key", kind: "text", default: "", description: "licence", ignored: "everything is free" },
  { name: "license-public-key", kind: "text", default: "", description: "key of the licence", ignored: "everything is free" },
  { name: "oidc-issuer-url", kind: "text", default: "", description: "issuer for single sign-on", ignored: "single sign-on is not built yet" },
  { name: "oidc-client-id", kind: "text", default: "", description: "client id for single sign-on", ignored: "single sign-on is not built yet" },
  {
    name: "saml-header-auth",
    kind: "bool",
    default: "false",
    description: "trust the headers of a SAML proxy",
    ignored: "single sign-on is not built yet",
  },
];
