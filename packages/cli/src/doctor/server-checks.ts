import { exitCodes, Failure } from "../failure.js";
import type { Session } from "../session.js";
import { shortDuration } from "../time.js";
import { type Finding, fail, ok, warn } from "./finding.js";

/** Beyond it times in tables and logs mislead; `Date` in an answer has whole seconds. */
const clockMsMax = 2_000;
/** An answer from nearby takes less. */
const slowMs = 500;
/** A disk that takes longer on average to sync holds up every writer. */
const slowSyncMs = 20;

/** Everything that can be asked of the server. `reached`: false when it does not answer, and the rest was not asked. */
export async function serverChecks(session: Session, version: string): Promise<{ findings: Finding[]; reached: boolean }> {
  const findings: Finding[] = [];
  const reached = await reach(session, version, findings);
  if (!reached) return { findings, reached };
  for (const check of [access, cluster, disk]) findings.push(...(await check(session)));
  return { findings, reached };
}

/** Asks for its version: reachability, speed, version and clock in one answer. */
async function reach(session: Session, version: string, findings: Finding[]): Promise<boolean> {
  const { io, client } = session;
  const startMs = io.nowMs();
  try {
    const response = await client.stream("GET", "/api/v1/info");
    const tookMs = io.nowMs() - startMs;
    let body = "";
    for await (const chunk of response) body += String(chunk);
    const took = `${client.server} answers in ${shortDuration(tookMs)}`;
    findings.push(tookMs > slowMs ? warn("server", took, "a slow network, or a busy server: corvo top") : ok("server", took));
    findings.push(versions(JSON.parse(body) as { server_version?: string }, version));
    findings.push(clock(response.headers.date, startMs + tookMs / 2));
    return true;
  } catch (error) {
    if (error instanceof SyntaxError)
      findings.push(fail("server", `what answers at ${client.server} is not Corvo`, "check --server, CORVO_SERVER and corvo context list"));
    else if (error instanceof Failure) findings.push(fail("server", error.message, error.hint ?? "check --server and CORVO_SERVER"));
    else throw error;
    return false;
  }
}

function versions({ server_version: theirs = "" }: { server_version?: string }, ours: string): Finding {
  const of = (text: string): string => text.split(".").slice(0, 2).join(".");
  if (theirs === "") return warn("version", "the server does not say which version it is", "is it Corvo? check --server");
  if (of(theirs) === of(ours)) return ok("version", `server ${theirs}, this program ${ours}`);
  return warn("version", `the server is ${theirs}, this program ${ours}`, "take the same version of both: what one of them does not know is refused");
}

function clock(date: string | undefined, hereMs: number): Finding {
  const there = Date.parse(date ?? "");
  if (Number.isNaN(there)) return warn("clock", "the server's answer has no date", "a proxy in between takes it away");
  // The header is cut to whole seconds: half a second more is the best guess.
  const apartMs = there + 500 - hereMs;
  if (Math.abs(apartMs) <= clockMsMax) return ok("clock", "this machine's and the server's agree");
  const words = `the server's clock is ${shortDuration(Math.abs(apartMs))} ${apartMs > 0 ? "ahead of" : "behind"} this machine's`;
  return warn("clock", words, "let both follow NTP: scheduled times are the server's");
}

/** Who the caller is to the server, and whether it asks at all. */
async function access(session: Session): Promise<Finding[]> {
  try {
    const who = JSON.parse((await session.client.call("GET", "/api/v1/auth/whoami")).text) as {
      principal: string;
      role: string;
      namespace: string;
      open?: boolean;
    };
    if (who.open) return [warn("access", "the server is open: anyone who reaches it is admin", "corvo keys create admin --role admin")];
    return [ok("access", `signed in as ${who.principal} (${who.role}) in namespace ${who.namespace}`)];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.exitCode === exitCodes.notAllowed) return [fail("access", error.message, "--api-key, CORVO_API_KEY or corvo login")];
    return [warn("access", error.message, error.hint ?? "corvo auth status")];
  }
}

interface ClusterStatus {
  status?: string;
  state?: string;
  leader_id?: string;
  raft_nosync?: boolean;
  live_jobs?: number;
}

async function cluster(session: Session): Promise<Finding[]> {
  const status = await asked<ClusterStatus>(session, "/api/v1/cluster/status");
  if ("finding" in status) return [status.finding("cluster")];
  const { status: health, leader_id: leader, raft_nosync: unsafe, live_jobs: live = 0 } = status.value;
  const findings: Finding[] = [];
  if (!leader)
    findings.push(fail("cluster", "there is no leader: nothing is taken or handed out", "is a majority of the nodes running? Their logs say why not"));
  else if (health === "read_only")
    findings.push(fail("cluster", "the server's disk is full: new jobs are refused", "free space; fetch, ack, cancel and delete still work"));
  else if (health !== undefined && health !== "healthy") findings.push(warn("cluster", `the server is ${health}`, "try again in a moment"));
  else findings.push(ok("cluster", `healthy, ${leader} leads, ${live.toLocaleString("en-US")} live jobs`));
  if (unsafe) findings.push(warn("durability", "answers do not wait for the disk: a power cut loses the last writes", "start it without --durable=false"));
  return findings;
}

/** How long a sync of the log takes on average: what every write waits for. */
async function disk(session: Session): Promise<Finding[]> {
  const metrics = await asked<string>(session, "/api/v1/metrics", (text) => text);
  if ("finding" in metrics) return [];
  const value = (name: string): number => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? ([0-9.e+-]+)$`, "m").exec(metrics.value)?.[1] ?? Number.NaN);
  const count = value("corvo_log_sync_seconds_count");
  const meanMs = (value("corvo_log_sync_seconds_sum") * 1000) / count;
  if (!(count > 0) || Number.isNaN(meanMs)) return [];
  const words = `a sync of the server's log takes ${meanMs < 10 ? meanMs.toFixed(1) : Math.round(meanMs)} ms on average`;
  return [meanMs > slowSyncMs ? warn("disk", words, "a faster disk, or one that nothing else writes to: every answer waits for it") : ok("disk", words)];
}

/** An answer, or the finding that there is none. */
async function asked<T>(
  session: Session,
  path: string,
  read: (text: string) => T = (text) => JSON.parse(text) as T,
): Promise<{ value: T } | { finding: (check: string) => Finding }> {
  try {
    return { value: read((await session.client.call("GET", path)).text) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { message, hint = "corvo whoami" } = error;
    return { finding: (check) => warn(check, message, hint) };
  }
}
