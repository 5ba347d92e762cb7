// One worker process of the demo: digests deliveries and notes every delivery and every accepted acknowledgement.
import { createWriteStream } from "node:fs";
import { connect, Worker } from "@corvo/sdk";
import { digest } from "./deliveries.mjs";

const [url, notes, number] = process.argv.slice(2);
const client = connect({ url, timeoutMs: 60_000, tries: 1000 });
const out = createWriteStream(notes, { flags: "a" });
const worker = new Worker(client, {
  concurrency: 64,
  prefetch: 64,
  workerId: `demo-${number}`,
  leaseSeconds: 10,
  shutdownTimeoutMs: 5_000,
  onEvent(event) {
    if (event.type === "started") out.write(`D ${event.job.id} ${event.job.fence}\n`);
    if (event.type === "acked") out.write(`A ${event.job.id} ${event.job.fence}\n`);
  },
});
worker.handle("demo.webhooks", (payload, { job }) => digest(job.tags.event, payload));
await worker.run();
client.close();
await new Promise((resolve) => out.end(resolve));
