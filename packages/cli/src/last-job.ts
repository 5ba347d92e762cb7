import { contextFilePath } from "./contexts.js";
import { usageFailure } from "./failure.js";
import type { Session } from "./session.js";

/** Beside the contexts: the server and the id of the job that was added last from this command line. */
function lastJobPath(session: Session): string | undefined {
  return contextFilePath(session.io)?.replace(/[^/]*$/, "last-job");
}

/** Keeps an id for `@last`. A folder that cannot be written to is no reason to fail: the job is added. */
export async function rememberJob(session: Session, id: string): Promise<void> {
  const path = lastJobPath(session);
  if (path === undefined || session.dryRun || id === "") return;
  await session.io.writeFile(path, `${session.client.server} ${id}\n`).catch(() => {});
}

/** What `@last` means; a job of another server is refused, not looked for here. */
export async function lastJob(session: Session): Promise<string> {
  const path = lastJobPath(session);
  if (path === undefined) throw usageFailure("@last: there is no place to keep it", "set HOME or CORVO_CONFIG_DIR");
  const [server, id] = (await session.io.readFile(path).catch(() => "")).trim().split(" ");
  if (!server || !id) throw usageFailure("@last: no job was added from here yet", "corvo enqueue emails.send '{}'");
  if (server !== session.client.server) throw usageFailure(`@last is job ${id} of ${server}, not of ${session.client.server}`, `--server ${server}`);
  return id;
}
