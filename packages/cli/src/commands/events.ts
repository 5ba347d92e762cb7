import { type AnyCommand, type CommandSpec, list, text } from "../command.js";
import { exitCodes, Failure } from "../failure.js";
import { jobIds } from "../jobs-argument.js";
import { printList } from "../listing.js";
import type { Session } from "../session.js";
import { eventsOf } from "../sse.js";
import type { Column } from "../table.js";
import { strangeTypes } from "../words.js";
import { explain } from "./explain.js";
import { wholeNumber } from "./numbers.js";
import { webhookGroup } from "./webhooks.js";

interface Event {
  seq: number;
  type: string;
  at_ns: number;
  job_id?: string;
  queue?: string;
  data?: unknown;
  index?: number;
  attempt?: number;
  worker_id?: string;
  actor?: string;
  reason?: string;
}

const filterFlags = [
  { flags: "--queue <name>", description: "only of this queue; may be given again", repeated: true },
  { flags: "--job <id>", description: "only of this job; may be given again", repeated: true },
  { flags: "--type <type>", description: "only of this type, for example failed; may be given again", repeated: true },
  { flags: "--after <seq>", description: "events behind this number; 0: from the oldest that is kept" },
] as const;

export const events: CommandSpec = {
  name: "events",
  group: "Watch",
  summary: "list what happened, or follow what happens",
  client: true,
  list: true,
  examples: ["corvo events --limit 20", "corvo events --job job_18a3f7c2e41b9a000000000c41", "corvo events --follow --type failed --type dead --limit 3"],
  flags: [
    ...filterFlags,
    { flags: "--limit <n>", description: "events at most, 1 to 1000; the newest that match (default: 100)" },
    { flags: "-f, --follow", description: "go on with what happens, until Ctrl-C" },
  ],
  notes: ["Events are kept in memory, 65,536 by default, and the newest survive a restart. A line with the word gap says how many this reader has missed."],
  async run(session, _args, flags) {
    if (flags.follow === true) return await follow(session, flags);
    const limit = wholeNumber("--limit", text(flags, "limit") ?? "100", 1, 1000);
    const query = await filterOf(session, flags);
    const after = text(flags, "after");
    query.set("limit", String(limit));
    if (after !== undefined) query.set("after_seq", String(wholeNumber("--after", after, 0, Number.MAX_SAFE_INTEGER)));
    else {
      // The newest: what lies behind the last so many numbers. With a filter all that is kept is looked through.
      const { last_seq: last } = JSON.parse((await session.client.call("GET", "/api/v1/cluster/events?limit=1")).text) as { last_seq: number };
      if (![...query.keys()].some((key) => key !== "limit") && last > limit) query.set("after_seq", String(last - limit));
    }
    const answer = await session.client.call("GET", `/api/v1/cluster/events?${query}`);
    printList<Event>(session, answer, { member: "events", columns: columns(session), name: (event) => String(event.seq), empty: "no events" });
  },
};

export const tail: CommandSpec = {
  name: "tail",
  group: "Watch",
  summary: "follow what happens: events --follow",
  client: true,
  examples: ["corvo tail --limit 3", "corvo tail --queue emails.send --type failed --limit 3", "corvo tail --after 0 -o ndjson --limit 3"],
  flags: [...filterFlags, { flags: "--limit <n>", description: "end after so many events" }],
  notes: ["Without --after it begins now. A connection that breaks is made again, and goes on where it was."],
  run: (session, _args, flags) => follow(session, flags),
};

export const eventCommands: readonly AnyCommand[] = [explain, events, tail, webhookGroup];

function columns(session: Session): Column<Event>[] {
  return [
    { title: "SEQ", value: (event) => event.seq, right: true },
    { title: "TIME", value: (event) => clock(session, event) },
    { title: "TYPE", value: (event) => event.type, paint: (shown, event) => painted(session, event, shown) },
    { title: "JOB", value: (event) => event.job_id ?? "-" },
    { title: "QUEUE", value: (event) => event.queue ?? "-" },
    { title: "INDEX", value: (event) => event.index ?? "-", right: true, wide: true },
    { title: "ACTOR", value: (event) => event.actor ?? "-", wide: true },
    { title: "MORE", value: (event) => moreOf(event), cut: true },
  ];
}

/** Follows the stream, reconnecting from the last number that was seen, until Ctrl-C or `--limit`. */
async function follow(session: Session, flags: Parameters<CommandSpec["run"]>[2]): Promise<number> {
  const query = await filterOf(session, flags);
  const given = text(flags, "after");
  let after = given === undefined ? undefined : wholeNumber("--after", given, 0, Number.MAX_SAFE_INTEGER);
  let left = text(flags, "limit") === undefined ? Number.POSITIVE_INFINITY : wholeNumber("--limit", text(flags, "limit")!, 1, 1_000_000);
  const interrupted = session.io.interruption();
  let connected = false;
  for (let failures = 0; !interrupted.aborted; ) {
    const wish = new URLSearchParams(query);
    if (after === undefined) wish.set("from", "now");
    else wish.set("last_event_id", String(after));
    try {
      const stream = await session.client.stream("GET", `/api/v1/events?${wish}`, { signal: interrupted });
      if (failures > 0) session.note(`connected again, going on ${after === undefined ? "with what happens from now" : `behind ${after}`}`);
      connected = true;
      for await (const { data } of eventsOf(stream)) {
        failures = 0;
        const event = JSON.parse(data) as Event;
        after = event.seq;
        show(session, event, data);
        if (--left <= 0) {
          stream.destroy();
          return exitCodes.ok;
        }
      }
    } catch (error) {
      if (interrupted.aborted) break;
      // What the server refused, it would refuse again.
      if (!(error instanceof Failure) || error.exitCode !== exitCodes.unreachable) throw error;
      if (!connected) throw error;
    }
    if (interrupted.aborted) break;
    session.note("the connection ended; trying again");
    await wait(Math.min(5000, 200 * 2 ** failures++), interrupted);
  }
  return exitCodes.interrupted;
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function show(session: Session, event: Event, data: string): void {
  if (session.item(data)) return;
  if (session.output === "name") return session.line(event.job_id ?? String(event.seq));
  const c = session.colors;
  if (event.type === "gap") return session.line(c.yellow(`— gap: ${(event.data as { missed: number }).missed} events missed, up to ${event.seq} —`));
  const more = moreOf(event);
  const words = [c.dim(clock(session, event)), painted(session, event, event.type.padEnd(10)), event.job_id ?? "-", event.queue ?? "-"];
  session.line(words.join("  ") + (more === "" ? "" : `  ${more}`));
}

function painted(session: Session, event: Event, shown: string): string {
  const c = session.colors;
  if (event.type === "failed" || event.type === "dead" || event.type === "expired") return c.red(shown);
  if (event.type === "completed") return c.green(shown);
  return event.type === "held" || event.type === "retrying" || event.type === "gap" ? c.yellow(shown) : shown;
}

function moreOf(event: Event): string {
  const parts: string[] = [];
  if (event.attempt) parts.push(`try ${event.attempt}`);
  if (event.worker_id) parts.push(`worker ${event.worker_id}`);
  if (event.reason) parts.push(event.reason.replace(/\s+/g, " "));
  if (event.data !== undefined) parts.push(JSON.stringify(event.data));
  return parts.join("  ");
}

/** The clock alone on a terminal, the whole time in a pipe. */
function clock(session: Session, event: Event): string {
  const time = new Date(Math.round(event.at_ns / 1e6)).toISOString();
  return session.io.stdoutIsTty ? time.slice(11, 23) : time;
}

async function filterOf(session: Session, flags: Parameters<CommandSpec["run"]>[2]): Promise<URLSearchParams> {
  const strange = strangeTypes(list(flags, "type").flatMap((type) => type.split(",")));
  if (strange !== undefined) session.note(strange);
  const query = new URLSearchParams();
  for (const [flag, name] of [
    ["queue", "queues"],
    ["job", "job_ids"],
    ["type", "types"],
  ] as const) {
    const given = list(flags, flag);
    const values = flag === "job" && given.length > 0 ? await jobIds(session, given) : given;
    if (values.length > 0) query.set(name, values.join(","));
  }
  return query;
}
