import type { CommandSpec } from "../command.js";
import { indentJson } from "../json.js";
import { printList } from "../listing.js";
import type { Queue } from "../queues.js";
import { printTable } from "../table.js";
import { yamlOf } from "../yaml.js";
import { queueColumns } from "./queues.js";

interface ClusterStatus {
  mode?: string;
  status?: string;
  state?: string;
  node_id?: string;
  leader_id?: string;
  term?: number;
  applied_index?: string;
  live_jobs?: number;
  raft_nosync?: boolean;
  nodes?: { id: string }[];
}

export const status: CommandSpec = {
  name: "status",
  group: "Server",
  summary: "show the state of the server and its queues",
  client: true,
  examples: ["corvo status", "corvo status -o json", "corvo status --server http://10.0.0.1:8080"],
  watch: true,
  async run(session) {
    const [cluster, queues] = await Promise.all([session.client.call("GET", "/api/v1/cluster/status"), session.client.call("GET", "/api/v1/queues")]);
    const both = `{"cluster":${cluster.text.trimEnd()},"queues":${queues.text.trimEnd()}}`;
    if (session.output === "json") return session.line(both);
    if (session.output === "yaml") return session.io.stdout(yamlOf(both));
    if (session.outputJson) return session.line(indentJson(both));
    const node = JSON.parse(cluster.text) as ClusterStatus;
    if (session.output === "name") return session.lines((node.nodes ?? []).map((each) => each.id));
    const state = node.status ?? node.state?.toLowerCase() ?? "unknown";
    const c = session.colors;
    session.line(`Mode: ${node.mode ?? "unknown"}  Status: ${state === "healthy" ? c.green(state) : c.yellow(state)}`);
    const more = [
      node.node_id && `Node: ${node.node_id} (${node.state})`,
      node.leader_id && node.leader_id !== node.node_id && `Leader: ${node.leader_id}`,
      node.term !== undefined && `Term: ${node.term}`,
      node.applied_index !== undefined && `Applied: ${node.applied_index}`,
      node.live_jobs !== undefined && `Live jobs: ${node.live_jobs}`,
    ].filter(Boolean);
    if (more.length > 0) session.line(more.join("  "));
    session.line("");
    const rows = JSON.parse(queues.text) as Queue[];
    if (rows.length === 0) session.line("No queues");
    else printTable(session, queueColumns(session), rows);
    if (node.raft_nosync) session.note("note: this server answers before its disk has the data (--durable=false)");
  },
};

interface Worker {
  id: string;
  hostname: string | null;
  queues: string | null;
  last_heartbeat: string;
  started_at: string;
  active?: number;
  sdk?: string;
  sdk_version?: string;
  slots?: number;
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
        { title: "SDK", value: (worker) => [worker.sdk, worker.sdk_version].filter(Boolean).join(" ") || "-" },
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
