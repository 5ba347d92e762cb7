import http, { type IncomingMessage } from "node:http";
import { exitCodes, Failure, ServerRefusal, usageFailure } from "./failure.js";
import { shortDuration } from "./time.js";

export interface ClientOptions {
  /** As given by flag or environment, for example `http://localhost:8080`. */
  server: string;
  /** Empty: none is sent. */
  apiKey: string;
  /** Longest time without an answer. */
  timeoutMs: number;
  /** Gets a line per call; undefined: nobody listens. */
  log?: (line: string) => void;
}

export interface CallOptions {
  /** JSON text. */
  body?: string;
  /** Makes a retry safe. */
  requestId?: string;
  /** Added to the timeout: time for which the server may wait on purpose. */
  serverWaitMs?: number;
}

export interface Answer {
  status: number;
  /** The body, byte for byte. */
  bytes: Buffer;
  text: string;
}

/** Corvo's REST API over one kept-alive connection per call in flight. `node:http`, because `fetch` takes 100 ms more to start. */
export class Client {
  readonly server: string;
  private readonly base: URL;
  private agent: http.Agent | undefined;

  constructor(private readonly options: ClientOptions) {
    this.base = serverUrl(options.server);
    this.server = this.base.href.replace(/\/+$/, "");
  }

  /** One call. Rejects with a Failure when the server cannot be reached or refuses. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const answer = await this.exchange(method, path, options, undefined);
    if (answer === undefined) throw new Error("a call without a time limit of its own was abandoned");
    return answer;
  }

  /**
   * A long poll that is given up after `abortAfterMs`: then undefined. The server sees the connection close and hands out nothing
   * for this call afterwards; a job granted in that very moment returns to its queue when its lease ends.
   */
  poll(method: string, path: string, options: CallOptions, abortAfterMs: number): Promise<Answer | undefined> {
    return this.exchange(method, path, options, abortAfterMs);
  }

  close(): void {
    this.agent?.destroy();
  }

  private async exchange(method: string, path: string, options: CallOptions, abortAfterMs: number | undefined): Promise<Answer | undefined> {
    const startedMs = performance.now();
    const done = (what: string) => this.options.log?.(`${method} ${this.server}${path} ${what} in ${Math.round(performance.now() - startedMs)} ms`);
    try {
      // TLS is loaded only when it is asked for: it costs 10 ms at start.
      const lane = this.base.protocol === "https:" ? await import("node:https") : http;
      this.agent ??= new lane.Agent({ keepAlive: true, maxSockets: 16 });
      const answer = await this.send(lane, method, path, options, abortAfterMs);
      done(answer ? String(answer.status) : "given up");
      if (answer && answer.status >= 400) throw refusalOf(answer, this.server);
      return answer;
    } catch (error) {
      if (!(error instanceof ServerRefusal)) done("failed");
      throw error;
    }
  }

  private send(
    lane: Pick<typeof http, "request">,
    method: string,
    path: string,
    options: CallOptions,
    abortAfterMs: number | undefined,
  ): Promise<Answer | undefined> {
    const headers: Record<string, string> = { "Content-Type": "application/json", Accept: "application/json" };
    if (this.options.apiKey) headers["X-API-Key"] = this.options.apiKey;
    if (options.requestId) headers["Idempotency-Key"] = options.requestId;
    if (options.body !== undefined) headers["Content-Length"] = String(Buffer.byteLength(options.body));
    const timeoutMs = this.options.timeoutMs + (options.serverWaitMs ?? 0);
    return new Promise((resolve, reject) => {
      let sent = false;
      const request = lane.request(
        {
          method,
          agent: this.agent,
          hostname: this.base.hostname.replace(/^\[|\]$/g, ""),
          port: this.base.port || (this.base.protocol === "https:" ? 443 : 80),
          path: this.base.pathname.replace(/\/+$/, "") + path,
          headers,
        },
        (response) => {
          collect(response).then((bytes) => finish(() => resolve({ status: response.statusCode ?? 0, bytes, text: bytes.toString("utf8") })), fail);
        },
      );
      const timer = setTimeout(() => {
        finish(() =>
          reject(new Failure(exitCodes.unreachable, `no answer from ${this.server} within ${shortDuration(timeoutMs)}`, { hint: unknownHint(method) })),
        );
        request.destroy();
      }, timeoutMs);
      const abortTimer =
        abortAfterMs === undefined
          ? undefined
          : setTimeout(() => {
              finish(() => resolve(undefined));
              request.destroy();
            }, abortAfterMs);
      let settled = false;
      const finish = (run: () => void) => {
        clearTimeout(timer);
        clearTimeout(abortTimer);
        if (!settled) run();
        settled = true;
      };
      const fail = (error: NodeJS.ErrnoException) => finish(() => reject(connectionFailure(error, this.server, sent, method)));
      request.on("finish", () => {
        sent = true;
      });
      request.on("error", fail);
      request.end(options.body);
    });
  }
}

/** A path segment: escaped where it must be, otherwise as it is, so that servers that compare raw paths find it too. */
export function segment(name: string): string {
  return encodeURIComponent(name).replace(/%(3A|40|24|26|2B|2C|3B|3D)/g, (escaped) => decodeURIComponent(escaped));
}

function serverUrl(given: string): URL {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `http://${given}`;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw usageFailure(`--server "${given}" is not an address`, "for example http://localhost:8080");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") throw usageFailure(`--server "${given}": only http:// and https:// are spoken`);
  return url;
}

function collect(response: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => resolve(Buffer.concat(chunks)));
    response.on("error", reject);
  });
}

function refusalOf(answer: Answer, server: string): ServerRefusal {
  let body: { error?: unknown; code?: unknown; field?: unknown; detail?: unknown; retry_after_ms?: unknown } = {};
  try {
    const parsed: unknown = JSON.parse(answer.text);
    if (typeof parsed === "object" && parsed !== null) body = parsed;
  } catch {
    // Not JSON: a proxy, another server, or a route that this server does not have. The text itself is shown below.
  }
  let text = typeof body.error === "string" ? body.error : undefined;
  if (text !== undefined && typeof body.detail === "string") text = `${text}: ${body.detail}`;
  const names = body.code === "VALIDATION_ERROR" || body.code === "PARSE_ERROR";
  if (text !== undefined && names && typeof body.field === "string" && !text.includes(body.field)) text = `${text} (${body.field})`;
  const code = typeof body.code === "string" ? body.code : "";
  const firstLine = answer.text.trim().split("\n")[0].slice(0, 200);
  const message = text ?? `${server} answered ${answer.status}${firstLine ? `: ${firstLine}` : ""}`;
  return new ServerRefusal(answer.status, code, message, typeof body.retry_after_ms === "number" ? body.retry_after_ms : undefined);
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the name cannot be resolved now",
  ETIMEDOUT: "connecting took too long",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
};

function connectionFailure(error: NodeJS.ErrnoException, server: string, sent: boolean, method: string): Failure {
  const known = error.code === undefined ? undefined : reasons[error.code];
  if (known) {
    const here = /localhost|127\.0\.0\.1|\[::1\]/.test(server);
    return new Failure(exitCodes.unreachable, `cannot reach ${server} (${known})`, {
      hint:
        here && error.code === "ECONNREFUSED"
          ? "start a server: corvo server   ·   or name another: --server URL or CORVO_SERVER"
          : "check --server and CORVO_SERVER",
    });
  }
  const what = error.code?.startsWith("HPE_") ? "the answer is not HTTP" : "the connection broke before the answer came";
  return new Failure(exitCodes.unreachable, `${server}: ${what}`, { hint: sent ? unknownHint(method) : "try again" });
}

function unknownHint(method: string): string {
  return method === "GET" ? "try again" : "it may have happened all the same: look first, or give a --request-id and repeat with the same one";
}
