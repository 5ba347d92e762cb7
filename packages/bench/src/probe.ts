import { Latencies } from "./histogram.js";
import { requestHead, UnaryConnection } from "./unary-client.js";

export interface Asked {
  verb: "GET" | "POST";
  path: string;
  body?: unknown;
}

/** What asking one thing after the other gave. */
export interface Probed {
  latencies: Latencies;
  /** Answers that were not 200, or not what they should be. */
  errors: number;
  firstError: string | undefined;
}

/** REST requests over one connection, one at a time, each timed from its first byte to the last one of its answer. */
export class Probe {
  private readonly connection: UnaryConnection;
  private readonly host: string;

  constructor(url: string) {
    const { hostname, port, host } = new URL(url);
    this.host = host;
    this.connection = new UnaryConnection(hostname, Number(port));
  }

  async ask({ verb, path, body }: Asked): Promise<{ status: number; text: string; us: number }> {
    const head = requestHead(this.host, path, "application/json", {}, verb);
    const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
    const startMs = performance.now();
    const answer = await this.connection.request(head, bytes);
    const us = (performance.now() - startMs) * 1000;
    return { status: answer.status, text: answer.body.toString(), us };
  }

  /** Asks `count` things; `fault` says what is wrong with an answer. A tenth more, 20 at most, come before and do not count. */
  async run(count: number, next: (n: number) => Asked, fault: (answer: Record<string, unknown>, n: number) => string | undefined): Promise<Probed> {
    const probed: Probed = { latencies: new Latencies(), errors: 0, firstError: undefined };
    const before = Math.min(20, Math.ceil(count / 10));
    for (let n = 0; n < count + before; n++) {
      const { status, text, us } = await this.ask(next(n));
      const wrong = status === 200 ? fault(JSON.parse(text) as Record<string, unknown>, n) : `${status} ${text.slice(0, 200)}`;
      if (wrong !== undefined) {
        probed.errors++;
        probed.firstError ??= wrong;
      } else if (n >= before) probed.latencies.add(us);
    }
    return probed;
  }

  close(): void {
    this.connection.close();
  }
}
