import { type CommandGroup, type CommandSpec, text } from "../command.js";
import { usageFailure } from "../failure.js";
import { type Ids, Seeder } from "../seed/seeder.js";
import { steps } from "../seed/steps.js";
import type { Session } from "../session.js";

const demo: CommandSpec = {
  name: "demo",
  group: "Server",
  summary: "fill a server with jobs in every state and one of everything else",
  client: true,
  changes: true,
  examples: ["corvo seed demo", "corvo seed demo --count 200", "corvo seed demo -o json"],
  flags: [{ flags: "--count <n>", description: "ordinary jobs (default: 48)" }],
  notes: ["For looking around, not for a server that works: it sets budgets and policies. What a server does not have yet is left out, and said."],
  async run(session, _args, flags) {
    const count = text(flags, "count") ?? "48";
    if (!/^[1-9][0-9]{0,5}$/.test(count)) throw usageFailure(`--count "${count}" must be a number above 0`);
    const ids = await seedDemo(session, Number(count));
    const all = Object.values(ids).flat();
    if (session.object(ids)) return;
    if (session.output === "name") session.lines(all);
    else {
      for (const [name, some] of Object.entries(ids))
        session.line(`${name.padEnd(12)}${some.length > 4 ? `${some.length} jobs` : some.join("  ") || (noJobs.has(name) ? "made" : "–")}`);
      if (session.io.stdoutIsTty) session.hint("look around: corvo status   ·   corvo top   ·   corvo search --state dead");
    }
  },
};

/** Steps that make something else. */
const noJobs: ReadonlySet<string> = new Set(["budgets", "schedules", "settings"]);

export async function seedDemo(session: Session, count: number): Promise<Ids> {
  const seeder = new Seeder(session);
  const ids: Ids = {};
  for (const [name, step] of Object.entries(steps)) ids[name] = await step(seeder, count);
  return ids;
}

/** Made-up contents. */
export const seed: CommandGroup = { name: "seed", group: "Server", summary: "fill a server with made-up contents", subcommands: [demo] };
