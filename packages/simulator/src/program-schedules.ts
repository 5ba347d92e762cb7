import { expressions, type Telling, tellings } from "./calendar.js";
import type { Command } from "./model/command.js";
import type { Rng } from "./random.js";
import type { JobToAdd } from "./wish.js";

type Put = Extract<Command, { verb: "putSchedule" }>;

export type ScheduleWish =
  | { do: "putSchedule"; put: Omit<Put, "verb" | "job">; job: JobToAdd }
  /** The leader tells slots to whoever asks. */
  | { do: "slots"; how: Telling };

const names = ["s1", "s2", "s3"] as const;
const intervals = ["@every 1s", "@every 10s", "@every 1m", "@every 1m", "@every 90500ms", "@every 2h"] as const;

/** Few names, so that the same schedule is put, paused, run and deleted. `job`: any one. */
export function randomSchedule(rng: Rng, job: JobToAdd): ScheduleWish | { do: "queue"; command: Command } {
  const name = rng.oneIn(20) ? rng.pick(["", "nobody's"]) : rng.pick(names);
  const kind = rng.weighted({ put: 5, run: 2, pause: 1, resume: 2, delete: 1 });
  if (kind === "run") return { do: "queue", command: { verb: "runSchedule", name } };
  if (kind !== "put") return { do: "queue", command: { verb: `${kind}Schedule`, name } };
  const cron = rng.oneIn(20) ? rng.pick(["", "@every 5", "@every 10ms", "@everywhere"]) : rng.pick(rng.oneIn(2) ? intervals : expressions);
  return {
    do: "putSchedule",
    put: {
      ...{ name, cron, timezone: rng.pick(["", "UTC", "Europe/Madrid"]), paused: rng.oneIn(8) },
      overlap: rng.pick(["", "skip", "allow", "buffer_one", "buffer_one", "cancel_previous"]),
      catchUp: rng.weighted({ "": 3, last: 2, none: 3, all: 1 }),
      jitter: rng.oneIn(3) ? jitterOf(rng, cron) : "",
    },
    // Keys of its own: whether a slot came before or after an enqueue of the same entry cannot be seen from outside.
    job: { ...job, after: undefined, uniqueKey: rng.oneIn(6) ? "of a schedule" : undefined, queue: rng.oneIn(30) ? "" : job.queue },
  };
}

/** No longer than the time between two slots. */
function jitterOf(rng: Rng, cron: string): string {
  const most: Record<string, string[]> = { "@every 1s": ["500ms", "1s"], "@every 10s": ["10s"], "*/10 * * * * *": ["3s"], "@every 2h": ["1h"] };
  return rng.pick(most[cron] ?? ["1500us", "1s", "30s"]);
}

export function randomTelling(rng: Rng): ScheduleWish {
  return { do: "slots", how: rng.oneIn(4) ? rng.pick(tellings) : "right" };
}
