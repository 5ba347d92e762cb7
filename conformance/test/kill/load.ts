import { type CorvoClient, CorvoError } from "@corvo/sdk";
import type { History } from "./history.js";

export const queue = "kill.q";

/** Clients that add, fetch and acknowledge until their server is gone or `until` resolves; everything they see goes into the history. */
export async function load(client: CorvoClient, history: History, random: () => number, until: Promise<unknown>): Promise<void> {
  let over = false;
  void until.then(() => {
    over = true;
    history.wake();
  });
  const loop = async (work: () => Promise<void>): Promise<void> => {
    while (!over) {
      try {
        await work();
      } catch (thrown) {
        if (thrown instanceof CorvoError && !thrown.outcomeUnknown && !thrown.retryable) history.faults.push(`${thrown.reason}: ${thrown.message}`);
        else if (!(thrown instanceof CorvoError)) history.faults.push(String(thrown));
        return; // the server is gone
      }
    }
  };
  await Promise.all([
    loop(() => addOne(client, history)),
    loop(() => addOne(client, history)),
    loop(() => addMany(client, history, random)),
    loop(() => workSome(client, history, random)),
    loop(() => workSome(client, history, random)),
  ]);
}

/** Request ids that begin so are those of batches. */
const batchPrefix = "batch-";

async function add(client: CorvoClient, history: History, requestId: string, numbers: readonly number[]): Promise<void> {
  const payload = (n: number): object => ({ n, requestId });
  if (requestId.startsWith(batchPrefix)) {
    const added = await client.enqueueMany(
      numbers.map((n) => ({ job: queue, payload: payload(n) })),
      { requestId },
    );
    for (const [i, n] of numbers.entries()) history.enqueued(requestId, n, added[i].id);
  } else {
    const { id } = await client.enqueue(queue, payload(numbers[0]), { requestId });
    history.enqueued(requestId, numbers[0], id);
  }
  history.answered(requestId);
}

/** Jobs come and go: what waits is not more than workers can get through. */
const openMax = 120;

async function room(history: History): Promise<boolean> {
  if (history.open < openMax) return true;
  await history.lessOpen();
  return false;
}

async function addOne(client: CorvoClient, history: History): Promise<void> {
  if (!(await room(history))) return;
  const n = history.next++;
  history.unknown.set(`one-${n}`, [n]);
  await add(client, history, `one-${n}`, [n]);
}

async function addMany(client: CorvoClient, history: History, random: () => number): Promise<void> {
  if (!(await room(history))) return;
  const numbers = Array.from({ length: 1 + Math.floor(random() * 40) }, () => history.next++);
  const requestId = `${batchPrefix}${numbers[0]}`;
  history.unknown.set(requestId, numbers);
  await add(client, history, requestId, numbers);
}

async function workSome(client: CorvoClient, history: History, random: () => number): Promise<void> {
  const jobs = await client.fetch([queue], { count: 1 + Math.floor(random() * 20), leaseSeconds: 1, workerId: "w" });
  for (const job of jobs) {
    const { n, requestId } = job.payload as { n: number; requestId: string };
    history.fetched(job.id, n, job.fence, requestId);
  }
  for (const job of jobs) {
    const seen = history.jobs.get(job.id);
    if (!seen || random() < 0.2) continue; // left to its lease
    seen.ackUnknown = true;
    try {
      await client.ack(job.id, { result: { n: seen.n }, fence: job.fence });
      history.acked(job.id);
      seen.ackUnknown = seen.acks === 0;
    } catch (thrown) {
      if (!(thrown instanceof CorvoError)) throw thrown;
      if (thrown.outcomeUnknown) throw thrown;
      // The lease may have ended meanwhile, or an acknowledgement whose answer was lost counted: refused, so nothing happened now.
      if (thrown.reason !== "STALE_FENCE" && thrown.reason !== "WRONG_STATE") throw thrown;
    }
  }
}

/** After a restart: settles what is unknown by asking again with the same request id, then looks at every job. */
export async function examine(client: CorvoClient, history: History): Promise<void> {
  for (const [requestId, numbers] of [...history.unknown]) await add(client, history, requestId, numbers);
  const ids = [...history.jobs.keys()];
  const found = new Set<string>();
  for (let at = 0; at < ids.length; at += 1000) {
    for (const job of await client.jobs(ids.slice(at, at + 1000))) {
      found.add(job.id);
      const seen = history.jobs.get(job.id);
      if (!seen) continue;
      const payload = JSON.parse(job.payloadJson) as { n: number };
      if (payload.n !== seen.n) history.faults.push(`J2: the payload of ${job.id} was ${seen.n} and is ${payload.n}`);
      if (seen.acks > 0 && job.state !== "completed") history.faults.push(`J4: ${job.id} was acknowledged as completed and is in state ${job.state}`);
      if (seen.acks > 0 && job.resultJson !== JSON.stringify({ n: seen.n })) history.faults.push(`J1: the result of ${job.id} is ${job.resultJson}`);
      if (job.state === "completed" && seen.acks === 0 && !seen.ackUnknown) history.faults.push(`J2: ${job.id} is completed and nobody acknowledged it`);
    }
  }
  for (const id of ids) if (!found.has(id)) history.faults.push(`J1: ${id} (job ${history.jobs.get(id)?.n}) is lost`);
  const counted = (await client.queues()).find((q) => q.name === queue);
  if (Number(counted?.enqueued ?? 0) !== ids.length) history.faults.push(`J2: the queue holds ${counted?.enqueued} jobs, ${ids.length} were added`);
}
