import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { connectErrorJson, grpcErrorTrailers } from "../core/error-wire.js";
import { RpcError } from "../rpc.js";

/** How connect-es begins what it says of bytes that are not the message. */
const parseFault = "parse binary: ";

/** connect-es says `internal` of bytes that are not the message. They are the caller's fault, as on the fast lane: `invalid_argument`. */
export function malformed(method: DescMethod): RpcError {
  return new RpcError("invalid_argument", "INVALID_MESSAGE", `invalid ${method.input.name}: malformed protobuf`);
}

export function isParseFault(error: ConnectError): boolean {
  return error.code === Code.Internal && error.rawMessage.startsWith(parseFault);
}

/** A call's message is read before its handler is called, so only its answer tells: it is put right in the words of each protocol. */
export function blameCallers(handlers: UniversalHandler[]): void {
  handlers.forEach((handler, i) => {
    handlers[i] = Object.assign(async (request: Parameters<UniversalHandler>[0]) => putRight(await handler(request), handler.method), handler);
  });
}

async function putRight(response: UniversalServerResponse, method: DescMethod): Promise<UniversalServerResponse> {
  const { status, trailer, body } = response;
  if (trailer !== undefined && isGrpcFault(trailer.get("grpc-status"), trailer.get("grpc-message"))) {
    for (const [name, value] of Object.entries(grpcTrailers(method))) trailer.set(name, value);
    return response;
  }
  if (body === undefined || !(Symbol.asyncIterator in body) || (status !== 200 && status !== 500)) return response;
  if (status === 200 && !/^application\/(connect\+|grpc-web)/.test(response.header?.get("content-type") ?? "")) return response;
  const chunks = body[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done) return { ...response, body: (async function* () {})() };
  const right = status === 500 ? unaryError(first.value, method) : lastEnvelope(first.value, method);
  if (right === undefined) return { ...response, body: behind(first.value, chunks) };
  if (status === 200) return { ...response, body: behind(right, chunks) };
  response.header?.set("content-length", String(right.length));
  return { ...response, status: 400, body: behind(right, chunks) };
}

/** Connect's error of a call without a stream, in one piece. Undefined: it says something else. */
function unaryError(bytes: Uint8Array, method: DescMethod): Uint8Array | undefined {
  return isConnectFault(parsed(bytes)) ? Buffer.from(JSON.stringify(connectErrorJson(malformed(method)))) : undefined;
}

/** The end of a Connect stream, or gRPC-Web's trailers, when nothing came before it. */
function lastEnvelope(bytes: Uint8Array, method: DescMethod): Uint8Array | undefined {
  const flag = bytes[0];
  const content = bytes.subarray(5);
  if (flag === 2) {
    if (!isConnectFault((parsed(content) as { error?: unknown } | undefined)?.error)) return undefined;
    return envelope(flag, JSON.stringify({ error: connectErrorJson(malformed(method)) }));
  }
  if (flag !== 0x80) return undefined;
  const said = new Map(
    Buffer.from(content)
      .toString()
      .split("\r\n")
      .map((line): [string, string] => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  if (!isGrpcFault(said.get("grpc-status"), said.get("grpc-message"))) return undefined;
  const lines = Object.entries(grpcTrailers(method)).map(([name, value]) => `${name}: ${value}\r\n`);
  return envelope(flag, lines.join(""));
}

function envelope(flag: number, text: string): Uint8Array {
  const content = Buffer.from(text);
  const head = Buffer.from([flag, 0, 0, 0, 0]);
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

function isConnectFault(said: unknown): boolean {
  const { code, message } = (said ?? {}) as { code?: unknown; message?: unknown };
  return code === "internal" && typeof message === "string" && message.startsWith(parseFault);
}

function isGrpcFault(status: string | null | undefined, message: string | null | undefined): boolean {
  return status === String(Code.Internal) && (message ?? "").replaceAll("%20", " ").replaceAll("%3A", ":").startsWith(parseFault);
}

function grpcTrailers(method: DescMethod): Record<string, string> {
  const trailers: Record<string, string> = {};
  grpcErrorTrailers(malformed(method), trailers);
  return trailers;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}

async function* behind(first: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  } finally {
    await chunks.return?.();
  }
}
