import type { IncomingMessage } from "node:http";
import { exitCodes, Failure } from "./failure.js";

/** One event of a server-sent stream. */
export interface ServerSentEvent {
  id: string;
  event: string;
  data: string;
}

/** Events of `text/event-stream`, as they come; comments are left out. A connection that breaks is a failure of the class unreachable. */
export async function* eventsOf(stream: IncomingMessage): AsyncGenerator<ServerSentEvent> {
  let rest = "";
  stream.setEncoding("utf8");
  for await (const chunk of unbroken(stream)) {
    rest += chunk;
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const event = eventOf(rest.slice(0, end));
      rest = rest.slice(end + 2);
      if (event) yield event;
    }
  }
}

async function* unbroken(stream: IncomingMessage): AsyncGenerator<string> {
  try {
    for await (const chunk of stream) yield chunk as string;
  } catch (error) {
    throw new Failure(exitCodes.unreachable, `the stream of events broke: ${(error as Error).message}`, { hint: "try again" });
  }
}

function eventOf(text: string): ServerSentEvent | undefined {
  const event: ServerSentEvent = { id: "", event: "message", data: "" };
  const data: string[] = [];
  for (const line of text.split("\n")) {
    const match = /^(id|event|data): ?(.*)$/.exec(line);
    if (match?.[1] === "data") data.push(match[2]);
    else if (match) event[match[1] as "id" | "event"] = match[2];
  }
  event.data = data.join("\n");
  return data.length > 0 ? event : undefined;
}
