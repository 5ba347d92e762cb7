import { segment } from "./client.js";
import { type CommandSpec, type FlagSpec, text } from "./command.js";
import { ServerRefusal, usageFailure } from "./failure.js";
import { encodeObject } from "./json.js";
import type { Session } from "./session.js";

export const schedulePath = (name: string, verb = ""): string => `/api/v1/schedules/${segment(name)}${verb}`;

export const scheduleFlags: readonly FlagSpec[] = [
  { flags: "--timezone <name>", description: "time zone of the expression, for example Europe/Madrid (default: UTC)" },
  { flags: "--overlap <policy>", description: "while the last job has not ended: skip, allow, buffer_one or cancel_previous (default: skip)" },
  { flags: "--catch-up <policy>", description: "for slots missed while no server ran: last, none or all (default: last)" },
  { flags: "--jitter <duration>", description: "put each slot off by a part of this, up to 1h" },
];

const policies = { overlap: ["skip", "allow", "buffer_one", "cancel_previous"], catchUp: ["last", "none", "all"] };

export function policyFlags(flags: Parameters<CommandSpec["run"]>[2]): Record<string, unknown> {
  const one = (name: "overlap" | "catchUp", flag: string): string | undefined => {
    const given = text(flags, name)?.replaceAll("-", "_");
    if (given !== undefined && !policies[name].includes(given)) throw usageFailure(`${flag} "${given}" is not known`, policies[name].join(", "));
    return given;
  };
  return {
    timezone: text(flags, "timezone") || undefined,
    overlap: one("overlap", "--overlap"),
    catch_up: one("catchUp", "--catch-up"),
    jitter: text(flags, "jitter") || undefined,
  };
}

/** Sends a schedule; says when it runs next. */
export async function putSchedule(session: Session, name: string, body: Record<string, unknown>, requestId: string | undefined): Promise<void> {
  const answer = await session.client.call("PUT", schedulePath(name), { body: encodeObject(body), requestId });
  const { replaced } = JSON.parse(answer.text) as { replaced: boolean };
  session.wrote(answer, name, `Schedule ${name} ${replaced ? "changed" : "made"}: ${String(body.cron)}`);
  if (!session.dryRun && (await neverComes(session, name))) session.note("note: no day fits this expression: it will never run");
}

/** Whoever may not look, or asks a server that cannot say, is not told. */
async function neverComes(session: Session, name: string): Promise<boolean> {
  try {
    const answer = await session.client.call("GET", `${schedulePath(name)}/next?count=1`);
    return (JSON.parse(answer.text) as { runs?: unknown[] }).runs?.length === 0;
  } catch (error) {
    if (error instanceof ServerRefusal) return false;
    throw error;
  }
}
