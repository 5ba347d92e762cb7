import type { DescMethod } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import type { LaneContext } from "../core/context.js";
import type { Call, Route } from "../rpc.js";

/** A call on the slow lane, as handlers see it. */
export class SlowCall implements Call {
  readonly method: DescMethod;
  readonly protocol: Call["protocol"];
  readonly get: boolean;
  readonly deadlineMs: number | undefined;
  principal: unknown;

  constructor(
    private readonly lane: LaneContext,
    route: Route,
    private readonly context: HandlerContext,
    readonly peer: string,
  ) {
    this.method = route.method;
    this.protocol = context.protocolName as Call["protocol"];
    this.get = context.requestMethod === "GET";
    const ms = context.timeoutMs();
    this.deadlineMs = ms === undefined ? undefined : performance.now() + ms;
  }
  header(name: string): string | undefined {
    return this.context.requestHeader.get(name) ?? undefined;
  }
  headers(): Iterable<readonly [string, string]> {
    return this.context.requestHeader.entries();
  }
  addHeader(name: string, value: string): void {
    this.context.responseHeader.append(name, value);
  }
  addTrailer(name: string, value: string): void {
    this.context.responseTrailer.append(name, value);
  }
  private readonly cutting = new AbortController();

  /** The caller may not call any more. */
  cut(): void {
    this.cutting.abort();
  }
  get aborted(): boolean {
    return this.context.signal.aborted || this.cutting.signal.aborted;
  }
  onAbort(run: () => void): void {
    const safely = (): void => {
      try {
        run();
      } catch (thrown) {
        this.lane.onError(thrown, "onAbort");
      }
    };
    let done = false;
    const once = (): void => {
      if (!done) safely();
      done = true;
    };
    if (this.aborted) return once();
    this.context.signal.addEventListener("abort", once, { once: true });
    this.cutting.signal.addEventListener("abort", once, { once: true });
  }
}
