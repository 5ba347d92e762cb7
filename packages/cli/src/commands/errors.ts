import { type CommandSpec, text } from "../command.js";
import { printList } from "../listing.js";

interface Task {
  id: string;
  status: string;
  total: number;
  processed: number;
  affected: number;
}

interface Group {
  id: string;
  queue: string;
  words: string;
  failures: number;
  dead: number;
  first_at: string;
  last_at: string;
}

export const errors: CommandSpec = {
  name: "errors",
  aliases: ["failures"],
  group: "Jobs",
  summary: "why jobs fail: errors that look the same, counted",
  client: true,
  watch: true,
  list: true,
  examples: ["corvo errors", "corvo errors --queue emails.send -o json", "corvo search --error-group v1:0123456789abcdef -o name | corvo bulk retry"],
  notes: ["Identifiers, addresses, paths, quoted texts and long numbers do not count. Each group belongs to one queue."],
  flags: [
    { flags: "--queue <queue>", description: "of this queue" },
    { flags: "--limit <n>", description: "groups at most, 1 to 1000; default 100" },
  ],
  async run(session, _args, flags) {
    const query = new URLSearchParams();
    for (const name of ["queue", "limit"]) {
      const value = text(flags, name);
      if (value !== undefined) query.set(name, value);
    }
    const answer = await session.client.call("GET", `/api/v1/errors${query.size > 0 ? `?${query}` : ""}`);
    printList<Group>(session, answer, {
      member: "groups",
      name: (group) => group.id,
      empty: "No errors",
      columns: [
        { title: "GROUP", value: (group) => group.id },
        { title: "QUEUE", value: (group) => group.queue },
        { title: "FAILURES", value: (group) => group.failures, right: true },
        { title: "DEAD", value: (group) => group.dead, right: true },
        { title: "LAST", value: (group) => session.time(group.last_at) },
        { title: "FIRST", value: (group) => session.time(group.first_at), wide: true },
        { title: "CAUSE", value: (group) => group.words },
      ],
    });
  },
};

export const operations: CommandSpec = {
  name: "operations",
  aliases: ["ops"],
  group: "Jobs",
  summary: "bulk actions that run in the background, and those of the last day",
  client: true,
  watch: true,
  list: true,
  examples: ["corvo operations", "corvo operations -o json", "corvo operations -o name"],
  async run(session) {
    const answer = await session.client.call("GET", "/api/v1/bulk");
    printList<Task & { action: string; created_at: string }>(session, answer, {
      name: (task) => task.id,
      empty: "No bulk operations",
      columns: [
        { title: "OPERATION", value: (task) => task.id },
        { title: "ACTION", value: (task) => task.action },
        { title: "STATUS", value: (task) => task.status },
        { title: "DONE", value: (task) => `${task.processed}/${task.total}`, right: true },
        { title: "CHANGED", value: (task) => task.affected, right: true },
        { title: "BEGUN", value: (task) => session.time(task.created_at) },
      ],
    });
  },
};
