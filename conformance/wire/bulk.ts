import { setTimeout as sleep } from "node:timers/promises";
import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import * as pb from "@corvo/gen/corvo/v1/bulk_pb.js";
import type { BulkCommand, BulkTaskRecord, Command } from "../../packages/simulator/src/model/command.js";
import { same } from "../../packages/simulator/src/model-check.js";
import { actionOf } from "../../packages/simulator/src/wire/bulk.js";
import type { Answer, Caller } from "./caller.js";

type Bulk = Extract<Command, { verb: "bulk" | "bulkStart" }>;

/** Small, so that lists have pages. */
const page = 3;
const everyMs = 20;
const deadlineMs = 60_000;

/** Could the command of the log come from this call? Ids that are none are not in the log, and the others are there in their order. */
export function isBulkOf(sent: Command, logged: Bulk): boolean {
  if (sent.verb !== logged.verb || sent.action !== logged.action || sent.requestId?.id !== logged.requestId?.id) return false;
  const asked = new Set(idsOf(sent));
  return idsOf(logged).every((id) => asked.has(id));
}

function idsOf(command: Bulk): string[] {
  return command.verb === "bulk" ? command.jobIds : command.blocks.flat();
}

/** What came of actions that were done at once: each is a command or several, and one answer that counts. */
export class BulkCounts {
  private readonly byCall = new Map<number, Record<string, number>>();

  add(call: number, sent: BulkCommand, logged: BulkCommand, words: readonly string[]): void {
    const counts = this.byCall.get(call) ?? { done: 0, not_found: new Set(sent.jobIds).size - logged.jobIds.length };
    for (const word of words) if (word !== "again") counts[word] = (counts[word] ?? 0) + 1;
    this.byCall.set(call, counts);
  }

  compare(called: readonly { command: Command; answer: Answer }[]): void {
    for (const [call, { command, answer }] of called.entries()) {
      if (command.verb !== "bulk" || !("counts" in answer)) continue;
      // Without a command nothing was there to do.
      const expected = this.byCall.get(call) ?? { done: 0, not_found: new Set(command.jobIds).size };
      same(`counts of ${JSON.stringify(command)}`, { not_found: 0, ...answer.counts }, expected);
    }
  }
}

/** Waits until no task is left to do, and reads them all, oldest first. */
export async function readTasks(caller: Caller): Promise<BulkTaskRecord[]> {
  for (const endMs = Date.now() + deadlineMs; ; await sleep(everyMs)) {
    const { tasks } = await post(caller, "ListBulkTasks", pb.ListBulkTasksRequestSchema, {}, pb.ListBulkTasksResponseSchema);
    if (tasks.every(({ status }) => status !== "running")) return Promise.all(tasks.reverse().map((task) => recordOf(caller, task)));
    if (Date.now() > endMs)
      throw new Error(`bulk tasks do not end: ${JSON.stringify(tasks.map(({ id, processed, total }) => [id, Number(processed), Number(total)]))}`);
  }
}

async function recordOf(caller: Caller, task: pb.BulkTask): Promise<BulkTaskRecord> {
  const { id, action, moveToQueue: queue, priority, status, total, processed, affected, skipped, createdAt, updatedAt, finishedAt } = task;
  const why = (word: string): number => Number(skipped[word] ?? 0n);
  const items: BulkTaskRecord["items"] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const answer: pb.ListBulkItemsResponse = await post(
      caller,
      "ListBulkItems",
      pb.ListBulkItemsRequestSchema,
      { id, cursor, limit: Number(total) > 1000 ? 10_000 : page },
      pb.ListBulkItemsResponseSchema,
    );
    items.push(...answer.items.map(({ jobId, outcome }) => ({ jobId, outcome })));
    cursor = answer.cursor || undefined;
  }
  return {
    ...{ id, action: actionOf(action), queue, priority, status, total: Number(total), processed: Number(processed), affected: Number(affected) },
    ...{ notFound: why("not_found"), wrongState: why("wrong_state"), refused: why("refused") },
    ...{ createdMs: ms(createdAt)!, stepMs: ms(updatedAt)!, endedMs: ms(finishedAt), items },
  };
}

function ms(time: Timestamp | undefined): number | undefined {
  return time && timestampMs(time);
}

/** A method of BulkService. */
export async function post<I extends DescMessage, O extends DescMessage>(
  caller: Caller,
  method: string,
  input: I,
  init: MessageInitShape<I>,
  output: O,
): Promise<MessageShape<O>> {
  const { status, bytes } = await caller.post(`corvo.v1.BulkService/${method}`, toBinary(input as DescMessage, create(input, init)));
  if (status !== 200) throw new Error(`${method}: ${status} ${Buffer.from(bytes)}`);
  return fromBinary(output, bytes);
}
