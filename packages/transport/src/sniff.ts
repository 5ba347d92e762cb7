import type { Socket } from "node:net";

/**
 * Tells by the first bytes of a connection what it speaks: `PRI` opens HTTP/2 and nothing of HTTP/1.1. The bytes are put back.
 * Reading by `readable` matters: with a `data` listener the HTTP/2 session never sees them on Node 20.
 */
export function sniff(socket: Socket, timeoutMs: number, found: (http: "1.1" | "2") => void): void {
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  let held: Buffer | undefined;
  const onError = (): void => {
    socket.destroy();
  };
  const onReadable = (): void => {
    for (;;) {
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return;
      held = held === undefined ? chunk : Buffer.concat([held, chunk]);
      const preface = held.length >= 3 ? held.subarray(0, 3).equals(pri) : !pri.subarray(0, held.length).equals(held) ? false : undefined;
      if (preface === undefined) continue;
      leave();
      socket.unshift(held);
      found(preface ? "2" : "1.1");
      return;
    }
  };
  const leave = (): void => {
    clearTimeout(timer);
    socket.off("readable", onReadable).off("error", onError).off("close", leave).off("end", onError);
  };
  socket.on("readable", onReadable).on("error", onError).on("close", leave).on("end", onError);
}

const pri = Buffer.from("PRI");
