import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from "node:http2";
import type { Readable } from "node:stream";
import { drain } from "../core/drain.js";
import { closeAfterEndStream } from "../fast/exchange.js";
import type { TransportLimits } from "../limits.js";

export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;
export type NodeHandler = (request: NodeRequest, response: NodeResponse) => void;

/**
 * Wraps a handler of Node requests that may give up a request body before its end, as `for await` over a request does when
 * its loop ends early. Node destroys the request object then but keeps the connection: the rest of the body is in the way.
 * Here the request stays whole and what is left of it is drained after the answer.
 */
export function edge(handler: NodeHandler, limits: TransportLimits): NodeHandler {
  return (request, response) => {
    const readable = request as Readable & NodeRequest & { complete?: boolean };
    const { socket } = request;
    const stream = "stream" in request ? (request.stream as ServerHttp2Stream) : undefined;
    const leave = (): Promise<boolean> => drain(readable, limits.drainBytesMax, limits.drainMs);
    readable[Symbol.asyncIterator] = () => {
      const chunks = readable.iterator({ destroyOnReturn: false });
      const iterator: AsyncIterableIterator<unknown> & AsyncDisposable = {
        next: () => chunks.next(),
        async return(value) {
          await chunks.return?.(value);
          // A caller that stops short of its declared length because an answer came breaks its own stream: let it finish first.
          if (request.headers["content-length"] !== undefined) await leave();
          return { done: true, value };
        },
        [Symbol.asyncIterator]() {
          return this;
        },
        async [Symbol.asyncDispose]() {
          await this.return?.();
        },
      };
      return iterator as unknown as NodeJS.AsyncIterator<unknown>;
    };
    if (stream !== undefined) {
      stream.once("finish", () => {
        void leave().then((ended) => {
          if (!ended) closeAfterEndStream(stream);
        });
      });
    } else {
      response.once("finish", () => {
        void leave().then((ended) => {
          if (!ended) socket.destroy();
        });
      });
    }
    handler(request, response);
  };
}
