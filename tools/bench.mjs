// npm run bench [-- --runs 3 --seconds 5 --only "NAME|NAME" --save FILE --compare FILE --directory DIR --json]: the whole table beside this
// machine's ceilings. Nothing else should run meanwhile.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureBuilt, main, root } from "./lib.mjs";

main(async () => {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "3" },
      seconds: { type: "string", default: "5" },
      only: { type: "string", default: "" },
      save: { type: "string", default: "" },
      compare: { type: "string", default: "" },
      directory: { type: "string", default: join(tmpdir(), "corvo-bench") },
      json: { type: "boolean", default: false },
    },
  });
  await ensureBuilt();
  const { runTable, renderTable, compareTables, readReport, saveReport } = await import("@corvo/bench");
  const report = await runTable({
    corvo: join(root, "packages/cli/bin/corvo.mjs"),
    directory: values.directory,
    runs: Number(values.runs),
    seconds: Number(values.seconds),
    only: values.only,
    say: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : `${renderTable(report)}\n`);
  if (values.save) saveReport(values.save, report);
  if (values.compare) process.stdout.write(`\n${compareTables(readReport(values.compare), report)}\n`);
  if (report.rows.some((row) => row.errors > 0)) throw new Error("some operations failed: see the notes");
});
