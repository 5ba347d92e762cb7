import { segment } from "../client.js";
import { encodeObject } from "../json.js";
import type { Session } from "../session.js";
import type { QueueRow } from "./data.js";

/** What can be done with a queue from `corvo top`. */
export interface Act {
  name: "pause" | "resume" | "retry";
  /** As the menu shows it. */
  label: string;
  /** Jobs that it concerns; in a production context this number is typed. */
  count: number;
}

/** The menu behind `x`. Line 0 is the way out, and marked first. */
export interface Menu {
  queue: string;
  acts: readonly Act[];
  /** 0: cancel; else the act before it. */
  at: number;
  /** In a production context: what was typed of the count; undefined: nothing is asked yet. */
  typed: string | undefined;
}

export function menuOf(queue: QueueRow): Menu {
  const waiting = queue.pending + queue.scheduled + queue.retrying;
  const jobs = (n: number): string => `${n} ${n === 1 ? "job" : "jobs"}`;
  const steer: Act = queue.paused
    ? { name: "resume", label: `resume: ${jobs(waiting)} may run again`, count: waiting }
    : { name: "pause", label: `pause: ${jobs(waiting)} wait, running ones finish`, count: waiting };
  const retry: Act[] = queue.dead > 0 ? [{ name: "retry", label: `retry the ${queue.dead} dead`, count: queue.dead }] : [];
  return { queue: queue.name, acts: [steer, ...retry], at: 0, typed: undefined };
}

/** What a key makes of the menu: another menu, an act that is to be done, or nothing: it is closed. */
export function menuPressed(menu: Menu, key: string, production: boolean): { menu?: Menu; act?: Act } {
  const act = menu.acts[menu.at - 1];
  if (key === "\u001b" || key === "q" || key === "x") return {};
  if (menu.typed !== undefined && act !== undefined) {
    if (key === "\r" || key === "\n") return menu.typed === String(act.count) ? { act } : {};
    if (key === "\u007f") return { menu: { ...menu, typed: menu.typed.slice(0, -1) } };
    return { menu: /^\d+$/.test(key) ? { ...menu, typed: menu.typed + key } : menu };
  }
  if (key === "j" || key === "\u001b[B") return { menu: { ...menu, at: Math.min(menu.acts.length, menu.at + 1) } };
  if (key === "k" || key === "\u001b[A") return { menu: { ...menu, at: Math.max(0, menu.at - 1) } };
  if (key !== "\r" && key !== "\n") return { menu };
  if (act === undefined) return {};
  return production ? { menu: { ...menu, typed: "" } } : { act };
}

export function menuLines(menu: Menu, context: string | undefined): string[] {
  const mark = (i: number): string => (i === menu.at ? ">" : " ");
  const lines = ["", ` ${menu.queue}`, ` ${mark(0)} cancel`, ...menu.acts.map(({ label }, i) => ` ${mark(i + 1)} ${label}`), ""];
  const act = menu.acts[menu.at - 1];
  if (menu.typed === undefined || act === undefined) return [...lines, " j k  enter does it  esc leaves"];
  return [...lines, ` production context ${context}: type ${act.count} and enter: ${menu.typed}`];
}

/** Does it and says what became of it. Dead jobs are those that are dead now, no others. */
export async function perform(session: Session, queue: string, { name }: Act): Promise<string> {
  if (session.context?.readOnly) return `context ${session.context.name} is read-only`;
  if (name !== "retry") {
    await session.client.call("POST", `/api/v1/queues/${segment(queue)}/${name}`, { body: "{}" });
    return `queue ${queue} ${name}d`;
  }
  const body = encodeObject({ action: "retry", filter: { queue, state: ["dead"] } });
  const plan = JSON.parse((await session.client.call("POST", "/api/v1/jobs/bulk/preview", { body })).text) as { count: number; token: string };
  if (plan.count === 0) return `no job of queue ${queue} is dead any more`;
  const request = encodeObject({ action: "retry", token: plan.token, expected_count: plan.count });
  const done = JSON.parse((await session.client.call("POST", "/api/v1/jobs/bulk", { body: request, serverWaitMs: 60_000 })).text) as {
    affected?: number;
    bulk_operation_id?: string;
  };
  return done.bulk_operation_id
    ? `retry of ${plan.count} jobs goes on: corvo op watch ${done.bulk_operation_id}`
    : `${done.affected ?? 0} jobs of ${queue} retried`;
}
