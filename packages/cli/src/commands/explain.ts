import { segment } from "../client.js";
import type { CommandSpec } from "../command.js";
import { eachJob } from "../each-job.js";
import { jobIds, jobsNote } from "../jobs-argument.js";
import { printOne } from "../listing.js";
import type { Session } from "../session.js";

interface Explanation {
  job_id: string;
  queue: string;
  state: string;
  summary: string;
  reasons: { code: string; message: string; remedy?: string; job_ids?: string[]; workers?: string[]; detail?: string }[];
  place?: number;
  pending?: number;
  rate_per_second?: number;
  estimated_start_at?: string;
}

export const explain: CommandSpec = {
  name: "explain",
  aliases: ["why"],
  args: "<job...>",
  usage: "[options] <job...>",
  group: "Jobs",
  summary: "say why a job is not running, its place in line and when it may start",
  client: true,
  examples: [
    "corvo explain job_18a3f7c2e41b9a000000000c41",
    "corvo why job_18a3f7c2e41b9a000000000c41",
    "corvo explain job_18a3f7c2e41b9a000000000c41 -o json",
  ],
  notes: [
    "The server asks its scheduler without changing anything: reasons and place are exact, the time is an estimate from the rate of the last minute.",
    jobsNote,
  ],
  async run(session, args) {
    const ids = await jobIds(session, args);
    return await eachJob(
      session,
      ids,
      (id) => session.client.call("GET", `/api/v1/jobs/${segment(id)}/explain`),
      (id, answer) => printOne(session, answer, id, () => tell(session, JSON.parse(answer.text) as Explanation)),
    );
  },
};

function tell(session: Session, answer: Explanation): void {
  const c = session.colors;
  session.line(`${answer.job_id}  ${answer.queue}  ${c.bold(answer.state)}`);
  for (const reason of answer.reasons) {
    session.line(`  ${reason.message}`);
    if (reason.detail && !reason.message.includes(reason.detail)) session.line(c.dim(`    ${reason.detail.split("\n")[0]}`));
    if (reason.job_ids?.length) session.line(c.dim(`    ${reason.job_ids.join(" ")}`));
    if (reason.remedy) session.line(`    ${c.cyan(reason.remedy)}`);
  }
  if (answer.place) session.line(`  place ${answer.place} of ${answer.pending ?? answer.place}`);
  if (answer.estimated_start_at) {
    const rate = answer.rate_per_second ? ` (${answer.rate_per_second.toFixed(1)} jobs per second)` : "";
    session.line(`  may start about ${answer.estimated_start_at}${rate}`);
  }
}
