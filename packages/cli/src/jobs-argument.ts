import { exitCodes, Failure, ServerRefusal, usageFailure } from "./failure.js";
import { lastJob } from "./last-job.js";
import type { Session } from "./session.js";
import { age } from "./time.js";

/** Notes of commands that take jobs. */
export const jobsNote =
  "Jobs are ids, their beginnings where only one job has it (6 characters or more behind job_), @last for the job that was added last from here,\naddresses of a job's page, or - for one id per line of standard input.";

const wholeId = /^job_[0-9a-f]{26}$/;
const beginning = /^job_([0-9a-f]{0,25})$/;
const charactersMin = 6;
/** Jobs that are named when several begin so. */
const candidatesShown = 5;

/** Job ids from arguments, in order, each once; see `jobsNote`. */
export async function jobIds(session: Session, args: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const arg of args) {
    if (arg !== "-") ids.push(await jobIdOf(session, arg));
    else for (const line of (await session.io.readStdin()).split("\n")) if (line.trim() !== "") ids.push(await jobIdOf(session, line.trim()));
  }
  if (ids.length === 0) session.note("no job ids on standard input: nothing done");
  return [...new Set(ids)];
}

/** The one job of a flag or argument that can only mean one. */
export async function singleJobId(session: Session, arg: string): Promise<string> {
  const ids = await jobIds(session, [arg]);
  if (ids.length !== 1) throw usageFailure(`one job is needed here, ${ids.length} came on standard input`);
  return ids[0];
}

async function jobIdOf(session: Session, text: string): Promise<string> {
  if (text === "@last") return await lastJob(session);
  const page = /^https?:\/\/.*\/jobs\/([^/?#]+)/.exec(text);
  const id = page ? page[1] : text;
  if (id === "" || /[\s/?#{}"]/.test(id)) {
    const what = /[{"]/.test(id) ? "JSON" : `"${id.length > 60 ? `${id.slice(0, 60)}…` : id}"`;
    throw usageFailure(`${what} is not a job id`, "job ids look like job_18a3f7c2e41b9a000000000c41; -o name prints bare ones");
  }
  return beginning.test(id) && !wholeId.test(id) ? await theOneThatBegins(session, id) : id;
}

interface Candidate {
  id: string;
  queue: string;
  state: string;
  created_at: string;
}

/** The job whose id begins so. Several are an error that names them: nothing is done to a job that was only perhaps meant. */
async function theOneThatBegins(session: Session, text: string): Promise<string> {
  const given = beginning.exec(text)?.[1].length ?? 0;
  if (given < charactersMin) throw usageFailure(`"${text}" is too short for a job id: ${charactersMin} characters behind job_ are needed`);
  const { jobs, total } = await thoseThatBegin(session, text);
  if (jobs.length === 1) return jobs[0].id;
  if (jobs.length === 0)
    throw new Failure(exitCodes.notFound, `no job's id begins with "${text}"`, {
      hint: "corvo list   ·   finished jobs are removed after the server's --retention",
    });
  throw new Failure(exitCodes.notFound, `${total} jobs begin with "${text}"`, {
    detail: candidateLines(session, jobs),
    hint: `add characters${total > jobs.length ? `; all of them: corvo list --id-prefix ${text}` : ""}`,
  });
}

async function thoseThatBegin(session: Session, text: string): Promise<{ jobs: Candidate[]; total: number }> {
  const body = JSON.stringify({ job_id_prefix: text, limit: candidatesShown });
  try {
    const { jobs, total } = JSON.parse((await session.client.look("/api/v1/jobs/search", body)).text) as { jobs: Candidate[] | null; total: number };
    return { jobs: jobs ?? [], total };
  } catch (error) {
    if (!(error instanceof ServerRefusal)) throw error;
    const hint = `give the whole id: "${text}" is its beginning, and looking for it is refused`;
    throw new Failure(error.exitCode, error.message, { hint });
  }
}

function candidateLines(session: Session, jobs: readonly Candidate[]): string[] {
  const wide = (of: (job: Candidate) => string): number => Math.max(...jobs.map((job) => of(job).length));
  const queues = wide((job) => job.queue);
  const states = wide((job) => job.state);
  return jobs.map((job) => `  ${job.id}  ${job.queue.padEnd(queues)}  ${job.state.padEnd(states)}  ${age(job.created_at, session.io.nowMs())}`);
}

/** The ids of a search, given as its JSON. */
export function idsIn(json: string): string[] {
  try {
    return ((JSON.parse(json) as { jobs?: { id: string }[] | null }).jobs ?? []).map((job) => job.id);
  } catch {
    throw usageFailure("standard input is neither ids nor the result of a search", "corvo search … --output-json | corvo bulk …");
  }
}
