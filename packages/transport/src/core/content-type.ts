/** What a Content-Type says about an RPC request. */
export interface RpcType {
  protocol: "connect" | "grpc" | "grpc-web";
  /** Messages come in envelopes: all but Connect unary. */
  enveloped: boolean;
  json: boolean;
  /** As it is answered. */
  contentType: string;
}

const types: readonly RpcType[] = [
  { protocol: "connect", enveloped: false, json: false, contentType: "application/proto" },
  { protocol: "connect", enveloped: false, json: true, contentType: "application/json" },
  { protocol: "connect", enveloped: true, json: false, contentType: "application/connect+proto" },
  { protocol: "connect", enveloped: true, json: true, contentType: "application/connect+json" },
  { protocol: "grpc", enveloped: true, json: false, contentType: "application/grpc" },
  { protocol: "grpc", enveloped: true, json: false, contentType: "application/grpc+proto" },
  { protocol: "grpc", enveloped: true, json: true, contentType: "application/grpc+json" },
  { protocol: "grpc-web", enveloped: true, json: false, contentType: "application/grpc-web" },
  { protocol: "grpc-web", enveloped: true, json: false, contentType: "application/grpc-web+proto" },
  { protocol: "grpc-web", enveloped: true, json: true, contentType: "application/grpc-web+json" },
];
const byName = new Map(types.map((type) => [type.contentType, type]));

/** Undefined: not a type of ours, to be answered with 415. */
export function rpcType(contentType: string | undefined): RpcType | undefined {
  if (contentType === undefined) return undefined;
  const exact = byName.get(contentType);
  if (exact !== undefined) return exact;
  const [name, ...parameters] = contentType.toLowerCase().split(";");
  const type = byName.get(name!.trim());
  // The one parameter that changes nothing. Everything else would be a promise about text that we do not keep.
  if (!parameters.every((p) => type?.json === true && /^\s*charset="?utf-?8"?\s*$/.test(p))) return undefined;
  return type;
}

/** What a method accepts, for the header Accept-Post of a 415. */
export function acceptPost(unary: boolean, singleExchange: boolean): string {
  return types
    .filter((type) => type.protocol !== "connect" || (unary ? !type.enveloped : type.enveloped || singleExchange))
    .map((type) => type.contentType)
    .join(", ");
}
