import { usageFailure } from "./failure.js";
import type { Session } from "./session.js";

/** Job ids from arguments: ids, a pasted address of a job's page, or `-` for one id per line of standard input. In order, each once. */
export async function jobIds(session: Session, args: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const arg of args) {
    if (arg !== "-") ids.push(jobIdOf(arg));
    else for (const line of (await session.io.readStdin()).split("\n")) if (line.trim() !== "") ids.push(jobIdOf(line.trim()));
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

function jobIdOf(text: string): string {
  const page = /^https?:\/\/.*\/jobs\/([^/?#]+)/.exec(text);
  const id = page ? page[1] : text;
  if (id === "" || /[\s/?#{}"]/.test(id)) {
    const what = /[{"]/.test(id) ? "JSON" : `"${id.length > 60 ? `${id.slice(0, 60)}…` : id}"`;
    throw usageFailure(`${what} is not a job id`, "job ids look like job_18a3f7c2e41b9a000000000c41; -o name prints bare ones");
  }
  return id;
}

/** The ids of a search, given as its JSON. */
export function idsIn(json: string): string[] {
  try {
    return ((JSON.parse(json) as { jobs?: { id: string }[] | null }).jobs ?? []).map((job) => job.id);
  } catch {
    throw usageFailure("standard input is neither ids nor the result of a search", "corvo search … --output-json | corvo bulk …");
  }
}
