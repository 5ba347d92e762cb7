import type { JobRecord, QueueRecord } from "@corvo/engine";
import { jobStateNames } from "@corvo/engine";
import { formatJobId } from "@corvo/protocol";
import type { Principal } from "../auth/principal.js";
import { forbidden } from "../auth/refusals.js";
import type { AdminContext } from "./context.js";

const pieceBytes = 128 * 1024;
const sliceJobs = 500;

/**
 * Jobs and queues as Corvo v0.3 wrote them: `{"namespace","created_at","jobs":[…],"queues":[…],"meta":{"format":1}}`, every job of the namespace,
 * live ones first. Not one moment in time: a job that ends meanwhile is there once, in one of its states.
 */
export async function* exportJobs(context: AdminContext, namespace: string, who?: Principal): AsyncGenerator<Uint8Array> {
  if (who !== undefined && !who.overAll && namespace !== who.namespace) throw forbidden(`only the namespace ${who.namespace} is yours`);
  const { engine } = context.replica;
  const { archive } = context.stores;
  const release = archive.hold();
  try {
    const parts = [`{"namespace":${JSON.stringify(namespace)},"created_at":${JSON.stringify(goTime(Date.now()))},"jobs":[`];
    let bytes = 0;
    let first = true;
    const seen = new Set<number>();
    const add = (job: JobRecord): void => {
      const queue = ownName(job.queue, namespace);
      if (queue === undefined) return;
      const text = jobText(job, queue);
      parts.push(first ? text : `,${text}`);
      first = false;
      bytes += text.length;
    };
    const take = (): Uint8Array => {
      bytes = 0;
      return Buffer.from(parts.splice(0).join(""));
    };
    for (let row: number | undefined = 0; row !== undefined; ) {
      const slice = engine.liveFrom(row, sliceJobs);
      for (const job of slice.jobs) {
        if (seen.has(job.seq)) continue;
        seen.add(job.seq);
        add(job);
      }
      row = slice.next;
      if (bytes > pieceBytes) yield take();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    for await (const { seq, bytes: record, place } of archive.records(engine.archiveEnd)) {
      if (seen.has(seq)) continue;
      const job = engine.readArchived(record, place);
      if (job === undefined) continue;
      seen.add(seq);
      add(job);
      if (bytes > pieceBytes) yield take();
    }
    const queues = engine.queues().flatMap((queue) => {
      const name = ownName(queue.name, namespace);
      return name === undefined ? [] : [queueText(queue, name)];
    });
    parts.push(`],"queues":[${queues.join(",")}],"meta":{"format":1}}\n`);
    yield take();
  } finally {
    release();
  }
}

/** A queue's name as its namespace sees it; undefined: it belongs to another one. */
function ownName(queue: string, namespace: string): string | undefined {
  const at = queue.indexOf("::");
  if (namespace === "default") return at < 0 ? queue : undefined;
  return at >= 0 && queue.slice(0, at) === namespace ? queue.slice(at + 2) : undefined;
}

const text = new TextDecoder();

function jobText(job: JobRecord, queue: string): string {
  const json = (bytes: Uint8Array | undefined): string => (bytes === undefined || bytes.length === 0 ? "null" : text.decode(bytes));
  const more = job as JobRecord & { chainConfig?: Uint8Array };
  const facts = {
    id: job.id === "" ? formatJobId(job.createdMs, job.seq) : job.id,
    queue,
    state: jobStateNames[job.state],
    priority: job.priority,
    attempt: job.attempt,
    max_retries: job.maxRetries,
    retry_backoff: job.retryBackoff,
    retry_base_delay_ms: job.retryBaseDelayMs,
    retry_max_delay_ms: job.retryMaxDelayMs,
    unique_key: job.uniqueKey === "" ? undefined : job.uniqueKey,
    parent_id: job.parentId === "" ? undefined : job.parentId,
    created_at: time(job.createdMs),
    scheduled_at: time(job.scheduledMs),
    expire_at: time(job.expireMs),
    started_at: time(job.startedMs),
    completed_at: time(job.completedMs),
    failed_at: time(job.failedMs),
    cancelled_at: time(job.cancelledMs),
  };
  const documents = `"payload":${json(job.payload)},"tags":${json(job.tags)},"checkpoint":${json(job.checkpoint)},"result":${json(job.result)},"chain_config":${json(more.chainConfig)}`;
  return `${JSON.stringify(facts).slice(0, -1)},${documents}}`;
}

function queueText(queue: QueueRecord, name: string): string {
  return JSON.stringify({
    name,
    paused: queue.paused,
    max_concurrency: queue.maxConcurrency || null,
    rate_limit: queue.rateLimit || null,
    rate_window_ms: queue.rateLimit ? queue.rateWindowMs : null,
    created_at: time(queue.createdMs),
  });
}

function time(ms: number): string | undefined {
  return ms === 0 ? undefined : goTime(ms);
}

/** As all times in REST: zeros at the end of the fraction are left out. */
function goTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0+Z$/, "Z");
}
