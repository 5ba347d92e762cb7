import { type CommandSpec, text } from "../command.js";
import type { Finding } from "../doctor/finding.js";
import { machineChecks } from "../doctor/machine-checks.js";
import { serverChecks } from "../doctor/server-checks.js";
import { exitCodes } from "../failure.js";
import type { Session } from "../session.js";
import { built } from "./version.js";

export const doctor: CommandSpec = {
  name: "doctor",
  group: "Server",
  summary: "look for what is wrong: server, version, access, clock, disk, settings; and say what to do",
  client: true,
  examples: ["corvo doctor", "corvo doctor --server http://10.0.0.1:8080 -o json", "corvo doctor --data-dir /var/lib/corvo --config corvo.yaml"],
  flags: [
    { flags: "--data-dir <dir>", description: "data directory on this machine (default: where the settings say, if it is there)" },
    { flags: "--config <file>", description: "settings of corvo server to check (CORVO_CONFIG)" },
  ],
  notes: ["It changes nothing. Exit codes: 0 nothing fails (warnings may be there), 1 something fails, 6 the server cannot be reached."],
  async run(session, _args, flags) {
    const { findings: ofServer, reached } = await serverChecks(session, built.version);
    const ofMachine = await machineChecks(session, { dataDir: text(flags, "dataDir"), config: text(flags, "config") });
    const findings = [...ofServer, ...ofMachine];
    tell(session, findings);
    if (!findings.some((one) => one.status === "fail")) return exitCodes.ok;
    return reached ? exitCodes.failed : exitCodes.unreachable;
  },
};

function tell(session: Session, findings: readonly Finding[]): void {
  if (session.output === "ndjson") return session.lines(findings.map((one) => JSON.stringify(one)));
  if (session.object({ findings })) return;
  if (session.output === "name") return session.lines(findings.filter((one) => one.status !== "ok").map((one) => one.check));
  const c = session.colors;
  const paints = { ok: c.green, warn: c.yellow, fail: c.red };
  const width = Math.max(...findings.map((one) => one.check.length));
  for (const { check, status, message, advice } of findings) {
    if (session.quiet && status === "ok") continue;
    session.line(`${paints[status](status.padEnd(4))}  ${check.padEnd(width)}  ${message}`);
    if (advice) session.line(`${" ".repeat(width + 8)}${c.cyan(advice)}`);
  }
}
