// npm run bench: the table of README, beside this machine's ceilings.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBuilt, main, root, whole } from "./lib.mjs";

const help = `Measures this checkout: starts servers of its own, one load after the other, and prints the table of README.

Usage: npm run bench -- [flags]

Examples:
  npm run bench -- --only "cycle at c=1" --runs 1       one row, under a minute
  npm run bench -- --save before.json                   all rows, kept
  npm run bench -- --compare before.json                all rows, and the change against it

  --runs N          how often each row is measured; the median counts (default: 3)
  --seconds N       how long each run of a rate lasts (default: 5)
  --only "A|B"      rows whose name contains A or B, as it stands in the table; upper or lower case (default: all)
  --save FILE       write the report as JSON
  --compare FILE    print the change against a saved report
  --directory DIR   where servers keep their data, on the disk that is to be measured (default: ${join(tmpdir(), "corvo-bench")})
  --json            print the report as JSON
  -h, --help        this text

First this machine's own ceilings (fdatasync, round trips, memory), in some seconds. A rate takes --runs times --seconds and the start of a
server each time; rows of a million jobs add those jobs first. Plan an hour for all rows, and some gigabytes of disk. Nothing else should run
meanwhile. Exit code 1 when an operation failed. A server that runs already: npx corvo bench --help
`;

const text = (value) => ({ type: "string", default: value });
const options = {
  runs: text("3"),
  seconds: text("5"),
  only: text(""),
  save: text(""),
  compare: text(""),
  directory: text(join(tmpdir(), "corvo-bench")),
  json: { type: "boolean", default: false },
};

main(
  async (values) => {
    const runs = whole("runs", values.runs);
    const seconds = whole("seconds", values.seconds);
    await ensureBuilt();
    const { runTable, renderTable, compareTables, readReport, saveReport } = await import("@corvo/bench");
    // Read first: a wrong name is not told after an hour.
    const before = values.compare && readReport(values.compare);
    const report = await runTable({
      corvo: join(root, "packages/cli/bin/corvo.mjs"),
      directory: values.directory,
      runs,
      seconds,
      only: values.only,
      say: (line) => process.stderr.write(`${line}\n`),
    });
    if (report.rows.length === 0) throw new Error(`no row's name contains "${values.only}"`);
    process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : `${renderTable(report)}\n`);
    if (values.save) saveReport(values.save, report);
    if (before) process.stdout.write(`\n${compareTables(before, report)}\n`);
    if (report.rows.some((row) => row.errors > 0)) throw new Error("some operations failed: see the notes");
  },
  { help, options },
);
