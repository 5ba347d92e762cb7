import type { CommandSpec } from "../command.js";
import type { Queue } from "../queues.js";
import { printTable } from "../table.js";
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
    if (session.object(both)) return;
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
