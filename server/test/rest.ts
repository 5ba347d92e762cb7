import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body as JSON; undefined when it is empty or no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever came
  json: any;
}

/** The REST side of one server over kept-alive HTTP/1.1 connections. Paths without a leading slash are below /api/v1. */
export class Rest {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });
  constructor(readonly port: number) {}

  call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> & { abort(): void } {
    const raw = typeof body === "string" || body instanceof Uint8Array ? body : body === undefined ? undefined : JSON.stringify(body);
    let abort = (): void => {};
    const answer = new Promise<Answer>((resolve, reject) => {
      const request = httpRequest({
        agent: this.agent,
        host: "127.0.0.1",
        port: this.port,
        path: path.startsWith("/") ? path : `/api/v1/${path}`,
        method,
        headers,
      });
      abort = () => request.destroy(new Error("given up"));
      request.once("error", reject);
      request.once("response", (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.once("error", reject);
        response.once("end", () => {
          const text = Buffer.concat(parts).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) });
        });
      });
      if (raw !== undefined) request.setHeader("content-length", Buffer.byteLength(raw));
      request.end(raw);
    });
    return Object.assign(answer, { abort: () => abort() });
  }

  get = (path: string, headers?: Record<string, string>) => this.call("GET", path, undefined, headers);
  post = (path: string, body?: unknown, headers?: Record<string, string>) => this.call("POST", path, body, headers);
  delete = (path: string) => this.call("DELETE", path);

  close(): void {
    this.agent.destroy();
  }

  /** Adds a job and returns its id. */
  async add(queue: string, more: Record<string, unknown> = {}): Promise<string> {
    const { status, json, text } = await this.post("enqueue", { queue, ...more });
    if (status !== 201) throw new Error(`enqueue: ${status} ${text}`);
    return json.job_id;
  }

  /** Fetches one job of a queue that has one. */
  async take(queue: string, timeout = 5): Promise<{ job_id: string; fence: number; attempt: number; [name: string]: unknown }> {
    const { status, json, text } = await this.post("fetch", { queues: [queue], worker_id: "w1", hostname: "h1", timeout });
    if (status !== 200) throw new Error(`fetch: ${status} ${text}`);
    return json;
  }

  /** The whole job. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever came
  async job(id: string): Promise<any> {
    const { status, json, text } = await this.get(`jobs/${id}`);
    if (status !== 200) throw new Error(`get job: ${status} ${text}`);
    return json;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
