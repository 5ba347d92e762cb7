import { mkdirSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { environmentName } from "../src/flags.js";
import { type GivenFlags, OptionError, resolveServerOptions, serverFlags } from "../src/index.js";
import { temporaryDirectory } from "./harness.js";

const resolve = (given: GivenFlags = {}, env: Record<string, string> = {}) => resolveServerOptions(given, env);

function complaint(given: GivenFlags, env: Record<string, string> = {}): string {
  try {
    resolve(given, env);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(OptionError);
    return (thrown as Error).message;
  }
  throw new Error(`${JSON.stringify(given)} was accepted`);
}

let dir: string;
beforeAll(() => {
  dir = temporaryDirectory();
});
function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

describe("settings", () => {
  it("have defaults", () => {
    expect(resolve()).toEqual({
      host: "",
      port: 8080,
      dataDir: "data",
      nodeId: "node-1",
      durable: true,
      logBackend: "segments",
      snapshotThresholdEntries: 4096,
      snapshotLogBytesMin: 8 * 1024 * 1024,
      logSegmentBytes: 64 * 1024 * 1024,
      pendingMax: 16_384,
      fetchesInFlightMax: 0,
      memoryBytesMax: Math.floor(totalmem() / 2),
      payloadBytesMax: 262_144,
      retentionMs: 168 * 3_600_000,
      retentionIntervalMs: 3_600_000,
      streamsOpenMax: 4096,
      framesInFlightMax: 2048,
      framesPerSecondMax: 500,
      idleFetchSleepMs: 100,
      connectionsMax: 10_000,
      eventsKept: 65_536,
      compression: false,
      docs: true,
      shutdownTimeoutMs: 500,
      keyUseIntervalMs: 30_000,
      adminPassword: "",
      readView: true,
      webhookAllowPrivate: false,
      webhookTimeoutMs: 10_000,
      rateLimits: { enabled: true, everybody: false, readRps: 2000, readBurst: 4000, writeRps: 1000, writeBurst: 2000 },
      logLevel: "info",
      logFormat: "text",
      notices: [],
    });
  });

  it.each([
    [":9090", "", 9090],
    ["127.0.0.1:0", "127.0.0.1", 0],
    ["[::1]:80", "::1", 80],
    ["localhost:65535", "localhost", 65_535],
  ])("--bind %s", (bind, host, port) => {
    expect(resolve({ bind })).toMatchObject({ host, port });
  });

  it.each([
    ["max-memory", "4GiB", { memoryBytesMax: 4 * 1024 ** 3 }],
    ["max-memory", "500 MB", { memoryBytesMax: 500_000_000 }],
    ["max-payload-size", "1KiB", { payloadBytesMax: 1024 }],
    ["max-payload-size", "0", { payloadBytesMax: 0 }],
    ["retention", "1h30m", { retentionMs: 5_400_000 }],
    ["idle-fetch-sleep", "0", { idleFetchSleepMs: 0 }],
    ["durable", "false", { durable: false }],
    ["durable", "0", { durable: false }],
    ["no-compression", "false", { compression: true }],
    ["raft-store", "level", { logBackend: "level" }],
    ["snapshot-threshold", "10", { snapshotThresholdEntries: 10 }],
  ])("--%s %s", (flag, value, settled) => {
    expect(resolve({ [flag]: value })).toMatchObject(settled);
  });
});

describe("a wrong value is named with its flag", () => {
  const cases: [flag: string, value: string, why: RegExp][] = [
    ["bind", "8080", /not host:port/],
    ["bind", ":99999", /not host:port/],
    ["bind", "a:b:c", /not host:port/],
    ["data-dir", "", /must not be empty/],
    ["node-id", "has space", /"has space" is not 1 to 64/],
    ["node-id", "x".repeat(65), /1 to 64/],
    ["durable", "maybe", /"maybe" is not true or false/],
    ["raft-store", "sqlite", /"sqlite" is not possible here; use segments, level/],
    ["raft-shards", "4", /at most 1/],
    ["bootstrap", "false", /"false" is not possible here/],
    ["rate-limit-enabled", "perhaps", /is not true or false/],
    ["log-level", "loud", /debug, info, warn, error/],
    ["log-format", "xml", /text, json/],
    ["stream-max-inflight", "0", /at least 1, is 0/],
    ["events-kept", "ten", /"ten" is not a whole number/],
    ["max-connections", "1.5", /not a whole number/],
    ["retention", "7d", /"7d" is not a duration like 500ms, 30s or 1h30m/],
    ["retention", "90", /not a duration/],
    ["retention", "1ms", /at least 1000 ms/],
    ["shutdown-timeout", "-1s", /shutdown-timeout/],
    ["max-payload-size", "1 potato", /not a size like 262144, 256KiB or 4GiB/],
    ["max-payload-size", "13MiB", /at most/],
    ["log-segment-size", "1", /at least 65536/],
  ];

  it.each(cases)("--%s %j", (flag, value, why) => {
    const message = complaint({ [flag]: value });
    expect(message).toMatch(new RegExp(`^--${flag}: `));
    expect(message).toMatch(why);
  });

  it.each(cases.filter(([, value]) => value !== ""))("the same from the environment: %s %j", (flag, value, why) => {
    const of = serverFlags.find((each) => each.name === flag);
    expect(complaint({}, { [environmentName(of as (typeof serverFlags)[number])]: value })).toMatch(why);
  });

  it("every flag that takes no free text refuses nonsense", () => {
    for (const flag of serverFlags) {
      if (flag.kind === "text" && !flag.oneOf) continue;
      expect(complaint({ [flag.name]: "¿nonsense?" })).toContain(`--${flag.name}: `);
    }
  });

  it("every bound is kept exactly", () => {
    const unit = { duration: "ms", bytes: "", int: "", text: "", bool: "" };
    for (const flag of serverFlags) {
      if (flag.min !== undefined) {
        resolve({ [flag.name]: `${flag.min}${unit[flag.kind]}` });
        if (flag.min > 0) expect(complaint({ [flag.name]: `${flag.min - 1}${unit[flag.kind]}` })).toContain("at least");
      }
      if (flag.max !== undefined) {
        resolve({ [flag.name]: `${flag.max}${unit[flag.kind]}` });
        expect(complaint({ [flag.name]: `${flag.max + 1}${unit[flag.kind]}` })).toContain("at most");
      }
    }
  });
});

describe("where a value comes from", () => {
  it("flag before environment before file before default", () => {
    const config = file("order.yaml", "node-id: from-file\nlog_level: warn\nmax-connections: 5\n");
    expect(resolve({ config })).toMatchObject({ nodeId: "from-file", logLevel: "warn", connectionsMax: 5, eventsKept: 65_536 });
    const env = { CORVO_CONFIG: config, CORVO_NODE_ID: "from-env", CORVO_LOG_LEVEL: "" };
    expect(resolve({}, env)).toMatchObject({ nodeId: "from-env", logLevel: "warn", connectionsMax: 5 });
    expect(resolve({ "node-id": "from-flag" }, env)).toMatchObject({ nodeId: "from-flag", logLevel: "warn" });
    expect(resolve({ "log-level": "info" }, env).logLevel).toBe("info");
  });

  it("every flag has a name in the environment and in the file", () => {
    const values: Record<string, string> = { text: "x", bool: "true", int: "100", duration: "2s", bytes: "1MiB" };
    for (const flag of serverFlags) {
      const value = flag.oneOf?.[0] ?? (flag.name === "bind" ? ":1" : flag.max === 1 ? "1" : flag.name === "events-kept" ? "2048" : values[flag.kind]);
      const given = resolve({ [flag.name]: value });
      expect(resolve({}, { [environmentName(flag)]: value })).toEqual(given);
      expect(resolve({ config: file("one.yaml", `${flag.name}: ${JSON.stringify(value)}\n`) })).toEqual(given);
    }
  });

  it("files that cannot be used are named", () => {
    expect(complaint({ config: join(dir, "none.yaml") })).toContain("there is no file");
    mkdirSync(join(dir, "folder.yaml"));
    expect(complaint({ config: join(dir, "folder.yaml") })).toMatch(/^--config: .*folder\.yaml/);
    expect(complaint({ config: file("bad.yaml", "a: [") })).toContain("is not YAML");
    expect(complaint({ config: file("list.yaml", "- bind") })).toContain("must hold settings by name");
    expect(complaint({ config: file("text.yaml", "bind") })).toContain("must hold settings by name");
    expect(complaint({ config: file("unknown.yaml", "binde: :1") })).toContain('unknown setting "binde"');
    expect(complaint({ config: file("nested.yaml", "bind: {host: a}") })).toContain('"bind"');
    expect(complaint({ config: file("wrong.yaml", "retention: 7d") })).toMatch(/^--retention: .*"7d" is not a duration.*wrong\.yaml/);
    expect(resolve({ config: file("empty.yaml", "# nothing\n") }).nodeId).toBe("node-1");
  });

  it("says where a wrong value came from", () => {
    expect(complaint({}, { CORVO_RETENTION: "7d" })).toMatch(/CORVO_RETENTION/);
  });

  it("names every wrong value, not only the first", () => {
    expect(complaint({ bind: "x", retention: "7d" }, { CORVO_DURABLE: "perhaps" }).split("\n")).toEqual([
      '--bind: "x" is not host:port or :port',
      '--durable: "perhaps" is not true or false (from CORVO_DURABLE)',
      '--retention: "7d" is not a duration like 500ms, 30s or 1h30m',
    ]);
  });

  it("what is accepted without effect is said once, and only when it is given", () => {
    expect(resolve({ "raft-bind": ":9001", "raft-store": "pebble" }).notices).toEqual([
      "--raft-bind is accepted and has no effect: a single node has no peers to listen to",
      "--raft-store pebble means segments here",
    ]);
  });
});
