/**
 * Judges a run from what its clients saw, without looking inside the server: lost and invented jobs (J1, J2, J3) by set
 * arithmetic, and each job's own story (J4 to J7). For the simulator, the kill test and the demo alike. Both are linear but for a
 * sort per job. The numbers are those of `reliability.md` §2.
 */

/** One call of one client. Times are of one monotonic clock of the harness. */
export interface Operation {
  client: string;
  invokedMs: number;
  /** Infinity while nobody knows the outcome. */
  returnedMs: number;
  /** `ok`: it happened. `failed`: it certainly did not. `unknown`: either way. */
  outcome: "ok" | "failed" | "unknown";
  action: Action;
}

export type Action =
  /** `key` names the job that was to be made: distinct per intended job, the same for every try of it. */
  | { do: "enqueue"; key: string; payload: string; jobId?: string }
  | { do: "fetch"; grants: SeenGrant[] }
  | { do: "ack"; jobId: string; fence: number }
  | { do: "fail"; jobId: string; fence: number; next?: "retrying" | "dead" }
  /** `cancelled` tells that the server said so. */
  | { do: "heartbeat"; jobId: string; fence: number; cancelled: boolean }
  | { do: "cancel" | "retry" | "delete" | "hold" | "approve" | "reject" | "move"; jobId: string };

export interface SeenGrant {
  jobId: string;
  payload: string;
  attempt: number;
  maxRetries: number;
  fence: number;
  leaseMs: number;
}

/** A job as the last, complete listing has it. */
export interface FinalJob {
  id: string;
  payload: string;
  state: string;
  attempt: number;
}

/** Every breach as a sentence; none: the run is good. */
export function checkHistory(history: readonly Operation[], final: readonly FinalJob[]): string[] {
  return [...checkSets(history, final), ...checkStories(history, final)];
}

/** J1: nothing acknowledged is missing. J2: nothing is there that nobody asked for, payloads are as sent. J3: one job per key. */
export function checkSets(history: readonly Operation[], final: readonly FinalJob[]): string[] {
  const breaches: string[] = [];
  const listed = new Map(final.map((job) => [job.id, job]));
  if (listed.size !== final.length) breaches.push("J3: the listing has the same job twice");
  const attempted = new Map<string, string>();
  const idOfKey = new Map<string, string>();
  const acknowledged = new Map<string, { key: string; payload: string; client: string; nth: number }>();
  const perClient = new Map<string, number>();
  const deleted = new Set<string>();
  for (const { action, outcome, client } of history) {
    if (action.do === "delete" && outcome !== "failed") deleted.add(action.jobId);
    if (action.do !== "enqueue") continue;
    if (outcome !== "failed") attempted.set(action.key, action.payload);
    if (outcome !== "ok" || !action.jobId) continue;
    const before = idOfKey.get(action.key);
    if (before && before !== action.jobId) breaches.push(`J3: ${action.key} was answered with ${before} and with ${action.jobId}`);
    idOfKey.set(action.key, action.jobId);
    const nth = (perClient.get(client) ?? 0) + 1;
    perClient.set(client, nth);
    if (!acknowledged.has(action.jobId)) acknowledged.set(action.jobId, { key: action.key, payload: action.payload, client, nth });
  }
  for (const [id, { key, payload, client, nth }] of acknowledged) {
    const job = listed.get(id);
    if (!job && !deleted.has(id)) breaches.push(`J1: ${id} (${key}) is lost: number ${nth} of ${perClient.get(client)} acknowledged to ${client}`);
    if (job && job.payload !== payload) breaches.push(`J2: ${id} (${key}) has the payload ${job.payload} instead of ${payload}`);
  }
  const payloadsLeft = count([...attempted.values()]);
  for (const job of final) {
    const left = payloadsLeft.get(job.payload) ?? 0;
    if (left === 0) breaches.push(`J2: ${job.id} with payload ${job.payload} is there once more often than anybody asked for it`);
    else payloadsLeft.set(job.payload, left - 1);
  }
  return breaches;
}

/** J4 to J7 for each job. Exact where answers were seen; an unknown outcome is read in favour of the server. */
export function checkStories(history: readonly Operation[], final: readonly FinalJob[]): string[] {
  const stories = new Map<string, Story>();
  const storyOf = (id: string): Story => {
    let story = stories.get(id);
    if (!story) {
      story = { grants: [], ends: [], maybeEnded: new Set(), resets: [] };
      stories.set(id, story);
    }
    return story;
  };
  const fences = new Map<number, string>();
  const breaches: string[] = [];
  let lostFetches = 0;
  for (const operation of history) {
    const { action, outcome } = operation;
    if (action.do === "fetch") {
      if (outcome === "unknown") lostFetches++;
      for (const grant of outcome === "ok" ? action.grants : []) {
        const other = fences.get(grant.fence);
        if (other) breaches.push(`J5: fence ${grant.fence} was given out twice: for ${other} and for ${grant.jobId}`);
        fences.set(grant.fence, grant.jobId);
        storyOf(grant.jobId).grants.push({ ...grant, operation });
      }
    } else if (action.do === "ack" || action.do === "fail" || action.do === "heartbeat") {
      const accepted = outcome === "ok" && !(action.do === "heartbeat" && action.cancelled);
      if (accepted) storyOf(action.jobId).ends.push({ action, operation });
      if (outcome === "unknown" && action.do !== "heartbeat") storyOf(action.jobId).maybeEnded.add(action.fence);
    } else if (action.do !== "enqueue" && outcome !== "failed") storyOf(action.jobId).resets.push(operation);
  }
  const listed = new Map(final.map((job) => [job.id, job]));
  for (const [id, story] of stories) breaches.push(...checkStory(id, story, lostFetches > 0, listed.get(id)));
  return breaches;
}

interface Story {
  grants: (SeenGrant & { operation: Operation })[];
  /** Accepted acks, failures and heartbeats. */
  ends: { action: Extract<Action, { fence: number }>; operation: Operation }[];
  /** Fences of acks and failures that nobody knows the outcome of. */
  maybeEnded: Set<number>;
  /** Retries and other steps by hand that did or may have happened. */
  resets: Operation[];
}

function checkStory(id: string, { grants, ends, maybeEnded, resets }: Story, fetchesLost: boolean, last: FinalJob | undefined): string[] {
  const breaches: string[] = [];
  grants.sort((a, b) => a.fence - b.fence);
  for (let i = 1; i < grants.length; i++) {
    const [before, after] = [grants[i - 1], grants[i]];
    if (after.operation.returnedMs < before.operation.invokedMs) {
      breaches.push(`J5: ${id}: fence ${after.fence} was given out before fence ${before.fence}`);
    }
    if (resets.length > 0) continue;
    const step = after.attempt - before.attempt;
    if (step < 1 || (step > 1 && !fetchesLost)) breaches.push(`J7: ${id}: attempt ${before.attempt} was followed by attempt ${after.attempt}`);
    const ended = maybeEnded.has(before.fence) || ends.some(({ action }) => action.do !== "heartbeat" && action.fence === before.fence);
    const leaseMs = Math.max(before.leaseMs, ...ends.filter(({ action }) => action.do === "heartbeat" && action.fence === before.fence).map(() => 60_000));
    if (!ended && !fetchesLost && after.operation.returnedMs - before.operation.invokedMs < leaseMs - 1) {
      breaches.push(`J5: ${id}: given out again (fence ${after.fence}) while the lease of fence ${before.fence} ran`);
    }
  }
  const first = grants[0];
  if (first && resets.length === 0 && first.attempt !== 1 && !fetchesLost) breaches.push(`J7: ${id}: the first attempt was number ${first.attempt}`);
  const acks = ends.filter(({ action }) => action.do === "ack");
  if (acks.length > 1 && resets.length === 0) breaches.push(`J4: ${id}: ${acks.length} acks were accepted`);
  for (const { action, operation } of ends) {
    if (action.fence === 0) continue;
    const newer = grants.find((grant) => grant.fence > action.fence && grant.operation.returnedMs < operation.invokedMs);
    if (newer) breaches.push(`J6: ${id}: ${action.do} with fence ${action.fence} was accepted after fence ${newer.fence} was given out`);
    if (action.do !== "ack") continue;
    const again = grants.find((grant) => grant.operation.invokedMs > operation.returnedMs);
    if (again && resets.length === 0) breaches.push(`J4: ${id}: given out (fence ${again.fence}) after its ack was accepted`);
  }
  if (acks.length > 0 && resets.length === 0 && last && last.state !== "completed")
    breaches.push(`J4: ${id}: its ack was accepted, but at the end it is ${last.state}`);
  const died = ends.find(({ action }) => action.do === "fail" && action.next === "dead");
  if (died && resets.length === 0) {
    const grant = grants.find((one) => one.fence === died.action.fence);
    if (grant && grant.attempt < grant.maxRetries) breaches.push(`J7: ${id}: dead after attempt ${grant.attempt} of ${grant.maxRetries}`);
    if (last && last.state !== "dead") breaches.push(`J4: ${id}: it was dead, but at the end it is ${last.state}`);
  }
  return breaches;
}

function count(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
