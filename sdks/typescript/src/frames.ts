import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import type { LifecycleStreamRequestSchema, LifecycleStreamResponse, WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import { CorvoError, toCorvoError } from "./errors.js";

export type Frame = MessageInitShape<typeof LifecycleStreamRequestSchema>;

/** One lifecycle stream: frames out, answers in, one after the other. A broken stream rejects and is opened anew by the next exchange. */
export class FrameStream {
  private open: OpenStream | undefined;
  private requestId = 0n;

  constructor(private readonly rpc: Client<typeof WorkerService>) {}

  /** Sends a frame and waits for its answer. Not to be called again before that. */
  async exchange(frame: Frame): Promise<LifecycleStreamResponse> {
    this.open ??= new OpenStream(this.rpc);
    const open = this.open;
    try {
      const answer = await open.exchange({ ...frame, requestId: ++this.requestId });
      if (answer.error === "NOT_LEADER") throw new CorvoError("the server does not lead", "unavailable", "NOT_LEADER", undefined, undefined);
      return answer;
    } catch (thrown) {
      open.end();
      if (this.open === open) this.open = undefined;
      throw toCorvoError(thrown);
    }
  }

  end(): void {
    this.open?.end();
    this.open = undefined;
  }
}

class OpenStream {
  private readonly abort = new AbortController();
  private readonly answers: AsyncIterator<LifecycleStreamResponse>;
  private next: ((frame: IteratorResult<Frame, undefined>) => void) | undefined;
  private readonly queued: Frame[] = [];
  private ended = false;

  constructor(rpc: Client<typeof WorkerService>) {
    const frames: AsyncIterable<Frame> = {
      [Symbol.asyncIterator]: () => ({ next: () => this.nextFrame(), return: async () => ({ done: true as const, value: undefined }) }),
    };
    this.answers = rpc.streamLifecycle(frames, { signal: this.abort.signal })[Symbol.asyncIterator]();
  }

  async exchange(frame: Frame): Promise<LifecycleStreamResponse> {
    if (this.next) {
      const next = this.next;
      this.next = undefined;
      next({ done: false, value: frame });
    } else this.queued.push(frame);
    const answer = await this.answers.next();
    if (answer.done) throw new CorvoError("the server ended the stream", "unavailable", "UNAVAILABLE", undefined, undefined);
    return answer.value;
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.next?.({ done: true, value: undefined });
    this.abort.abort();
  }

  private nextFrame(): Promise<IteratorResult<Frame, undefined>> {
    const queued = this.queued.shift();
    if (queued) return Promise.resolve({ done: false, value: queued });
    if (this.ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.next = resolve;
    });
  }
}
