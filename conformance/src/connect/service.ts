import { type AnyDesc, create, type DescService, type FileRegistry, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { type BidiHandler, type Call, codeName, type MessageSink, type Route, RpcError, type ServerStreamHandler, type UnaryHandler } from "@corvo/transport";

/** The shapes of connectrpc.conformance.v1 that a server meets. Descriptors come at run time, from the runner's own module. */
interface Header {
  name: string;
  value: string[];
}
interface ErrorShape {
  code: number;
  message?: string;
  details: Any[];
}
interface UnaryDefinition {
  responseHeaders: Header[];
  response: { case?: "responseData" | "error"; value?: Uint8Array | ErrorShape };
  responseTrailers: Header[];
  responseDelayMs: number;
}
interface StreamDefinition {
  responseHeaders: Header[];
  responseData: Uint8Array[];
  responseDelayMs: number;
  error?: ErrorShape;
  responseTrailers: Header[];
}
type RequestShape<D> = Message & { responseDefinition?: D; fullDuplex?: boolean };

const wait = (ms: number): Promise<void> | undefined => (ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : undefined);

/** ConformanceService as its proto describes it, on this transport's handlers. */
export function conformanceRoutes(registry: FileRegistry, hot: boolean): Route[] {
  const service = need(registry.getService("connectrpc.conformance.v1.ConformanceService")) as DescService;
  const infoDesc = need(registry.getMessage("connectrpc.conformance.v1.ConformancePayload.RequestInfo"));

  const routes: Route[] = [];
  for (const method of service.methods) {
    const read = (bytes: Uint8Array): Message => fromBinary(method.input, bytes, { readUnknownFields: true });
    const info = (call: Call, requests: Message[], first = true): Message =>
      create(infoDesc, {
        requestHeaders: first ? [...call.headers()].map(([name, value]) => ({ name, value: [value] })) : [],
        timeoutMs: first && call.deadlineMs !== undefined ? BigInt(Math.max(0, Math.round(call.deadlineMs - performance.now()))) : undefined,
        requests: requests.map((request) => anyPack(method.input, request)),
        connectGetInfo: first && call.get === true ? {} : undefined,
      } as Record<string, unknown>);
    const answer = (data: Uint8Array | undefined, requestInfo: Message | undefined): Uint8Array =>
      toBinary(method.output, create(method.output, { payload: { data: data ?? new Uint8Array(0), requestInfo } } as Record<string, unknown>));
    const fail = (error: ErrorShape, requestInfo: Message | undefined): RpcError => {
      const details = requestInfo === undefined ? error.details : [...error.details, anyPack(infoDesc, requestInfo)];
      return new RpcError(codeName(error.code), "", error.message ?? "", {
        details: details.map(({ typeUrl, value }) => ({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value })),
      });
    };
    const metadata = (call: Call, definition: { responseHeaders: Header[]; responseTrailers: Header[] } | undefined): void => {
      for (const { name, value } of definition?.responseHeaders ?? []) for (const one of value) call.addHeader(name, one);
      for (const { name, value } of definition?.responseTrailers ?? []) for (const one of value) call.addTrailer(name, one);
    };

    const one = async (call: Call, definition: UnaryDefinition | undefined, requests: Message[]): Promise<Uint8Array> => {
      metadata(call, definition);
      await wait(definition?.responseDelayMs ?? 0);
      const { response } = definition ?? {};
      if (response?.case === "error") throw fail(response.value as ErrorShape, info(call, requests));
      return answer(response?.value as Uint8Array | undefined, info(call, requests));
    };

    const unary: UnaryHandler = {
      kind: "unary",
      handle(call, bytes) {
        if (method.name === "Unimplemented") throw new RpcError("unimplemented", "", "not implemented");
        const request = read(bytes) as RequestShape<UnaryDefinition>;
        return one(call, request.responseDefinition, [request]);
      },
    };

    const serverStream: ServerStreamHandler = {
      kind: "server_stream",
      async handle(call, bytes, out) {
        const request = read(bytes) as RequestShape<StreamDefinition>;
        const definition = request.responseDefinition;
        metadata(call, definition);
        await sendRest(call, out, definition, 0, [request]);
      },
    };
    const sendRest = async (call: Call, out: MessageSink, definition: StreamDefinition | undefined, sent: number, requests: Message[]): Promise<void> => {
      let count = sent;
      for (; count < (definition?.responseData.length ?? 0); count++) {
        if (call.aborted) return;
        await wait(definition!.responseDelayMs);
        await out.send(answer(definition!.responseData[count], count === 0 ? info(call, requests) : undefined));
      }
      if (definition?.error !== undefined) throw fail(definition.error, count === 0 ? info(call, requests) : undefined);
    };

    const clientStream: BidiHandler = {
      kind: "bidi",
      open(call, out) {
        const requests: RequestShape<UnaryDefinition>[] = [];
        return {
          message(bytes) {
            requests.push(read(bytes) as RequestShape<UnaryDefinition>);
          },
          async end() {
            await out.send(await one(call, requests[0]?.responseDefinition, requests));
          },
        };
      },
    };

    const bidi: BidiHandler = {
      kind: "bidi",
      open(call, out) {
        let requests: Message[] = [];
        let definition: StreamDefinition | undefined;
        let fullDuplex = false;
        let count = 0;
        let sent = 0;
        return {
          async message(bytes) {
            const request = read(bytes) as RequestShape<StreamDefinition>;
            requests.push(request);
            if (count++ === 0) {
              definition = request.responseDefinition;
              fullDuplex = request.fullDuplex === true;
              metadata(call, definition);
            }
            if (!fullDuplex) return;
            if (sent >= (definition?.responseData.length ?? 0)) {
              await sendRest(call, out, definition, sent, requests);
              out.end();
              return;
            }
            await wait(definition!.responseDelayMs);
            await out.send(answer(definition!.responseData[sent], info(call, requests, sent === 0)));
            sent++;
            requests = [];
          },
          end: () => sendRest(call, out, definition, sent, requests),
        };
      },
    };

    const handlers = { unary, server_streaming: serverStream, client_streaming: clientStream, bidi_streaming: bidi };
    routes.push({ method, hot, handler: handlers[method.methodKind] });
  }
  return routes;
}

function need<T extends AnyDesc>(desc: T | undefined): T {
  if (desc === undefined) throw new Error("the descriptors lack connectrpc.conformance.v1");
  return desc;
}
