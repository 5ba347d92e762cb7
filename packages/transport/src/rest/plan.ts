import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { access, field, method } from "@corvo/gen/corvo/options/v1/options_pb.js";
import { http } from "@corvo/gen/google/api/annotations_pb.js";
import type { AccessExtensions } from "../access.js";
import type { RestField } from "./rules.js";
import { enumWord, restField } from "./rules.js";

/** The extensions of the generated code. */
export const extensions: AccessExtensions = { http, field, method, access };

/** `google.protobuf.FeatureSet.FieldPresence.IMPLICIT`. */
const implicitPresence = 2;

/** How a value looks in JSON and on the wire. */
export const Kind = {
  string: 1,
  json: 2,
  bytes: 3,
  bool: 4,
  int32: 5,
  uint32: 6,
  sint32: 7,
  fixed32: 8,
  sfixed32: 9,
  int64: 10,
  uint64: 11,
  sint64: 12,
  fixed64: 13,
  sfixed64: 14,
  enum: 15,
  float: 16,
  double: 17,
  timestamp: 18,
  message: 19,
  map: 20,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** Wire types by kind. */
const wireTypes: Record<number, number> = {
  [Kind.fixed32]: 5,
  [Kind.sfixed32]: 5,
  [Kind.float]: 5,
  [Kind.fixed64]: 1,
  [Kind.sfixed64]: 1,
  [Kind.double]: 1,
  [Kind.string]: 2,
  [Kind.json]: 2,
  [Kind.bytes]: 2,
  [Kind.timestamp]: 2,
  [Kind.message]: 2,
  [Kind.map]: 2,
};

/** Everything that transcoding asks about a field, settled once. */
export interface FieldPlan {
  /** Position in `MessagePlan.fields`. */
  readonly index: number;
  readonly desc: DescField;
  /** Name in REST. */
  readonly name: string;
  /** `,"name":` as bytes. */
  readonly keyOut: Uint8Array;
  /** Name without case and underscores, as bytes: how a request's key is recognised. */
  readonly folded: Uint8Array;
  readonly number: number;
  readonly kind: Kind;
  readonly repeated: boolean;
  /** Wire type of one value; a packed list has 2. */
  readonly wireType: number;
  /** Tag as it is written: of the packed list where the field is one. */
  readonly tag: number;
  readonly packed: boolean;
  /** The value zero is a value and written. */
  readonly explicit: boolean;
  /** Written as its zero value it is as good as absent. */
  readonly zeroIsAbsent: boolean;
  readonly always: boolean;
  /** Neither read nor written; only asked by the method's rules. */
  readonly hidden: boolean;
  readonly keepNull: boolean;
  readonly objectOnly: boolean;
  /** With `map`: a list is taken too, this member of its objects is the key; as `folded`. Undefined: no list. */
  readonly listKey: Uint8Array | undefined;
  /** With `message`: a member that it does not know is refused. */
  readonly knownOnly: boolean;
  /** What `always` writes when the field is absent. A message writes its own `always` fields instead. */
  readonly zeroOut: Uint8Array;
  /** With `message`: its plan. */
  readonly message: MessagePlan | undefined;
  /** With `map`: plans of key (number 1) and value (number 2). */
  readonly key: FieldPlan | undefined;
  readonly value: FieldPlan | undefined;
  /** With `enum`: words by number and numbers by word. */
  readonly words: Map<number, Uint8Array> | undefined;
  readonly numbers: Map<string, number> | undefined;
}

/** The fields of a message as REST sees them, found by name and by number. */
export class MessagePlan {
  /** All, in the order of the proto. */
  fields: FieldPlan[] = [];
  /** Those that are not hidden, in the order in which an answer is written. */
  shown: FieldPlan[] = [];
  /** By field number. */
  byNumber: (FieldPlan | undefined)[] = [];
  /** By hash of the folded name: a power of two of buckets. */
  private buckets: FieldPlan[][] = [];
  mask = 0;

  constructor(
    readonly desc: DescMessage,
    fields: FieldPlan[],
  ) {
    this.fill(fields);
  }

  /** Fills the plan; apart from the constructor so that a message may contain itself. */
  fill(fields: FieldPlan[]): void {
    this.fields = fields;
    this.shown = fields.filter((f) => !f.hidden);
    this.byNumber = [];
    for (const f of fields) {
      if (f.number > 4096) throw new Error(`${this.desc.typeName}.${f.name}: field number ${f.number} is above 4096, which REST's tables do not hold`);
      this.byNumber[f.number] = f;
    }
    this.index(this.shown);
  }

  /** The same message for a request whose path (or raw body) already holds some fields: the JSON body cannot name them. */
  without(names: ReadonlySet<string>): MessagePlan {
    const copy = new MessagePlan(this.desc, this.fields);
    copy.index(this.shown.filter((f) => !names.has(f.desc.name)));
    return copy;
  }

  bucket(hash: number): FieldPlan[] {
    return this.buckets[hash & this.mask];
  }

  private index(fields: FieldPlan[]): void {
    let size = 4;
    while (size < fields.length * 2) size *= 2;
    this.mask = size - 1;
    this.buckets = Array.from({ length: size }, () => []);
    for (const f of fields) {
      const bucket = this.buckets[hashFolded(f.folded) & this.mask];
      const twin = bucket.find((g) => Buffer.compare(g.folded, f.folded) === 0);
      if (twin !== undefined) throw new Error(`${this.desc.typeName}: ${f.name} and ${twin.name} are one name to REST`);
      bucket.push(f);
    }
  }
}

/** ASCII upper case to lower case, other bytes as they are. */
export const fold = Uint8Array.from({ length: 256 }, (_, b) => (b >= 0x41 && b <= 0x5a ? b + 0x20 : b));

/** Hash of a folded name. The decoder computes the same while it reads a key. */
export function hashFolded(name: Uint8Array): number {
  let hash = 0;
  for (const b of name) hash = (Math.imul(hash, 31) + b) | 0;
  return hash;
}

/** A name without case and underscores. */
export function foldName(name: string): Uint8Array {
  return Buffer.from(name.replaceAll("_", "")).map((b) => fold[b]);
}

const plans = new Map<DescMessage, MessagePlan>();

/** The plan of a message, built on first use. */
export function planOf(desc: DescMessage): MessagePlan {
  let plan = plans.get(desc);
  if (plan === undefined) {
    if (desc.typeName.startsWith("google.protobuf.")) throw new Error(`REST has no form for ${desc.typeName}`);
    plan = new MessagePlan(desc, []);
    plans.set(desc, plan);
    plan.fill(desc.fields.map((f, index) => fieldPlan(f, index, restField(f, extensions))));
  }
  return plan;
}

function fieldPlan(desc: DescField, index: number, { name, rules }: RestField): FieldPlan {
  const repeated = desc.fieldKind === "list";
  const kind = rules.jsonText ? Kind.json : kindOf(desc);
  if (rules.jsonText && (desc.scalar !== ScalarType.STRING || repeated || desc.fieldKind === "map"))
    throw new Error(`${desc.toString()}: json_text needs a string`);
  if ("delimitedEncoding" in desc && desc.delimitedEncoding) throw new Error(`${desc.toString()}: groups are not served`);
  const wireType = wireTypes[kind] ?? 0;
  const packed = repeated && wireType !== 2;
  const map = desc.fieldKind === "map";
  const messageOf = desc.fieldKind === "map" ? undefined : desc.message;
  const enumOf = desc.fieldKind === "map" ? undefined : desc.enum;
  return {
    ...{ index, desc, name, kind, repeated, wireType, packed },
    keyOut: Buffer.from(`,${JSON.stringify(name)}:`),
    folded: foldName(name),
    number: desc.number,
    tag: desc.number * 8 + (packed ? 2 : wireType),
    explicit: desc.presence !== implicitPresence && !repeated && !map,
    zeroIsAbsent: desc.presence === implicitPresence && !repeated && !map,
    always: rules.always,
    hidden: rules.hidden,
    keepNull: rules.keepNull,
    objectOnly: rules.jsonObject,
    listKey: rules.listKey === "" ? undefined : foldName(rules.listKey),
    knownOnly: rules.knownOnly,
    zeroOut: Buffer.from(repeated ? "[]" : zeroText(kind, enumOf)),
    message: kind === Kind.message && messageOf !== undefined ? planOf(messageOf) : undefined,
    key: map ? entryPart(desc, 1, scalarKinds[desc.mapKey], undefined, undefined) : undefined,
    value: map
      ? entryPart(desc, 2, mapValueKind(desc), desc.mapKind === "message" ? desc.message : undefined, desc.mapKind === "enum" ? desc.enum : undefined)
      : undefined,
    words: enumOf && wordsOf(enumOf),
    numbers: enumOf && numbersOf(enumOf),
  };
}

/** Plan of the key or the value inside a map's entry. */
function entryPart(desc: DescField, number: number, kind: Kind, message: DescMessage | undefined, enumOf: DescEnum | undefined): FieldPlan {
  const wireType = wireTypes[kind] ?? 0;
  return {
    ...{ index: 0, desc, name: desc.name, number, kind, wireType },
    ...{
      repeated: false,
      packed: false,
      explicit: false,
      zeroIsAbsent: false,
      always: false,
      hidden: false,
      keepNull: false,
      objectOnly: false,
      listKey: undefined,
      knownOnly: false,
      key: undefined,
      value: undefined,
    },
    keyOut: new Uint8Array(0),
    folded: new Uint8Array(0),
    tag: number * 8 + wireType,
    zeroOut: Buffer.from(zeroText(kind, enumOf)),
    message: kind === Kind.message && message !== undefined ? planOf(message) : undefined,
    words: enumOf && wordsOf(enumOf),
    numbers: enumOf && numbersOf(enumOf),
  };
}

const scalarKinds: Record<number, Kind> = {
  [ScalarType.STRING]: Kind.string,
  [ScalarType.BYTES]: Kind.bytes,
  [ScalarType.BOOL]: Kind.bool,
  [ScalarType.INT32]: Kind.int32,
  [ScalarType.UINT32]: Kind.uint32,
  [ScalarType.SINT32]: Kind.sint32,
  [ScalarType.FIXED32]: Kind.fixed32,
  [ScalarType.SFIXED32]: Kind.sfixed32,
  [ScalarType.INT64]: Kind.int64,
  [ScalarType.UINT64]: Kind.uint64,
  [ScalarType.SINT64]: Kind.sint64,
  [ScalarType.FIXED64]: Kind.fixed64,
  [ScalarType.SFIXED64]: Kind.sfixed64,
  [ScalarType.FLOAT]: Kind.float,
  [ScalarType.DOUBLE]: Kind.double,
};

function kindOf(desc: DescField): Kind {
  if (desc.fieldKind === "map") return Kind.map;
  if (desc.scalar !== undefined) return scalarKinds[desc.scalar];
  if (desc.enum !== undefined) return Kind.enum;
  return messageKind(desc.message as DescMessage);
}

function mapValueKind(desc: DescField & { fieldKind: "map" }): Kind {
  if (desc.mapKind === "message") return messageKind(desc.message);
  return desc.mapKind === "enum" ? Kind.enum : scalarKinds[desc.scalar];
}

function messageKind(message: DescMessage): Kind {
  return message.typeName === "google.protobuf.Timestamp" ? Kind.timestamp : Kind.message;
}

/** What an absent value of this kind is written as where it must be written. The time is Go's zero time, as v0.3 writes it. */
function zeroText(kind: Kind, enumOf: DescEnum | undefined): string {
  if (kind === Kind.enum && enumOf !== undefined) return JSON.stringify(enumWord(enumOf, enumOf.value[0]?.name ?? "unspecified"));
  if (kind === Kind.string || kind === Kind.bytes) return '""';
  if (kind === Kind.bool) return "false";
  if (kind === Kind.json || kind === Kind.map || kind === Kind.message) return "{}";
  if (kind === Kind.timestamp) return '"0001-01-01T00:00:00Z"';
  return "0";
}

function wordsOf(desc: DescEnum): Map<number, Uint8Array> {
  return new Map(desc.values.map((v) => [v.number, Buffer.from(JSON.stringify(enumWord(desc, v.name)))]));
}

/** The short word and the full name, both in lower case. */
function numbersOf(desc: DescEnum): Map<string, number> {
  return new Map(desc.values.flatMap((v) => [[v.name.toLowerCase(), v.number] as const, [enumWord(desc, v.name), v.number] as const]));
}
