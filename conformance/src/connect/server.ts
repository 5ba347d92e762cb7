import { readFileSync } from "node:fs";
import { create, createFileRegistry, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createListener } from "@corvo/transport";
import { conformanceRoutes } from "./service.js";

/**
 * The program that connectrpc's conformance runner starts: one length-prefixed ServerCompatRequest on stdin, one
 * ServerCompatResponse on stdout, then it serves until SIGTERM. Arguments: file of descriptors, lane.
 */
const [descriptors, lane] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors!)));
const requestDesc = registry.getMessage("connectrpc.conformance.v1.ServerCompatRequest")!;
const responseDesc = registry.getMessage("connectrpc.conformance.v1.ServerCompatResponse")!;

const input: Buffer[] = [];
for await (const chunk of process.stdin) {
  input.push(chunk as Buffer);
  const bytes = Buffer.concat(input);
  if (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) break;
}
const bytes = Buffer.concat(input);
const request = fromBinary(requestDesc, bytes.subarray(4, 4 + bytes.readUInt32BE(0))) as Message & { messageReceiveLimit: number };

const listener = createListener({
  routes: conformanceRoutes(registry, lane === "fast"),
  http: (_request, response) => {
    response.statusCode = 404;
    response.end();
  },
  registry,
  compression: true,
  limits: request.messageReceiveLimit > 0 ? { messageBytesMax: request.messageReceiveLimit } : {},
  onError: (cause, where) => process.stderr.write(`${where}: ${cause instanceof Error ? cause.stack : String(cause)}\n`),
});
const { port } = await listener.listen(0);
const response = toBinary(responseDesc, create(responseDesc, { host: "127.0.0.1", port } as Record<string, unknown>));
const prefix = Buffer.alloc(4);
prefix.writeUInt32BE(response.length);
process.stdout.write(Buffer.concat([prefix, response]));
process.on("SIGTERM", () => {
  void listener.close({ graceMs: 100 }).then(() => process.exit(0));
});
