import { segment } from "../client.js";
import { ServerRefusal } from "../failure.js";
import type { Session } from "../session.js";

/** Ids that each step made. */
export type Ids = Record<string, readonly string[]>;

export interface Fetched {
  id: string;
  fence: number;
}

/** Calls of the seeding, one after the other. A refusal ends it, a call that this server does not have is passed over and told once. */
export class Seeder {
  private readonly told = new Set<string>();

  constructor(private readonly session: Session) {}

  get nowMs(): number {
    return this.session.io.nowMs();
  }

  /** The answer, or an empty object where the server has no such call; a refusal is passed over when `mayFail`. */
  async call(method: string, path: string, body: unknown, mayFail = false): Promise<Record<string, unknown>> {
    try {
      const answer = await this.session.client.call(method, `/api/v1/${path}`, { body: JSON.stringify(body) });
      return answer.text.trim() === "" ? {} : (JSON.parse(answer.text) as Record<string, unknown>);
    } catch (error) {
      if (!(error instanceof ServerRefusal)) throw error;
      const absent = (error.status === 404 && error.code === "") || error.status === 405 || error.status === 501;
      if (!absent && !mayFail) throw error;
      const what = `${method} /api/v1/${path.split("/")[0]}`;
      if (!this.told.has(what)) this.session.note(`left out: ${what} ${absent ? "is not served here" : `said “${error.message}”`}`);
      this.told.add(what);
      return {};
    }
  }

  post = (path: string, body: unknown, mayFail = false) => this.call("POST", path, body, mayFail);

  async enqueue(job: Record<string, unknown>): Promise<string> {
    return String((await this.post("enqueue", job)).job_id ?? "");
  }

  /** One job of the queue, if one is there; the lease is the wait as well, so it is short. */
  async fetch(queue: string, leaseSeconds = 1): Promise<Fetched | undefined> {
    const jobs = (await this.post("fetch/batch", { queues: [queue], worker_id: "seed-worker", hostname: "seed-host", timeout: leaseSeconds, count: 1 })).jobs;
    const job = (jobs as { job_id: string; fence: number }[] | undefined)?.[0];
    return job && { id: job.job_id, fence: job.fence };
  }

  ack = (job: Fetched, body: Record<string, unknown>) => this.post(`ack/${segment(job.id)}`, { fence: job.fence, ...body });
}
