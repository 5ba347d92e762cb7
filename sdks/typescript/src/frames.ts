import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import type { LifecycleStreamRequestSchema, LifecycleStreamResponse, WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import { CorvoError, toCorvoError } from "./errors.js";

export type Frame = MessageInitShape<typeof LifecycleStreamRequestSchema>;

/** One lifecycle stream: frames out, answers in, one after the other. A broken stream rejects; the next exchange opens a new one. */
export class FrameStream {
  private open: OpenStream | undefined;
  private requestId = 0n;

  constructor(private readonly rpc: Client<typeof WorkerService>) {}

  /** Sends a frame and waits for its answer. Not to be called again before that. */
  async exchange(frame: Frame): Promise<LifecycleStreamResponse> {
    this.open ??= new OpenStream(this.rpc);
    const open = this.open;
    try {
      const answer = await open.exchange({ ...frame, requestId: frame.retryId ? 0n : ++this.requestId });
      if (answer.error === "NOT_LEADER") throw new CorvoError("the server does not lead", { code: "unavailable", reason: "NOT_LEADER" });
      return answer;
    } catch (thrown) {
      open.end();
      if (this.open === open) this.open = undefined;
      throw toCorvoError(thrown);
    }
  }

  /** Breaks off what is on its way. */
  end(): void {
    this.open?.end();
    this.open = undefined;
  }
}

class OpenStream {
  private readonly abort = new AbortController();
  private readonly answers: AsyncIterator<LifecycleStreamResponse>;
  private readonly queued: Frame[] = [];
  private wanted: ((frame: IteratorResult<Frame, undefined>) => void) | undefined;
  private ended = false;

  constructor(rpc: Client<typeof WorkerService>) {
    const over = (): Promise<IteratorReturnResult<undefined>> => {
      this.finish();
      return Promise.resolve({ done: true, value: undefined });
    };
    // The transport insists on `throw`: by it, it tells of a broken connection, which the answers tell too.
    const frames = { next: () => this.nextFrame(), return: over, throw: over };
    this.answers = rpc.streamLifecycle({ [Symbol.asyncIterator]: () => frames }, { signal: this.abort.signal })[Symbol.asyncIterator]();
  }

  async exchange(frame: Frame): Promise<LifecycleStreamResponse> {
    if (this.wanted) {
      const deliver = this.wanted;
      this.wanted = undefined;
      deliver({ done: false, value: frame });
    } else this.queued.push(frame);
    const answer = await this.answers.next();
    if (answer.done) throw new CorvoError("the server ended the stream", { code: "unavailable", reason: "UNAVAILABLE" });
    return answer.value;
  }

  end(): void {
    this.finish();
    this.abort.abort();
  }

  private finish(): void {
    this.ended = true;
    this.wanted?.({ done: true, value: undefined });
    this.wanted = undefined;
  }

  private nextFrame(): Promise<IteratorResult<Frame, undefined>> {
    const queued = this.queued.shift();
    if (queued) return Promise.resolve({ done: false, value: queued });
    if (this.ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.wanted = resolve;
    });
  }
}
