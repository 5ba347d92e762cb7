import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Call, UnaryHandler } from "@corvo/transport";
import { principalOf } from "../auth/principal.js";
import { type CommandRule, commandHandler } from "./command.js";
import type { HandlerContext } from "./context.js";
import { decoded } from "./job.js";

/** Whose webhooks and policies a caller may know of: its namespace's; empty: those of all. */
export function ownNamespace(call: Call): string {
  const who = principalOf(call);
  return who === undefined || who.seesAll ? "" : who.namespace;
}

/** A command whose request says the namespace of its caller: the server writes it there, whatever the caller says. */
export function namespacedHandler<Desc extends DescMessage>(
  context: HandlerContext,
  rule: CommandRule & { schema: Desc },
  mayChange: (call: Call, wish: MessageShape<Desc> & { namespace: string }) => void = () => {},
): UnaryHandler {
  const command = commandHandler(context, rule);
  return {
    kind: "unary",
    handle(call, request) {
      const wish = decoded(() => fromBinary(rule.schema, request)) as MessageShape<Desc> & { namespace: string };
      wish.namespace = ownNamespace(call);
      mayChange(call, wish);
      return command.handle(call, toBinary(rule.schema, wish));
    },
  };
}
