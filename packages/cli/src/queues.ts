import { exitCodes, Failure, ServerRefusal } from "./failure.js";
import type { Session } from "./session.js";
import { closest } from "./similar.js";

/** A queue as REST shows it. */
export interface Queue {
  name: string;
  paused: boolean;
  max_concurrency?: number;
  rate_limit?: number;
  rate_window_ms?: number;
  pending: number;
  active: number;
  held: number;
  completed: number;
  dead: number;
  scheduled: number;
  retrying: number;
  cancelled?: number;
  created_at?: string;
  oldest_pending_at?: string;
}

export async function listQueues(session: Session): Promise<Queue[]> {
  return JSON.parse((await session.client.call("GET", "/api/v1/queues")).text) as Queue[];
}

/** The existing queue that was probably meant; undefined when this one exists, none is similar, or the key may not look. */
export async function closestQueue(session: Session, name: string): Promise<string | undefined> {
  try {
    const names = (await listQueues(session)).map((queue) => queue.name);
    return names.includes(name) ? undefined : closest(name, names);
  } catch (error) {
    if (error instanceof ServerRefusal && error.exitCode === exitCodes.notAllowed) return undefined;
    throw error;
  }
}

/**
 * Queues come into being when they are first named, so a slip of the hand would make one. On a terminal a name that is close to an
 * existing one, and not one itself, is questioned; scripts and `-y` are not.
 */
export async function guardQueueName(session: Session, name: string, again: string): Promise<void> {
  if (!session.canAsk) return;
  const meant = await closestQueue(session, name);
  if (meant === undefined) return;
  throw new Failure(exitCodes.notFound, `no queue “${name}” on ${session.client.server}`, {
    hint: `did you mean “${meant}”?   ·   see all: corvo queues   ·   to go on with the new name: ${again} -y`,
  });
}
