import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

/**
 * A port of this machine that refuses connections until `free` is called: a connection of our own holds it, so nobody else can listen there
 * meanwhile.
 */
export async function refusingPort(): Promise<{ port: number; free: () => void }> {
  const server = createServer((other) => other.on("error", () => {})).listen(0, "127.0.0.1"); // it is reset at the end
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  const free = (): void => {
    socket.resetAndDestroy(); // a connection that is closed in order would keep the port for a minute
    server.close();
  };
  return { port: socket.localPort!, free };
}
