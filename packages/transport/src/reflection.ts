import type { DescEnum, DescExtension, DescFile, DescMessage, DescService } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { ServerReflectionRequest, ServerReflectionResponse } from "@corvo/gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflectionRequestSchema, ServerReflectionResponseSchema, ServerReflection as V1 } from "@corvo/gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as V1Alpha } from "@corvo/gen/grpc/reflection/v1alpha/reflection_pb.js";
import type { BidiHandler, Route } from "./rpc.js";
import { RpcError } from "./rpc.js";

/** gRPC's number for `not_found`. */
const notFound = 5;

type Reply = ServerReflectionResponse["messageResponse"];

/**
 * gRPC server reflection, `v1` and `v1alpha` (the two differ in nothing but their names), for the given services and for itself. Every
 * answer with a file holds all files that it imports, directly or not, so that one question is enough.
 */
export function reflectionRoutes(services: readonly DescService[]): Route[] {
  const index = new DescriptorIndex([...services, V1, V1Alpha]);
  const handler: BidiHandler = {
    kind: "bidi",
    open: (_, out) => ({
      message: (bytes) => out.send(toBinary(ServerReflectionResponseSchema, index.answer(readRequest(bytes)))),
      end: () => {},
    }),
  };
  return [V1, V1Alpha].map((service) => ({ method: service.method.serverReflectionInfo, handler, hot: false }));
}

function readRequest(bytes: Uint8Array): ServerReflectionRequest {
  try {
    return fromBinary(ServerReflectionRequestSchema, bytes);
  } catch {
    throw new RpcError("invalid_argument", "INVALID_MESSAGE", "the message is not a ServerReflectionRequest");
  }
}

/** Files by name and by everything that is declared in them. */
class DescriptorIndex {
  private readonly files = new Map<string, DescFile>();
  /** By full name: services, methods, messages, fields, enums, their values, extensions. */
  private readonly symbols = new Map<string, DescFile>();
  /** By message, then by number. */
  private readonly extensions = new Map<string, Map<number, DescFile>>();
  private readonly serialized = new Map<DescFile, Uint8Array>();
  private readonly serviceNames: string[];

  constructor(services: readonly DescService[]) {
    this.serviceNames = [...new Set(services.map((s) => s.typeName))].sort();
    for (const service of services) this.addFile(service.file);
  }

  answer(request: ServerReflectionRequest): ServerReflectionResponse {
    const { messageRequest: asked } = request;
    let reply: Reply;
    switch (asked.case) {
      case "fileByFilename":
        reply = this.fileReply(this.files.get(asked.value), `file ${asked.value}`);
        break;
      case "fileContainingSymbol":
        reply = this.fileReply(this.symbols.get(asked.value.replace(/^\./, "")), `symbol ${asked.value}`);
        break;
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = asked.value;
        reply = this.fileReply(this.extensions.get(containingType)?.get(extensionNumber), `extension ${extensionNumber} of ${containingType}`);
        break;
      }
      case "allExtensionNumbersOfType":
        reply = this.numbersReply(asked.value);
        break;
      case "listServices":
        reply = { case: "listServicesResponse", value: { service: this.serviceNames.map((name) => ({ name })) } as never };
        break;
      default:
        throw new RpcError("invalid_argument", "REQUIRED", "the request asks nothing", { field: "message_request" });
    }
    return create(ServerReflectionResponseSchema, { validHost: request.host, originalRequest: request, messageResponse: reply });
  }

  private fileReply(file: DescFile | undefined, what: string): Reply {
    if (file === undefined) return missing(what);
    const fileDescriptorProto = closure(file).map((f) => {
      const known = this.serialized.get(f) ?? toBinary(FileDescriptorProtoSchema, f.proto);
      this.serialized.set(f, known);
      return known;
    });
    return { case: "fileDescriptorResponse", value: { fileDescriptorProto } as never };
  }

  private numbersReply(typeName: string): Reply {
    const numbers = this.extensions.get(typeName);
    if (numbers === undefined && !this.symbols.has(typeName)) return missing(`message ${typeName}`);
    return {
      case: "allExtensionNumbersResponse",
      value: { baseTypeName: typeName, extensionNumber: [...(numbers?.keys() ?? [])].sort((a, b) => a - b) } as never,
    };
  }

  private addFile(file: DescFile): void {
    if (this.files.has(file.proto.name)) return;
    this.files.set(file.proto.name, file);
    for (const service of file.services) {
      this.symbols.set(service.typeName, file);
      for (const method of service.methods) this.symbols.set(`${service.typeName}.${method.name}`, file);
    }
    for (const message of file.messages) this.addMessage(message, file);
    for (const one of file.enums) this.addEnum(one, file);
    for (const one of file.extensions) this.addExtension(one, file);
    for (const imported of file.dependencies) this.addFile(imported);
  }

  private addMessage(message: DescMessage, file: DescFile): void {
    this.symbols.set(message.typeName, file);
    for (const field of message.fields) this.symbols.set(`${message.typeName}.${field.name}`, file);
    for (const one of message.oneofs) this.symbols.set(`${message.typeName}.${one.name}`, file);
    // Entries of maps are messages to the wire, but not to protobuf-es.
    for (const nested of message.proto.nestedType) if (nested.options?.mapEntry) this.symbols.set(`${message.typeName}.${nested.name}`, file);
    for (const nested of message.nestedMessages) this.addMessage(nested, file);
    for (const one of message.nestedEnums) this.addEnum(one, file);
    for (const one of message.nestedExtensions) this.addExtension(one, file);
  }

  /** Values belong to the scope that their enum stands in, not to the enum. */
  private addEnum(desc: DescEnum, file: DescFile): void {
    this.symbols.set(desc.typeName, file);
    const scope = desc.typeName.slice(0, desc.typeName.lastIndexOf(".") + 1);
    for (const value of desc.values) this.symbols.set(scope + value.name, file);
  }

  private addExtension(desc: DescExtension, file: DescFile): void {
    this.symbols.set(desc.typeName, file);
    const numbers = this.extensions.get(desc.extendee.typeName) ?? new Map<number, DescFile>();
    this.extensions.set(desc.extendee.typeName, numbers.set(desc.number, file));
  }
}

/** A file and everything it imports: the file first, then others, each before what it imports itself. */
function closure(file: DescFile): DescFile[] {
  const done = new Set<DescFile>();
  const visit = (one: DescFile): void => {
    for (const imported of one.dependencies) if (!done.has(imported)) visit(imported);
    done.add(one);
  };
  visit(file);
  return [...done].reverse();
}

function missing(what: string): Reply {
  return { case: "errorResponse", value: { errorCode: notFound, errorMessage: `${what} not found` } as never };
}
