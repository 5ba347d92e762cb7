import type { DescField } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";

/** `uint64 min_index`, in every request of a read. */
const field = "min_index";

/** The same transport, but reads answer only what has seen a log index. A request that has one of its own keeps it. */
export function seeing(transport: Transport, minIndex: bigint): Transport {
  return {
    unary(method, signal, timeoutMs, header, input, contextValues) {
      const known = method.input.fields.find((one: DescField) => one.name === field);
      const own = known && (input as Record<string, unknown>)[known.localName];
      const asked = known && !own ? ({ ...(input as object), [known.localName]: minIndex } as typeof input) : input;
      return transport.unary(method, signal, timeoutMs, header, asked, contextValues);
    },
    stream: (method, ...rest) => transport.stream(method, ...rest),
  };
}
