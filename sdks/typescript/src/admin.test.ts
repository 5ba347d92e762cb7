import { context, SpanKind, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { afterAll, expect, it } from "vitest";
import { connect, Worker } from "./index.js";
import { TestServer } from "./testing/server.js";

const started = await TestServer.start();
afterAll(() => started.end());

it("a backup is whole, and a server that is not empty refuses it", async () => {
  const corvo = connect({ url: started.url });
  await corvo.enqueue("mail", { n: 1 });
  const parts: Uint8Array[] = [];
  for await (const part of corvo.backup()) parts.push(part);
  const bytes = Buffer.concat(parts);
  expect(bytes.toString("latin1", 0, 8)).toBe("CORVOSEG");
  await expect(corvo.restore([bytes] as unknown as AsyncIterable<Uint8Array>, { validateOnly: true })).rejects.toMatchObject({ reason: "NOT_EMPTY" });
  corvo.close();
});

it("a worker continues the trace of whoever enqueued", async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
  const corvo = connect({ url: started.url });
  const span = trace.getTracer("test").startSpan("order");
  await context.with(trace.setSpan(context.active(), span), () => corvo.enqueue("traced", {}));
  span.end();
  const worker = new Worker(corvo);
  let inside: string | undefined;
  const handled = new Promise<void>((resolve) => {
    worker.handle("traced", async () => {
      inside = trace.getActiveSpan()?.spanContext().traceId;
      resolve();
    });
  });
  const running = worker.run();
  await handled;
  worker.stop();
  await running;
  expect(inside).toBe(span.spanContext().traceId);
  const work = exporter.getFinishedSpans().find((one) => one.name === "traced process");
  expect(work).toMatchObject({ kind: SpanKind.CONSUMER, parentSpanContext: { spanId: span.spanContext().spanId } });
  await provider.shutdown();
  corvo.close();
});
