// The real GitHub webhook deliveries of the npm package @octokit/webhooks-examples, and what a worker makes of one.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";

/** All deliveries: 58 events, 329 examples. Each: the event's name and the body as it would come. */
export function deliveries() {
  const examples = createRequire(import.meta.url)("@octokit/webhooks-examples");
  return (examples.default ?? examples).flatMap(({ name, examples: all }) => all.map((example) => ({ event: name, body: JSON.stringify(example) })));
}

/** What a worker does with one delivery. */
export function digest(event, payload) {
  const text = JSON.stringify(payload);
  return {
    repository: payload.repository?.full_name ?? payload.organization?.login ?? "(none)",
    event,
    action: payload.action ?? "",
    bytes: text.length,
    sha256: createHash("sha256").update(text).digest("hex").slice(0, 16),
  };
}

/** Report per repository and event: how many deliveries, their bytes, and a digest over all digests that does not depend on order. */
export class Report {
  rows = new Map();
  add({ repository, event, bytes, sha256 }) {
    const key = `${repository}\t${event}`;
    const row = this.rows.get(key) ?? { count: 0, bytes: 0, digest: 0n };
    row.count++;
    row.bytes += bytes;
    row.digest = (row.digest + BigInt(`0x${sha256}`)) & 0xffffffffffffffffn;
    this.rows.set(key, row);
  }
  lines() {
    return [...this.rows.keys()].sort().map((key) => {
      const { count, bytes, digest: sum } = this.rows.get(key);
      return `${key}\t${count}\t${bytes}\t${sum.toString(16).padStart(16, "0")}`;
    });
  }
}
