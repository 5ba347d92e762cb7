import type { CommandSpec } from "../command.js";
import { exitCodes, Failure } from "../failure.js";
import type { Session } from "../session.js";
import { printTable } from "../table.js";

type Report = Awaited<ReturnType<Awaited<ReturnType<Session["io"]["load"]["storage"]>>["verifyDataDirectory"]>>;

export const verify: CommandSpec = {
  name: "verify",
  args: "<directory-or-backup>",
  group: "Server",
  summary: "check the files of a stopped server, or a backup",
  client: false,
  examples: ["corvo verify data", "corvo verify /var/lib/corvo --repair", "corvo verify corvo.backup", "corvo verify data -o json"],
  flags: [{ flags: "--repair", description: "mend what can be mended without losing anything that may have been acknowledged" }],
  notes: [
    "Exit code 0: every record is intact, or was repaired. 1: damage is left; each problem says where, what is lost and what to do next. -o name prints the damaged files.",
  ],
  async run(session, [directory], flags) {
    const repair = flags.repair === true;
    if (await session.io.isFile(directory)) return await verifyBackup(session, directory);
    const report = await check(session, directory, repair);
    const left = report.problems.filter((problem) => problem.repaired !== true).length;
    if (session.output === "name") session.lines([...new Set(report.problems.map((problem) => problem.path))]);
    else if (!session.object(report)) tell(session, report);
    if (left === 0) return;
    throw new Failure(exitCodes.failed, `${directory} is damaged: ${left} ${left === 1 ? "problem" : "problems"}`, {
      hint: repair
        ? "this cannot be mended without a loss: restore a backup, or copy the files from another node"
        : `keep a copy, then: corvo verify ${directory} --repair`,
    });
  },
};

/** Reads every byte and rebuilds the state in memory, as a restore would. */
async function verifyBackup(session: Session, path: string): Promise<void> {
  const { examineBackupFile } = await session.io.load.backups();
  try {
    const found = await examineBackupFile(path);
    const { meta, ...rest } = found;
    if (session.object({ path, intact: true, ...meta, ...rest })) return;
    if (session.output === "name") return;
    session.line(
      `${session.colors.green("intact")}  ${found.liveJobs} live and ${found.finishedJobs} finished jobs in ${found.queues} queues, log index ${meta.index} of cluster ${meta.clusterId}, content ${found.contentDigest}`,
    );
  } catch (error) {
    if (!(error instanceof Error) || !["BackupDamaged", "RestoreRefused"].includes(error.name)) throw error;
    throw new Failure(exitCodes.failed, error.message, { hint: "take another one: corvo backup FILE" });
  }
}

async function check(session: Session, directory: string, repair: boolean): Promise<Report> {
  const { verifyDataDirectory } = await session.io.load.storage();
  let report: Report;
  try {
    report = await verifyDataDirectory(directory, { repair });
  } catch (error) {
    if (error instanceof Error && error.name === "DataDirectoryError") throw new Failure(exitCodes.wrongState, error.message);
    throw error;
  }
  if (report.files.length === 0) throw new Failure(exitCodes.notFound, `${directory} holds no files of a server`, { hint: "give the server's --data-dir" });
  return report;
}

function tell(session: Session, report: Report): void {
  const { red, green, yellow } = session.colors;
  printTable(
    session,
    [
      { title: "FILE", value: (file) => file.path },
      { title: "KIND", value: (file) => file.kind },
      { title: "RECORDS", value: (file) => file.records, right: true },
      { title: "BYTES", value: (file) => file.bytes, right: true },
    ],
    report.files,
  );
  session.line("");
  for (const { path, record, offset, what, lost, next, repaired, repair } of report.problems) {
    const where = `${path} at offset ${offset}${record === undefined ? "" : ` (record ${record})`}`;
    session.line(`${repaired ? yellow("repaired") : red("damaged")}  ${where}: ${what}${repair ? `; ${repair}` : ""}`);
    session.line(`          lost: ${lost}`);
    session.line(`          next: ${next}`);
  }
  const { files, records, bytes } = report.totals;
  const span = report.log && report.log.lastIndex < report.log.firstIndex ? "empty" : `${report.log?.firstIndex} to ${report.log?.lastIndex}`;
  const log = report.log ? `, log ${span}, ${report.log.sealed ? "cleanly stopped" : "not cleanly stopped"}` : "";
  if (report.problems.length === 0) session.line(`${green("intact")}  ${files} files, ${records} records, ${bytes} bytes${log}`);
}
