// What producers and workers share: the kinds of jobs, with the types of their payloads and results.
import { defineJob } from "@corvo/sdk";

export const welcome = defineJob<{ to: string; name: string }, { sentAt: string }>("examples.welcome", { maxAttempts: 5 });
export const thumbnail = defineJob<{ image: string; widths: number[] }, { files: string[] }>("examples.thumbnail", { priority: "high" });
