import type { Socket } from "node:net";
import type { LaneContext } from "../core/context.js";
import { admit, type FastLane } from "../fast/lane.js";
import { WholeConnection, type WholeHost } from "./connection.js";
import type { Head } from "./head.js";
import { WholeExchange, WholeRequest, WholeResponse } from "./messages.js";

/** Serves a REST request that is there as a whole; false: not one that is served this way, nothing has happened. */
export type WholeHandler = (request: WholeRequest, response: WholeResponse) => boolean;

/** Connections whose requests come whole (see WholeConnection). */
export class WholeLane implements WholeHost {
  readonly #open = new Set<WholeConnection>();

  constructor(
    private readonly context: LaneContext,
    private readonly fast: FastLane,
    private readonly rest: WholeHandler | undefined,
    readonly leave: (socket: Socket) => void,
  ) {}

  get size(): number {
    return this.#open.size;
  }
  get limits(): LaneContext["limits"] {
    return this.context.limits;
  }
  get budget(): LaneContext["budget"] {
    return this.context.budget;
  }
  get closing(): boolean {
    return this.context.closing;
  }

  abuse(why: string, peer: string): void {
    this.context.observe.abuse?.(why, peer);
  }

  add(socket: Socket): void {
    this.#open.add(new WholeConnection(socket, this));
  }

  gone(connection: WholeConnection): void {
    this.#open.delete(connection);
  }

  check(nowMs: number): void {
    for (const connection of this.#open) connection.check(nowMs);
  }

  closeIdle(): void {
    for (const connection of this.#open) connection.closeIdle();
  }

  serve(head: Head, body: Uint8Array, connection: WholeConnection): boolean {
    const { verb, url, headers } = head;
    const route = this.context.routes.get(url);
    if (route === undefined) return this.rest?.(new WholeRequest(head, body, connection), new WholeResponse(connection)) === true;
    if (verb !== "POST") return false;
    const admission = admit(route, verb, headers, false);
    if (admission.lane !== "fast" || admission.type.enveloped) return false;
    this.fast.serve(route, url, admission.type, new WholeExchange(head, body, connection));
    return true;
  }
}
