import type { Outcome } from "./run-rows.js";

const words = { "as specified": "as specified", missing: "**missing**", later: "later", differs: "**differs**" };

/** The table in docs/rest-status.md. */
export function restStatus(sections: readonly { title: string; outcomes: readonly Outcome[] }[]): string {
  const all = sections.flatMap(({ outcomes }) => outcomes);
  const rows = [...new Set(all.map(({ row }) => row))].map((row) => [row, all.filter((each) => each.row === row)] as const);
  const whole = rows.filter(([, cases]) => cases.every(({ verdict }) => verdict === "as specified")).length;
  const missing = rows.filter(([, cases]) => cases.some(({ verdict }) => verdict === "missing")).map(([row]) => `\`${row.method} ${shown(row.path)}\``);
  const later = rows
    .filter(([, cases]) => cases.some(({ verdict }) => verdict === "later"))
    .map(([row]) => `\`${row.method} ${shown(row.path)}\` (${row.later})`);
  const lines = [
    "# How every REST call answers",
    "",
    "Made by `conformance/rest/status.test.ts` against a live server, and compared by `npm test`; not written by hand. The rows and their cases, taken from",
    "the specification, are in `conformance/rest/rows-*.ts`. Anew: `UPDATE_STATUS=1 npx vitest run conformance/rest`.",
    "",
    `${whole} of ${rows.length} calls answer as specified in all of their ${all.length} cases.`,
    missing.length > 0 ? `Missing, whole or in a case: ${missing.join(", ")}.` : "None is missing.",
    ...(later.length > 0 ? [`Later: ${later.join(", ")}.`] : []),
  ];
  for (const { title, outcomes } of sections) {
    lines.push("", `## ${title}`, "", "| call | case | answers | |", "|---|---|---|---|");
    let before: unknown;
    for (const { row, case: each, verdict, answered } of outcomes) {
      const call = row === before ? "" : `\`${row.method} ${shown(row.path)}\``;
      before = row;
      const verdictText = verdict === "as specified" && each.ours ? `as specified: ${each.ours}` : words[verdict];
      lines.push(`| ${call} | ${cell(each.what)} | ${cell(answered)} | ${cell(verdictText)} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}

const shown = (path: string): string => (path.startsWith("//") ? path.slice(1) : path);
const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
