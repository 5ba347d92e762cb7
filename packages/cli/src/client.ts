import http, { type ClientRequest, type IncomingMessage } from "node:http";
import { exitCodes, Failure, ServerRefusal, usageFailure } from "./failure.js";
import { shortDuration } from "./time.js";

export interface ClientOptions {
  /** As given by flag, environment or context, for example `http://localhost:8080`. A later one is tried when an earlier one cannot be reached. */
  servers: readonly string[];
  /** Empty: none is sent. */
  apiKey: string;
  /** Empty: the key's own. */
  namespace: string;
  /** Adds `validate_only` to every call that is not a GET: the server says what it would do and does nothing. */
  validateOnly: boolean;
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
  /** Beside the usual ones. */
  headers?: Readonly<Record<string, string>>;
  /** Ends the call or the stream. */
  signal?: AbortSignal;
}

export interface Answer {
  status: number;
  /** The body, byte for byte. */
  bytes: Buffer;
  text: string;
}

/** Corvo's REST API over one kept-alive connection per call in flight. `node:http`, because `fetch` takes 100 ms more to start. */
export class Client {
  private readonly bases: readonly URL[];
  private current = 0;
  private agent: http.Agent | undefined;
  /** Whether this server's dry runs are dry. */
  private knowsDryRun: Promise<void> | undefined;

  constructor(private readonly options: ClientOptions) {
    this.bases = options.servers.map((server) => serverUrl(server));
  }

  /** The address that calls go to now. */
  get server(): string {
    return this.base.href.replace(/\/+$/, "");
  }

  private get base(): URL {
    return this.bases[this.current];
  }

  /** One call. Rejects with a Failure when the server cannot be reached or refuses. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const answer = await this.exchange(method, path, options, undefined);
    if (answer === undefined) throw new Error("a call without a time limit of its own was abandoned");
    return answer;
  }

  /** A search: a POST that changes nothing, also while everything else is a dry run. */
  async look(path: string, body: string): Promise<Answer> {
    const answer = await this.exchangeWithAny("POST", path, { body }, undefined);
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

  /** The body of an answer as it comes, however long that takes; the time limit ends with the first byte. */
  async stream(method: string, path: string, options: CallOptions = {}): Promise<IncomingMessage> {
    const lane = await this.lane();
    const response = await this.request(lane, method, path, options, options.signal);
    if ((response.statusCode ?? 0) < 400) return response;
    const bytes = await collect(response);
    throw refusalOf({ status: response.statusCode ?? 0, bytes, text: bytes.toString("utf8") }, this.server);
  }

  /** Sends a body of any length; the time limit is for the answer once all is sent. Dry runs say so in the path. */
  async upload(method: string, path: string, parts: AsyncIterable<Uint8Array>): Promise<Answer> {
    const lane = await this.lane();
    const asked = this.options.validateOnly ? `${path}${path.includes("?") ? "&" : "?"}validate_only=true` : path;
    const headers = { "Content-Type": "application/octet-stream" };
    const answer = await new Promise<Answer>((resolve, reject) => {
      const send = async (request: ClientRequest): Promise<void> => {
        for await (const part of parts) {
          if (request.destroyed || request.writableEnded) return;
          if (!request.write(part)) await roomAgain(request);
        }
        request.end();
      };
      const opened = (request: ClientRequest): void => void send(request).catch(reject);
      this.request(lane, method, asked, { headers, serverWaitMs: 600_000 }, undefined, opened, true).then(
        (response) => collect(response).then((bytes) => resolve({ status: response.statusCode ?? 0, bytes, text: bytes.toString("utf8") }), reject),
        reject,
      );
    });
    if (answer.status >= 400) throw refusalOf(answer, this.server);
    return answer;
  }

  close(): void {
    this.agent?.destroy();
  }

  /** TLS is loaded only when it is asked for: it costs 10 ms at start. */
  private async lane(): Promise<Pick<typeof http, "request" | "Agent">> {
    const lane = this.base.protocol === "https:" ? await import("node:https") : http;
    this.agent ??= new lane.Agent({ keepAlive: true, maxSockets: 16 });
    return lane;
  }

  private async exchange(method: string, path: string, options: CallOptions, abortAfterMs: number | undefined): Promise<Answer | undefined> {
    if (this.options.validateOnly && method !== "GET") {
      this.knowsDryRun ??= this.needDryRun();
      await this.knowsDryRun;
      return await this.exchangeWithAny(method, ...dryly(path, options), abortAfterMs);
    }
    return await this.exchangeWithAny(method, path, options, abortAfterMs);
  }

  /** A server that does not know `validate_only` would ignore it and do the thing. */
  private async needDryRun(): Promise<void> {
    const answer = await this.exchangeWithAny("GET", "/api/v1/info", {}, undefined);
    const version = (JSON.parse(answer?.text ?? "{}") as { server_version?: string }).server_version ?? "";
    const [major, minor] = version.split(".").map(Number);
    if (major > 0 || minor >= 4) return;
    throw new Failure(exitCodes.failed, `${this.server} (version ${version || "unknown"}) has no dry runs`, { hint: "nothing was sent" });
  }

  private async exchangeWithAny(method: string, path: string, options: CallOptions, abortAfterMs: number | undefined): Promise<Answer | undefined> {
    for (let left = this.bases.length; ; left--) {
      try {
        return await this.exchangeOnce(method, path, options, abortAfterMs);
      } catch (error) {
        if (left <= 1 || !(error instanceof NotReached)) throw error;
        const failed = this.server;
        this.current = (this.current + 1) % this.bases.length;
        this.agent?.destroy();
        this.agent = undefined;
        this.options.log?.(`${failed} cannot be reached, trying ${this.server}`);
      }
    }
  }

  private async exchangeOnce(method: string, path: string, options: CallOptions, abortAfterMs: number | undefined): Promise<Answer | undefined> {
    const startedMs = performance.now();
    const done = (what: string) => this.options.log?.(`${method} ${this.server}${path} ${what} in ${Math.round(performance.now() - startedMs)} ms`);
    try {
      const answer = await this.send(await this.lane(), method, path, options, abortAfterMs);
      done(answer ? String(answer.status) : "given up");
      if (answer && answer.status >= 400) throw refusalOf(answer, this.server);
      return answer;
    } catch (error) {
      if (!(error instanceof ServerRefusal)) done("failed");
      throw error;
    }
  }

  private headers(options: CallOptions): Record<string, string> {
    const headers: Record<string, string> = { "Content-Type": "application/json", Accept: "application/json" };
    if (this.options.apiKey) headers["X-API-Key"] = this.options.apiKey;
    if (this.options.namespace) headers["X-Corvo-Namespace"] = this.options.namespace;
    headers["X-Corvo-Namespace-Must-Exist"] = "1"; // a slip must not be an empty list, or a new namespace
    if (options.requestId) headers["Idempotency-Key"] = options.requestId;
    if (options.body !== undefined) headers["Content-Length"] = String(Buffer.byteLength(options.body));
    return { ...headers, ...options.headers };
  }

  /** Sends, and resolves with the answer's head. */
  private request(
    lane: Pick<typeof http, "request">,
    method: string,
    path: string,
    options: CallOptions,
    signal?: AbortSignal,
    opened?: (request: ClientRequest) => void,
    endless = false,
  ): Promise<IncomingMessage> {
    const { base } = this;
    const timeoutMs = this.options.timeoutMs + (options.serverWaitMs ?? 0);
    return new Promise((resolve, reject) => {
      let sent = false;
      const request = lane.request(
        {
          method,
          agent: this.agent,
          hostname: base.hostname.replace(/^\[|\]$/g, ""),
          port: base.port || (base.protocol === "https:" ? 443 : 80),
          path: base.pathname.replace(/\/+$/, "") + path,
          headers: this.headers(options),
          signal,
        },
        (response) => {
          clearTimeout(timer);
          resolve(response);
        },
      );
      const timer = setTimeout(() => {
        reject(new Failure(exitCodes.unreachable, `no answer from ${this.server} within ${shortDuration(timeoutMs)}`, { hint: unknownHint(method) }));
        request.destroy();
      }, timeoutMs);
      request.on("finish", () => {
        sent = true;
      });
      request.on("error", (error) => {
        clearTimeout(timer);
        reject(signal?.aborted ? new Failure(exitCodes.interrupted, "interrupted") : connectionFailure(error, this.server, sent, method));
      });
      opened?.(request);
      if (!endless) request.end(options.body);
    });
  }

  private send(
    lane: Pick<typeof http, "request">,
    method: string,
    path: string,
    options: CallOptions,
    abortAfterMs: number | undefined,
  ): Promise<Answer | undefined> {
    const timeoutMs = this.options.timeoutMs + (options.serverWaitMs ?? 0);
    return new Promise((resolve, reject) => {
      let abortTimer: NodeJS.Timeout | undefined;
      let bodyTimer: NodeJS.Timeout | undefined;
      const settle = (run: () => void): void => {
        clearTimeout(abortTimer);
        clearTimeout(bodyTimer);
        run();
      };
      const opened = (request: ClientRequest): void => {
        if (abortAfterMs === undefined) return;
        abortTimer = setTimeout(() => {
          settle(() => resolve(undefined));
          request.destroy();
        }, abortAfterMs);
      };
      this.request(lane, method, path, options, options.signal, opened).then(
        (response) => {
          bodyTimer = setTimeout(() => {
            settle(() => reject(new Failure(exitCodes.unreachable, `${this.server} stopped in the middle of its answer`, { hint: unknownHint(method) })));
            response.destroy();
          }, timeoutMs);
          collect(response).then(
            (bytes) => settle(() => resolve({ status: response.statusCode ?? 0, bytes, text: bytes.toString("utf8") })),
            (error: NodeJS.ErrnoException) => settle(() => reject(connectionFailure(error, this.server, true, method))),
          );
        },
        (error) => settle(() => reject(error)),
      );
    });
  }
}

/** The same call with `validate_only`: in the body when there is one, else in the query. */
function dryly(path: string, options: CallOptions): [path: string, options: CallOptions] {
  const body = options.body?.trim();
  if (!body?.startsWith("{")) return [`${path}${path.includes("?") ? "&" : "?"}validate_only=true`, options];
  const rest = body.slice(1).trimStart();
  return [path, { ...options, body: `{"validate_only":true${rest === "}" ? "" : ","}${rest}` }];
}

/** The connection was never made: nothing happened, another server may be asked. */
export class NotReached extends Failure {}

/** A path segment: escaped where it must be, otherwise as it is, so that servers that compare raw paths find it too. */
export function segment(name: string): string {
  return encodeURIComponent(name).replace(/%(3A|40|24|26|2B|2C|3B|3D)/g, (escaped) => decodeURIComponent(escaped));
}

/** The address of a server as it is typed; `flag`: where. */
export function serverUrl(given: string, flag = "--server"): URL {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `http://${given}`;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw usageFailure(`${flag} "${given}" is not an address`, "for example http://localhost:8080");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") throw usageFailure(`${flag} "${given}": only http:// and https:// are spoken`);
  return url;
}

/** Resolves when more can be written, or never will be. */
function roomAgain(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      request.off("drain", go);
      request.off("close", go);
      resolve();
    };
    request.on("drain", go).on("close", go);
  });
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
  const field = typeof body.field === "string" ? body.field : "";
  return new ServerRefusal(answer.status, code, message, typeof body.retry_after_ms === "number" ? body.retry_after_ms : undefined, field);
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
    return new NotReached(exitCodes.unreachable, `cannot reach ${server} (${known})`, {
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
