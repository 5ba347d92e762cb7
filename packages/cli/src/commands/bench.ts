import type { CommandSpec } from "../command.js";

/** The benchmark reads its own flags and prints its own help. */
export const bench: CommandSpec = {
  name: "bench",
  group: "Server",
  summary: "measure a server",
  client: false,
  raw: true,
  examples: ["corvo bench", "corvo bench --jobs 50000 --concurrency 50", "corvo bench --help"],
  async run(session, args) {
    const { runBench } = await session.io.load.bench();
    const { server = session.io.env.CORVO_SERVER, apiKey } = session.flags;
    // Before its own flags, of which the last one wins.
    return await runBench([...(server ? ["--server", server] : []), ...(apiKey ? ["--api-key", apiKey] : []), ...args]);
  },
};
