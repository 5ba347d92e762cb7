import { constants, type Http2Session, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Observer } from "./core/context.js";
import type { TransportLimits } from "./limits.js";

/** So many at once, and so many a second after that. */
export class TokenBucket {
  #tokens: number;
  #atMs: number;
  constructor(
    readonly burst: number,
    readonly perSecond: number,
    nowMs: number,
  ) {
    this.#tokens = burst;
    this.#atMs = nowMs;
  }
  take(nowMs: number): boolean {
    this.#tokens = Math.min(this.burst, this.#tokens + ((nowMs - this.#atMs) / 1000) * this.perSecond);
    this.#atMs = nowMs;
    return (this.#tokens -= 1) >= 0;
  }
}

interface Session {
  readonly session: ServerHttp2Session;
  readonly peer: string;
  readonly resets: TokenBucket;
  readonly control: TokenBucket;
  streams: number;
  idleSinceMs: number;
  pingedMs: number;
  pongPending: boolean;
}

/**
 * Watches every HTTP/2 session: counts what an abuser repeats (resets, PING, SETTINGS) and destroys his session, closes idle
 * ones, finds dead peers by PING. Where nghttp2 itself loses patience it sends a GOAWAY and stops listening, but Node keeps the
 * session open and does not tell; our own counts are lower, and what they miss no longer answers a PING.
 */
export class SessionGuard {
  readonly #sessions = new Map<Http2Session, Session>();
  constructor(
    readonly limits: TransportLimits,
    readonly observe: Observer,
  ) {}

  add(session: ServerHttp2Session): void {
    const { limits } = this;
    const nowMs = performance.now();
    const guarded: Session = {
      session,
      peer: session.socket?.remoteAddress ?? "",
      resets: new TokenBucket(limits.resetsBurst, limits.resetsPerSecond, nowMs),
      control: new TokenBucket(limits.controlFramesBurst, limits.controlFramesPerSecond, nowMs),
      streams: 0,
      idleSinceMs: nowMs,
      pingedMs: nowMs,
      pongPending: false,
    };
    this.#sessions.set(session, guarded);
    const control = (): void => {
      if (!guarded.control.take(performance.now())) this.#destroy(guarded, "control frames");
    };
    session.on("ping", control);
    session.on("remoteSettings", control);
    session.on("goaway", (code) => {
      // A peer that ends with an error is gone; one that says goodbye keeps its running streams.
      if (code !== constants.NGHTTP2_NO_ERROR) this.#destroy(guarded, "GOAWAY");
    });
    session.on("close", () => this.#sessions.delete(session));
    session.on("error", () => {
      // The session ends with it; `close` follows.
    });
  }

  /** Takes note of a new stream; undefined when its session is gone already. Returns the peer's address. */
  stream(stream: ServerHttp2Stream): string | undefined {
    const { session } = stream;
    const guarded = session === undefined ? undefined : this.#sessions.get(session);
    if (guarded === undefined || guarded.session.destroyed) return undefined;
    guarded.streams++;
    stream.on("close", () => {
      if (--guarded.streams === 0) guarded.idleSinceMs = performance.now();
      if ((stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR) && !guarded.resets.take(performance.now())) {
        this.#destroy(guarded, "rapid reset");
      }
    });
    return guarded.peer;
  }

  check(nowMs: number): void {
    const { idleTimeoutMs, keepaliveMs, keepaliveTimeoutMs } = this.limits;
    for (const guarded of this.#sessions.values()) {
      if (guarded.streams === 0 && nowMs - guarded.idleSinceMs > idleTimeoutMs) {
        guarded.session.close();
      } else if (guarded.pongPending) {
        if (nowMs - guarded.pingedMs > keepaliveTimeoutMs) this.#destroy(guarded, "keepalive");
      } else if (nowMs - guarded.pingedMs > keepaliveMs) {
        guarded.pingedMs = nowMs;
        guarded.pongPending = guarded.session.ping(() => {
          guarded.pongPending = false;
        });
      }
    }
  }

  /** GOAWAY to all; each session closes when its streams have ended. */
  close(): void {
    for (const { session } of this.#sessions.values()) session.close();
  }

  #destroy(guarded: Session, why: string): void {
    if (guarded.session.destroyed) return;
    this.observe.abuse?.(why, guarded.peer);
    guarded.session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }
}
