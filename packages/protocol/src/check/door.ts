import "../text-encoding.js";
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type Reader, WireError } from "@corvo/gen/corvo/fast/runtime.js";
import { limits } from "../limits.js";
import { type Code, type Reason, type Refusal, refuse } from "../refusal.js";

/** What the door must know beside the bytes. */
export interface DoorOptions {
  /** Longest payload in bytes (`--max-payload-size`); 0: only the message limit. Default: limits.payloadBytesMax. */
  readonly payloadBytesMax: number;
  /** The request came over REST: its item limits and its words. Default: false. */
  readonly rest: boolean;
}

export const doorDefaults: DoorOptions = { payloadBytesMax: limits.payloadBytesMax, rest: false };

/** What is wrong with a request or one of its items, before it is a refusal: texts get a prefix on the way up. */
export interface Fault {
  readonly reason: Reason;
  readonly text: string;
  /** As it is called in the request. */
  readonly field: string;
  /** Default: invalid_argument. */
  readonly code?: Code;
}

export function faulty(reason: Reason, field: string, text: string, code?: Code): Fault {
  return { reason, field, text, code };
}

export function refusalOf(fault: Fault): Refusal {
  return refuse(fault.code ?? "invalid_argument", fault.reason, fault.text, { field: fault.field });
}

/**
 * Looks at a request that a reader has read. It sets the reader's `hasUnknown` when the bytes must not be kept as they are: something
 * unknown deeper down, or JSON text that is only white space.
 */
export type Look<R extends Reader> = (reader: R, options: DoorOptions) => Fault | undefined;

/**
 * The way through the door: bytes that may go into the log, or a refusal. Valid bytes come back as they are, without copying; what has
 * unknown fields is decoded and encoded again without them, so that no later meaning of such a field can change a replay.
 */
export function admit<R extends Reader & { read(buf: Uint8Array, start?: number, end?: number): R }, Desc extends DescMessage>(
  reader: R,
  schema: Desc,
  bytes: Uint8Array,
  options: DoorOptions,
  look: Look<R>,
  mend: (message: MessageShape<Desc>, options: DoorOptions) => void = () => {},
): Uint8Array | Refusal {
  try {
    reader.read(bytes, 0, bytes.length);
    const fault = look(reader, options);
    if (!reader.hasUnknown) return fault === undefined ? bytes : refusalOf(fault);
  } catch (error) {
    return malformed(schema, error);
  }
  const mended = rewrite(schema, bytes, (message) => mend(message, options));
  if (!(mended instanceof Uint8Array)) return mended;
  reader.read(mended, 0, mended.length);
  const fault = look(reader, options);
  if (reader.hasUnknown) throw new Error(`${schema.typeName}: still not canonical after it was encoded again`);
  return fault === undefined ? mended : refusalOf(fault);
}

/** Decodes with protobuf-es without unknown fields, lets `mend` change the message, encodes. */
export function rewrite<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array, mend: (message: MessageShape<Desc>) => void): Uint8Array | Refusal {
  try {
    const message = fromBinary(schema, bytes, { readUnknownFields: false });
    mend(message);
    return toBinary<DescMessage>(schema, message);
  } catch (error) {
    return malformed(schema, error);
  }
}

/** The refusal for bytes that are not the message. Other errors are ours and go on. */
export function malformed(schema: DescMessage, error: unknown): Refusal {
  if (!(error instanceof Error)) throw error;
  const ours = error instanceof TypeError && !(error as { code?: unknown }).code?.toString().startsWith("ERR_ENCODING");
  if (ours) throw error;
  const what = error instanceof WireError ? error.message : "malformed protobuf";
  return refuse("invalid_argument", "INVALID_MESSAGE", `invalid ${schema.name}: ${what}`);
}
