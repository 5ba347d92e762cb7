import { hash } from "node:crypto";
import type { DescMessage } from "@bufbuild/protobuf";
import { putRaw, putText, Writer } from "@corvo/gen/corvo/fast/runtime.js";

/** Length of a request hash. */
export const requestHashBytes = 16;

/**
 * Tells whether two requests with the same request id ask for the same: first 16 bytes of the SHA-256 of the request without its own
 * `request_id`, its fields in the order of their numbers. `request` are the bytes that the door let in. Ids of items inside count as
 * content. Called at the door, never in apply.
 */
export function requestHash(schema: DescMessage, request: Uint8Array): Uint8Array {
  const cleared = schema.fields.find((field) => field.number === requestIdField && field.fieldKind === "scalar")?.number ?? 0;
  scratch.reset();
  putText(scratch, 0, schema.typeName); // the same bytes as another message ask for something else
  for (const { no, start, end } of inOrder(split(request))) if (no !== cleared) putRaw(scratch, request, start, end);
  return hash("sha256", scratch.view(), "buffer").subarray(0, requestHashBytes);
}

/** `request_id`, or `retry_id` where another field has that name. */
const requestIdField = 110;

const scratch = new Writer();

interface Piece {
  no: number;
  start: number;
  end: number;
}

function inOrder(pieces: Piece[]): Piece[] {
  for (let i = 1; i < pieces.length; i++) if (pieces[i].no < pieces[i - 1].no) return pieces.sort((a, b) => a.no - b.no);
  return pieces;
}

/** The fields of a valid message with their tags; neighbours of one number are one piece. Groups do not pass the door. */
function split(bytes: Uint8Array): Piece[] {
  const pieces: Piece[] = [];
  let pos = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const b = bytes[pos++];
      if (shift < 32) value |= (b & 127) << shift;
      if (b < 128) return value >>> 0;
    }
  };
  while (pos < bytes.length) {
    const start = pos;
    const tag = varint();
    if ((tag & 7) === 0) varint();
    else if ((tag & 7) === 2) {
      const n = varint();
      pos += n;
    } else pos += (tag & 7) === 1 ? 8 : 4;
    const last = pieces.at(-1);
    if (last !== undefined && last.no === tag >>> 3) last.end = pos;
    else pieces.push({ no: tag >>> 3, start, end: pos });
  }
  return pieces;
}
