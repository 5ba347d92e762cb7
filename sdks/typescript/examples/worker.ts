// Does the jobs that producer.ts adds, until Ctrl-C:  npx tsx sdks/typescript/examples/worker.ts
import { setTimeout as sleep } from "node:timers/promises";
import { connect, Worker } from "@corvo/sdk";
import { thumbnail, welcome } from "./jobs.js";

const client = connect(); // CORVO_SERVER, or http://localhost:8080
const worker = new Worker(client, {
  concurrency: 4,
  onEvent(event) {
    if (event.type === "connection_lost") console.error(`no server: ${event.error.message}, again in ${Math.round(event.retryInMs)} ms`);
    else if (event.type === "ordered") console.log(`an operator says: ${event.order || "work"}`);
    else console.log(`${event.type} ${event.job.queue} ${event.job.id}`);
  },
});

worker.handle(welcome, async ({ to, name }, { signal }) => {
  await sleep(20, undefined, { signal }); // sending a mail; stops when the job is cancelled
  console.log(`Dear ${name}, welcome! (to ${to})`);
  return { sentAt: new Date().toISOString() };
});

worker.handle(thumbnail, async ({ image, widths }, { job, checkpoint }) => {
  const files = (job.checkpoint as { files: string[] } | undefined)?.files ?? [];
  for (const width of widths.slice(files.length)) {
    files.push(`${width}-${image}`);
    await checkpoint({ files }); // the next attempt goes on from here
  }
  return { files };
});

await worker.run(); // until SIGTERM or SIGINT: stops fetching, finishes what is in hand
client.close();
