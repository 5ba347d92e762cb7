import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A TCP proxy that can be told to keep the server's answers to itself, and to cut every connection. */
export class CuttingProxy {
  /** True: what the server says goes nowhere. */
  mute = false;
  private readonly sockets = new Set<Socket>();
  private constructor(private readonly server: Server) {}

  static async start(target: { host: string; port: number }): Promise<CuttingProxy> {
    const server = createServer((near) => {
      const far = connect(target);
      for (const socket of [near, far]) {
        proxy.sockets.add(socket);
        socket.on("error", () => socket.destroy());
        socket.on("close", () => {
          proxy.sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.on("data", (chunk) => far.write(chunk));
      far.on("data", (chunk) => {
        if (!proxy.mute) near.write(chunk);
      });
    });
    const proxy = new CuttingProxy(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async end(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, "close");
  }
}
