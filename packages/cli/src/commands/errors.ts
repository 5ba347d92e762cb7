import { type CommandSpec, text } from "../command.js";
import { printList } from "../listing.js";

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
        { title: "CAUSE", value: (group) => group.words || "(no text)" },
      ],
    });
  },
};
