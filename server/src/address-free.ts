import { createServer } from "node:net";
import type { ServerOptions } from "./options.js";

/**
 * Rejects with what `listen` would say later, before anything is made on disk. Only a courtesy: somebody may take the address between
 * this and the real call, which then says the same.
 */
export function assertAddressFree({ host, port }: Pick<ServerOptions, "host" | "port">): Promise<void> {
  if (port === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen({ port, host: host === "" ? undefined : host }, () => probe.close(() => resolve()));
  });
}
