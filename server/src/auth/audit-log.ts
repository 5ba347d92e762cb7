import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeAuditEntry } from "@corvo/gen/corvo/internal/v1/auth_fast.js";
import { Verb } from "@corvo/protocol";
import type { Replica } from "@corvo/replica";
import { type Call, methodPath } from "@corvo/transport";
import type { Principal } from "./principal.js";

const textMax = 1024;

/** Writes rows of the audit log into the log. Rows of one turn share an entry. */
export class AuditLog {
  constructor(
    private readonly replica: Replica,
    private readonly onError: (cause: unknown, where: string) => void,
  ) {}

  /** Resolves when the row is on disk, or cannot be: a change that happened is not taken back because its row is missing. */
  add(principal: Principal, call: Call, status: number, startedMs: number): Promise<void> {
    const { rest } = call;
    const url = rest === undefined ? methodPath(call.method) : rest.url;
    const query = url.indexOf("?");
    const w = new Writer();
    encodeAuditEntry(w, {
      namespace: principal.namespace,
      principal: principal.name === "" ? "anonymous" : principal.name,
      role: principal.identity.role,
      method: rest === undefined ? "POST" : rest.verb,
      path: (query < 0 ? url : url.slice(0, query)).slice(0, textMax),
      statusCode: status,
      durationMs: Math.round(performance.now() - startedMs),
      query: query < 0 ? "" : url.slice(query + 1, query + 1 + textMax),
    });
    return new Promise((resolve) =>
      this.replica.submit(
        {
          verb: Verb.AUDIT,
          flags: 0,
          namespace: principal.prefix === "" ? "" : principal.namespace,
          principal: principal.name,
          requestHash: undefined,
          body: w.copy(),
        },
        {
          answer: () => resolve(),
          refused: (refusal) => {
            this.onError(new Error(refusal.message), "audit");
            resolve();
          },
        },
      ),
    );
  }
}
