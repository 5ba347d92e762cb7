import { segment } from "../client.js";
import { type AnyCommand, type CommandSpec, requestIdFlag, text } from "../command.js";
import { exitCodes, Failure } from "../failure.js";
import { printList } from "../listing.js";
import type { Session } from "../session.js";
import { attempts } from "../words.js";

export interface Worker {
  id: string;
  hostname: string | null;
  queues: string | null;
  last_heartbeat: string;
  started_at: string;
  active?: number;
  sdk?: string;
  sdk_version?: string;
  slots?: number;
  order?: string;
  capabilities?: string[];
}

export const workers: CommandSpec = {
  name: "workers",
  group: "Server",
  summary: "list the workers that have fetched jobs or said that they are there",
  client: true,
  examples: ["corvo workers", "corvo workers -o json", "corvo workers -o name"],
  watch: true,
  list: true,
  async run(session) {
    const answer = await session.client.call("GET", "/api/v1/workers");
    printList<Worker>(session, answer, {
      name: (worker) => worker.id,
      empty: "No workers connected",
      columns: [
        { title: "ID", value: (worker) => worker.id },
        { title: "HOSTNAME", value: (worker) => worker.hostname || "-" },
        { title: "LAST HEARTBEAT", value: (worker) => session.time(worker.last_heartbeat) },
        { title: "ACTIVE", value: (worker) => worker.active ?? "-", right: true },
        { title: "SLOTS", value: (worker) => worker.slots ?? "-", right: true },
        { title: "SDK", value: (worker) => [worker.sdk, worker.sdk_version].filter(Boolean).join(" ") || "-", spare: true },
        { title: "ORDER", value: (worker) => worker.order || "-", paint: (text) => (text === "-" ? text : session.colors.yellow(text)) },
        { title: "STARTED", value: (worker) => session.time(worker.started_at), wide: true },
        { title: "QUEUES", value: (worker) => queuesOf(worker), cut: true },
      ],
    });
  },
};

/** The field is the text of a JSON array; other text is shown as it is. */
function queuesOf(worker: Worker): string {
  if (!worker.queues) return "-";
  try {
    const names: unknown = JSON.parse(worker.queues);
    return Array.isArray(names) ? names.join(",") : worker.queues;
  } catch {
    // Not JSON: shown as it is.
    return worker.queues;
  }
}

/** Jobs in hand that `worker show` lists. */
const shownJobs = 20;

const show: CommandSpec = {
  name: "show",
  args: "<id>",
  group: "Workers",
  summary: "show a worker and the jobs that it has in hand",
  client: true,
  watch: true,
  examples: ["corvo worker show w-1", "corvo worker show w-1 -o json", "corvo worker show w-1 -o name"],
  async run(session, [id]) {
    const found = (await listed(session)).filter((worker) => worker.id === id);
    if (found.length === 0) throw new Failure(exitCodes.notFound, `worker "${id}" not found`, { hint: "corvo workers" });
    const body = JSON.stringify({ worker_id: id, state: ["active"], limit: shownJobs });
    const { jobs } = JSON.parse((await session.client.call("POST", "/api/v1/jobs/search", { body })).text) as { jobs: Job[] };
    if (session.object({ workers: found, jobs })) return;
    if (session.output === "name") return session.lines(found.map((worker) => worker.id));
    for (const worker of found) tell(session, worker);
    for (const job of jobs ?? []) session.line(`  ${job.id}  ${job.queue}  attempt ${attempts(job)}`);
  },
};

interface Job {
  id: string;
  queue: string;
  attempt: number;
  max_retries: number;
}

async function listed(session: Session): Promise<Worker[]> {
  return JSON.parse((await session.client.call("GET", "/api/v1/workers")).text) as Worker[];
}

function tell(session: Session, worker: Worker): void {
  const { id, hostname, order, active, slots, sdk, sdk_version } = worker;
  session.line(`Worker ${id}${hostname ? ` on ${hostname}` : ""}: ${order ? session.colors.yellow(order) : "working"}`);
  session.line(
    `jobs: ${active ?? 0}${slots ? ` of ${slots}` : ""}   queues: ${queuesOf(worker)}   sdk: ${[sdk, sdk_version].filter(Boolean).join(" ") || "-"}`,
  );
  session.line(`started ${session.time(worker.started_at)}, last heartbeat ${session.time(worker.last_heartbeat)}`);
  if (order && !worker.capabilities?.includes(order)) session.line(`It does not say that it obeys "${order}": it is granted nothing, and no more.`);
}

function orders(name: string, summary: string, notes: readonly string[], said: string): CommandSpec {
  return {
    name,
    args: "<id>",
    group: "Workers",
    summary,
    client: true,
    mutates: true,
    examples: [`corvo worker ${name} w-1`, `corvo worker ${name} w-1 --dry-run`, `corvo worker ${name} w-1 -o json`],
    flags: [requestIdFlag],
    notes,
    async run(session, [id], flags) {
      const requestId = text(flags, "requestId");
      const answer = await session.client.call("POST", `/api/v1/workers/${segment(id)}/${name}`, { body: "{}", requestId });
      session.wrote(answer, id, `Worker ${id} ${said}`);
    },
  };
}

/** Workers one by one. */
export const workerGroup: AnyCommand = {
  name: "worker",
  group: "Workers",
  summary: "look at a worker, keep it from fetching, let it stop",
  subcommands: [
    show,
    orders(
      "quiet",
      "grant a worker nothing more; it finishes what it has",
      ["The server holds it, over restarts too, until corvo worker resume, until the worker leaves, or for 7 days."],
      "is quiet: it is granted nothing more",
    ),
    orders(
      "stop",
      "the same, and ask the worker to leave when it has finished",
      ["A worker that does not look at it stays and is granted nothing."],
      "is asked to stop",
    ),
    orders("resume", "let a worker fetch again", ["A worker that has stopped must be started."], "may fetch"),
  ],
};
