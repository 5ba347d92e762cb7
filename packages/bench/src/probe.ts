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

/** What is wrong with the answer to the n-th question. */
export type Fault = (answer: Record<string, unknown>, n: number) => string | undefined;

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

  /** Asks `count` things; `fault` says what is wrong with an answer. `before` more come first and do not count: a tenth, 20 at most. */
  async run(count: number, next: (n: number) => Asked, fault: Fault, before = Math.min(20, Math.ceil(count / 10))): Promise<Probed> {
    return (await this.runBeside(count, [{ next, fault }], before))[0];
  }

  /** The same for several kinds of questions, by turns: what the machine does meanwhile meets them all. */
  async runBeside(count: number, kinds: readonly { next: (n: number) => Asked; fault: Fault }[], before: number): Promise<Probed[]> {
    const all = kinds.map((): Probed => ({ latencies: new Latencies(), errors: 0, firstError: undefined }));
    for (let n = 0; n < count + before; n++) {
      for (const [i, { next, fault }] of kinds.entries()) {
        const { status, text, us } = await this.ask(next(n));
        const wrong = status === 200 ? fault(JSON.parse(text) as Record<string, unknown>, n) : `${status} ${text.slice(0, 200)}`;
        if (wrong !== undefined) {
          all[i].errors++;
          all[i].firstError ??= wrong;
        } else if (n >= before) all[i].latencies.add(us);
      }
    }
    return all;
  }

  close(): void {
    this.connection.close();
  }
}
