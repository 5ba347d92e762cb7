import type { SpanContext } from "@opentelemetry/api";

/** `00-<trace id>-<parent id>-<flags>`; a later version may add to it, but nothing else is one. */
const wellFormed = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export function isTraceparent(text: string | undefined): text is string {
  return text !== undefined && wellFormed.test(text);
}

export function traceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/** What a context of the W3C says; undefined: it is none. */
export function contextOf(text: string | undefined): SpanContext | undefined {
  if (!isTraceparent(text)) return undefined;
  const [, traceId, spanId, flags] = text.split("-");
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}
