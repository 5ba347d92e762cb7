import type { MessageInitShape } from "@bufbuild/protobuf";
import { createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { JobService } from "@corvo/gen/corvo/v1/job_pb.js";
import { type LifecycleStreamRequest, type LifecycleStreamResponseSchema, WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import { CorvoClient } from "../client.js";
import type { RetryOptions } from "../client-options.js";

type Answer = MessageInitShape<typeof LifecycleStreamResponseSchema>;

/** A server in memory whose every answer the test decides. Frames that are not answered wait for ever, as an idle fetch does. */
export interface FakeServer {
  frame: (frame: LifecycleStreamRequest, signal: AbortSignal) => Promise<Answer> | Answer;
  worker?: Partial<ServiceImpl<typeof WorkerService>>;
  jobs?: Partial<ServiceImpl<typeof JobService>>;
}

export function fakeClient(server: FakeServer, options: RetryOptions = {}): CorvoClient {
  const transport = createRouterTransport(({ service }) => {
    service(WorkerService, {
      async *streamLifecycle(frames, context) {
        for await (const frame of frames) yield { requestId: frame.requestId, ...(await server.frame(frame, context.signal)) };
      },
      ...server.worker,
    });
    service(JobService, server.jobs ?? {});
  });
  return new CorvoClient({ transport, backoff: { baseMs: 1, capMs: 5 }, ...options });
}

/** Waits until the stream is over, as a fetch for which no job comes. */
export function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}
