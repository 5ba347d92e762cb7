import type { CommandSpec } from "../command.js";
import { exitCodes } from "../failure.js";
import { printTable } from "../table.js";

export const verify: CommandSpec = {
  name: "verify",
  args: "<directory>",
  group: "Server",
  summary: "check the files of a stopped server",
  client: false,
  examples: ["corvo verify data", "corvo verify /var/lib/corvo --repair", "corvo verify data -o json"],
  flags: [{ flags: "--repair", description: "cut off a damaged end where that loses nothing that was acknowledged" }],
  notes: ["Exit code 0: every record is intact. 1: damage was found and is listed."],
  async run(session, [directory], flags) {
    const { verifyDataDirectory } = await session.io.load.storage();
    const report = await verifyDataDirectory(directory, { repair: flags.repair === true });
    const open = report.problems.filter((problem) => !problem.repaired);
    if (session.output === "json" || session.outputJson) session.line(JSON.stringify(report, undefined, session.outputJson ? 2 : undefined));
    else if (session.output === "name") for (const problem of report.problems) session.line(problem.path);
    else {
      printTable(
        session,
        [
          { title: "FILE", value: (file) => file.path },
          { title: "RECORDS", value: (file) => file.records, right: true },
          { title: "BYTES", value: (file) => file.bytes, right: true },
        ],
        report.files,
      );
    }
    if (open.length > 0) return exitCodes.failed;
  },
};
