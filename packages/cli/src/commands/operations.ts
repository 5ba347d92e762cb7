import type { AnyCommand, CommandSpec } from "../command.js";
import { text } from "../command.js";
import { exitCodes, Failure, usageFailure } from "../failure.js";
import type { Session } from "../session.js";
import { status } from "./status.js";

const backup: CommandSpec = {
  name: "backup",
  args: "<file>",
  group: "Operations",
  summary: "save everything the server holds in one file, while it works",
  client: true,
  examples: ["corvo backup corvo.backup", "corvo backup jobs.json --format json", "corvo backup - --format json | jq .jobs"],
  flags: [
    {
      flags: "--format <format>",
      description: "archive: everything, checksummed, for corvo restore (default); json: jobs and queues as Corvo v0.3 wrote them",
    },
  ],
  notes: ["An archive is as confidential as the server: it holds payloads and the hashes of keys. Only its owner may read the file. `-` is standard output."],
  async run(session, [path], flags) {
    const format = text(flags, "format") ?? "archive";
    if (format !== "archive" && format !== "json") throw usageFailure(`--format "${format}" is not known`, "archive or json");
    const namespace = session.flags.namespace ? `&namespace=${encodeURIComponent(session.flags.namespace)}` : "";
    const answer = await session.client.stream("GET", `/api/v1/admin/backup?format=${format}${format === "json" ? namespace : ""}`);
    if (path === "-") {
      for await (const part of answer as AsyncIterable<Buffer>) session.io.stdout(part);
      return;
    }
    const bytes = await received(session, path, answer as AsyncIterable<Buffer>);
    if (session.object({ path, format, bytes })) return;
    if (session.output === "name") session.line(path);
    else session.did(`Backup written: ${path} (${bytes} bytes)`);
    if (format === "archive" && session.io.stdoutIsTty) session.hint(`check it: corvo verify ${path}   ·   restore it: corvo restore ${path} --data-dir DIR`);
  },
};

async function received(session: Session, path: string, parts: AsyncIterable<Uint8Array>): Promise<number> {
  try {
    return await session.io.receive(path, parts);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new Failure(exitCodes.wrongState, `${path} is there already`, { hint: "give another name; nothing is replaced" });
    if (code === "ECONNRESET" || message === "aborted")
      throw new Failure(exitCodes.unreachable, "the server broke off in the middle of the backup", { hint: "try again" });
    if (code === "ENOENT") throw new Failure(exitCodes.notFound, `${path} cannot be written: there is no such folder`, { hint: "make it first: mkdir -p" });
    throw new Failure(exitCodes.failed, `${path} cannot be written: ${message}`);
  }
}

const restore: CommandSpec = {
  name: "restore",
  args: "<file>",
  group: "Operations",
  summary: "bring a backup back: into a new data directory, or into an empty server",
  client: true,
  mutates: true,
  examples: ["corvo restore corvo.backup --data-dir data", "corvo restore corvo.backup --server http://10.0.0.1:8080", "corvo restore jobs.json"],
  flags: [
    {
      flags: "--data-dir <directory>",
      description: "make this directory, which must be new or empty, without a server; then: corvo server --data-dir <directory>",
    },
    { flags: "--cluster-id <id>", description: "refuse a backup of another cluster" },
  ],
  notes: [
    "An archive is looked at whole before anything changes: a damaged one changes nothing. --dry-run only looks. The restored node is a cluster of its own.",
    "JSON (of corvo backup --format json, or of Corvo v0.3) goes to a server, which enqueues every job anew.",
  ],
  async run(session, [path], flags) {
    if (!(await session.io.isFile(path))) throw new Failure(exitCodes.notFound, `there is no file ${path}`);
    const cluster = text(flags, "clusterId");
    const directory = text(flags, "dataDir");
    if (directory !== undefined) return await restoreOffline(session, path, directory, cluster);
    const query = cluster === undefined ? "" : `?cluster_id=${encodeURIComponent(cluster)}`;
    const answer = await session.client.upload("POST", `/api/v1/admin/restore${query}`, session.io.readParts(path));
    const told = JSON.parse(answer.text) as { restored_jobs?: number; live_jobs?: number; finished_jobs?: number };
    const what =
      told.restored_jobs === undefined ? `${told.live_jobs} live and ${told.finished_jobs} finished jobs` : `${told.restored_jobs} jobs, enqueued anew`;
    session.wrote(answer, path, `Restored: ${what}`);
  },
};

async function restoreOffline(session: Session, path: string, directory: string, cluster: string | undefined): Promise<void> {
  const { restoreDirectory, examineBackupFile } = await session.io.load.backups();
  try {
    const found = session.dryRun ? await examineBackupFile(path) : await restoreDirectory(path, directory, { cluster });
    const told = { content_digest: found.contentDigest, live_jobs: found.liveJobs, finished_jobs: found.finishedJobs, queues: found.queues };
    if (session.object({ status: "ok", ...told, cluster_id: found.meta.clusterId, log_index: found.meta.index })) return;
    if (session.dryRun) session.did(`${path}: would be restored; nothing was changed (dry run)`);
    else session.did(`Restored: ${found.liveJobs} live and ${found.finishedJobs} finished jobs into ${directory}`);
    if (!session.dryRun && session.io.stdoutIsTty) session.hint(`corvo server --data-dir ${directory}`);
  } catch (error) {
    if (error instanceof Error && error.name === "BackupDamaged") throw new Failure(exitCodes.failed, error.message, { hint: "nothing was changed" });
    if (error instanceof Error && error.name === "RestoreRefused") throw new Failure(exitCodes.wrongState, error.message);
    throw error;
  }
}

const runtime: CommandSpec = {
  name: "runtime",
  group: "Server",
  summary: "memory, processor time and pauses of the server",
  client: true,
  watch: true,
  examples: ["corvo debug runtime", "corvo debug runtime -o json", "corvo debug runtime --server http://10.0.0.1:8080"],
  async run(session) {
    const answer = await session.client.call("GET", "/api/v1/debug/runtime");
    if (session.object(answer.text)) return;
    for (const [name, value] of Object.entries(JSON.parse(answer.text) as Record<string, number>)) session.line(`${name}: ${value}`);
  },
};

const profile: CommandSpec = {
  name: "profile",
  args: "<file>",
  group: "Server",
  summary: "record where the server spends its time, or who holds its memory",
  client: true,
  examples: [
    "corvo debug profile now.cpuprofile --seconds 10",
    "corvo debug profile now.heapprofile --kind heap",
    "corvo debug profile now.heapsnapshot --kind snapshot",
  ],
  flags: [
    { flags: "--kind <kind>", description: "cpu (default), heap (who allocates) or snapshot (every object; the server stands still meanwhile)" },
    { flags: "--seconds <n>", description: "how long, 1 to 60 (default 5)" },
  ],
  notes: ["Open the file in Chrome: developer tools, Performance or Memory, Load. Only admins may do this, one at a time."],
  async run(session, [path], flags) {
    const kind = text(flags, "kind") ?? "cpu";
    const seconds = text(flags, "seconds") ?? "5";
    const answer = await session.client.stream("GET", `/api/v1/debug/profile?kind=${encodeURIComponent(kind)}&seconds=${encodeURIComponent(seconds)}`, {
      serverWaitMs: 90_000,
    });
    const bytes = await received(session, path, answer as AsyncIterable<Buffer>);
    session.did(`Profile written: ${path} (${bytes} bytes)`);
  },
};

/** Backup, restore, cluster and administration. */
export const operationCommands: readonly AnyCommand[] = [
  backup,
  restore,
  {
    name: "cluster",
    group: "Server",
    summary: "look at the cluster",
    subcommands: [{ ...status, examples: ["corvo cluster status", "corvo cluster status -o json", "corvo cluster status -o name"] }],
  },
  { name: "debug", group: "Server", summary: "look inside a server", subcommands: [runtime, profile] },
];
