// Adds some jobs and waits for the first result:  npx tsx sdks/typescript/examples/producer.ts
import { connect } from "@corvo/sdk";
import { thumbnail, welcome } from "./jobs.js";

const client = connect(); // CORVO_SERVER, or http://localhost:8080

// The event's own id makes a repeat of this program add nothing new.
const { id } = await client.enqueue(welcome, { to: "ada@example.com", name: "Ada" }, { requestId: "signup-1815-12-10" });
console.log(`added ${id}`);

const added = await client.enqueueMany(["cat.png", "dog.png"].map((image) => ({ job: thumbnail, payload: { image, widths: [64, 256] } })));
console.log(`added ${added.length} thumbnails`);

const { state, result, errors } = await client.finished(id);
console.log(state === "completed" ? `completed ${id} ${JSON.stringify(result)}` : `${state} ${id}: ${errors.at(-1)?.error}`);
client.close();
