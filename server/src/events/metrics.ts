import { Counter, Gauge, type Registry } from "prom-client";
import type { DelivererCounters } from "../webhooks/deliverer.js";
import type { HubCounters } from "./hub.js";

/** Gauges and counters of events and webhooks. Values are read when somebody asks for them. */
export function eventMetrics(registry: Registry, hub: HubCounters, webhooks: DelivererCounters): void {
  const counter = (name: string, help: string, read: () => number): void => {
    const made = new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
    void made;
  };
  new Gauge({
    name: "corvo_event_subscribers",
    help: "Readers of the stream of events, over SSE and RPC",
    registers: [registry],
    collect() {
      this.set(hub.subscribers);
    },
  });
  counter("corvo_events_sent_bytes_total", "Bytes of events handed to readers", () => hub.sentBytes);
  counter("corvo_event_gaps_total", "Times that a reader lost events", () => hub.gaps);
  counter("corvo_events_missed_total", "Events that readers lost", () => hub.missed);
  counter("corvo_event_readers_dropped_total", "Readers that were given up because they did not read", () => hub.dropped);
  counter("corvo_events_busy_seconds_total", "Time of the event loop that readers of events have taken", () => hub.busyMs / 1000);
  counter("corvo_webhook_attempts_total", "Attempts to deliver a webhook", () => webhooks.attempts);
  counter("corvo_webhook_delivered_total", "Webhook deliveries that succeeded", () => webhooks.delivered);
  counter("corvo_webhook_failed_total", "Attempts to deliver a webhook that failed", () => webhooks.failed);
  counter("corvo_webhook_dead_total", "Webhook deliveries that became dead letters", () => webhooks.dead);
}
