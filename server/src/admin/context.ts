import type { Snapshotter } from "@corvo/replica";
import type { Storage } from "@corvo/storage";
import { RpcError } from "@corvo/transport";
import type { HandlerContext } from "../handlers/context.js";

/** What looking after the node stands on. */
export interface AdminContext extends HandlerContext {
  stores: Storage;
  snapshotter: Snapshotter;
  /** Restored data lies ready: the server must start anew to take it up. */
  restored(): void;
}

/** Lets one caller in at a time; the others are told. */
export class OneAtATime {
  private busy = false;

  constructor(
    private readonly reason: string,
    private readonly what: string,
  ) {}

  enter(): () => void {
    if (this.busy)
      throw new RpcError("failed_precondition", this.reason, `${this.what} is under way already; one at a time`, { restStatus: 409, restCode: this.reason });
    this.busy = true;
    return () => {
      this.busy = false;
    };
  }
}
