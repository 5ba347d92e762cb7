import type { Readable } from "node:stream";

/**
 * Reads and throws away the rest of a request, within limits. Node keeps a connection whose request was given up, but
 * nobody reads it any more: over HTTP/1.1 the next call on it is never seen, over HTTP/2 a caller that sends until it is told
 * to stop never sees the answer. Resolves true when the request has ended.
 */
export function drain(request: Readable & { complete?: boolean }, bytesMax: number, ms: number): Promise<boolean> {
  if (request.readableEnded || request.destroyed) return Promise.resolve(true);
  return new Promise((resolve) => {
    let bytes = bytesMax;
    const stop = (ended: boolean): void => {
      clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("close", onEnd);
      if (!ended && request.complete !== true) request.pause();
      // First safeguard: a connection whose request is complete stays open, for the next request is on it already.
      resolve(ended || request.complete === true);
    };
    const onData = (chunk: Uint8Array): void => {
      if ((bytes -= chunk.length) < 0) stop(false);
    };
    const onEnd = (): void => stop(true);
    const timer = setTimeout(() => stop(false), ms);
    // Second safeguard: an iterator that was left suspended keeps its listener, and with it resume() does nothing.
    request.removeAllListeners("readable");
    request.on("data", onData).on("end", onEnd).on("close", onEnd);
    setImmediate(() => request.resume());
  });
}
