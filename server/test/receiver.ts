import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  atMs: number;
  headers: IncomingMessage["headers"];
  path: string;
  body: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever came
  json: any;
  /** What it was answered; 0: nothing. */
  status: number;
}

/** What the receiver does with a delivery: answers with a status, breaks the connection off, never answers, or points elsewhere. */
export type Behaviour = number | "reset" | "hang" | { redirect: string };

/** A system that takes webhooks, well or badly. */
export class Receiver {
  readonly received: Received[] = [];
  behave: (received: Received, n: number) => Behaviour = () => 200;
  url = "";
  private readonly server: Server;
  private wake = new Set<() => void>();

  constructor() {
    this.server = createServer((request, response) => void this.take(request, response));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts).toString();
    const one: Received = { atMs: performance.now(), headers: request.headers, path: request.url ?? "", body, json: JSON.parse(body), status: 0 };
    const behaviour = this.behave(one, this.received.length);
    this.received.push(one);
    if (behaviour === "reset") request.socket.destroy();
    else if (typeof behaviour === "number") {
      one.status = behaviour;
      response.writeHead(behaviour, { "content-type": "text/plain" }).end("thanks");
    } else if (behaviour !== "hang") {
      one.status = 302;
      response.writeHead(302, { location: behaviour.redirect }).end();
    }
    for (const wake of [...this.wake]) wake();
  }

  /** Resolves when what was received so far is enough. */
  async until(enough: (received: Received[]) => boolean): Promise<Received[]> {
    while (!enough(this.received)) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.wake.delete(wake);
          resolve();
        };
        this.wake.add(wake);
      });
    }
    return this.received;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
