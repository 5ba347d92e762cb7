import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BulkChunkCommandSchema, BulkStartCommandSchema } from "@corvo/gen/corvo/internal/v1/bulk_pb.js";
import { FinishedJobCommandSchema, Verb as WireVerb } from "@corvo/gen/corvo/internal/v1/log_pb.js";
import { formatJobId, packBulkBlock, parseJobId, readBulkBlock } from "@corvo/protocol";
import { single } from "../model/bulk.js";
import type { BulkCommand, Command } from "../model/command.js";
import { bodies } from "./command.js";
import { encodeCommand, flagFinishedJob, plainVerbs, type WireCommand, wireVerbs } from "./entry.js";

type BulkStart = Extract<Command, { verb: "bulkStart" }>;
const none = new Uint8Array(0);

/** Some jobs at once, as commands of their own, the way `look` makes of them what the leader would. */
export function encodeBulk(command: BulkCommand, look: (command: WireCommand) => WireCommand = (one) => one): WireCommand {
  const { action, jobIds, of } = command;
  const items = jobIds.map((jobId, i) => {
    const { flags, body } = look(encodeCommand(single(command, jobId)));
    return { at: of?.places[i] ?? i, flags, body };
  });
  const task = { task: BigInt(of?.serial ?? 0), block: of?.block, once: of !== undefined };
  const body = toBinary(BulkChunkCommandSchema, create(BulkChunkCommandSchema, { verb: wireVerbs[action], items, ...task }));
  return { verb: WireVerb.BULK_CHUNK, flags: 0, requestHash: none, body };
}

export function decodeBulk(bytes: Uint8Array): BulkCommand {
  const { verb, items, task, block } = fromBinary(BulkChunkCommandSchema, bytes);
  const action = plainVerbs.get(verb) as BulkCommand["action"];
  const singles = items.map(({ flags, body }) => {
    const request = flags & flagFinishedJob ? fromBinary(FinishedJobCommandSchema, body).request : body;
    return bodies[action].decode(request, 0).command as { jobId: string; queue?: string; priority?: string };
  });
  const { queue = "", priority = "" } = singles[0] ?? {};
  const of = task === 0n ? undefined : { serial: Number(task), block, places: items.map(({ at }) => at) };
  return { verb: "bulk", action, jobIds: singles.map(({ jobId }) => jobId), queue, priority, ...(of && { of }) };
}

/** Actions by their names in the API. */
export const actionName = (action: BulkCommand["action"]): string => (action === "changePriority" ? "change_priority" : action);
export const actionOf = (name: string): BulkCommand["action"] => (name === "change_priority" ? "changePriority" : (name as BulkCommand["action"]));

/** Of a move its queue, of a change of priority the priority; the others have neither. */
export function encodeBulkStart({ action, queue, priority, blocks, requestId }: BulkStart): WireCommand {
  const packed = blocks.map((ids) => {
    const all = ids.map((id) => parseJobId(id)!);
    return packBulkBlock(
      all.map(({ seq40 }) => seq40),
      all.map(({ createdMs }) => createdMs),
      0,
      all.length,
    );
  });
  const init = { action: actionName(action), queue, priority, total: BigInt(blocks.flat().length), blocks: packed, requestId: requestId?.id };
  const body = toBinary(BulkStartCommandSchema, create(BulkStartCommandSchema, init));
  return { verb: WireVerb.BULK_START, flags: 0, requestHash: none, body };
}

export function decodeBulkStart(bytes: Uint8Array, hash: string): BulkStart {
  const { action, queue, priority, blocks, requestId } = fromBinary(BulkStartCommandSchema, bytes);
  const ids = blocks.map((block) => {
    const { seqs, times } = readBulkBlock(block);
    return seqs.map((seq, i) => formatJobId(times[i], seq));
  });
  const command: BulkStart = { verb: "bulkStart", action: actionOf(action), queue, priority, blocks: ids };
  return requestId ? { ...command, requestId: { id: requestId, hash } } : command;
}
