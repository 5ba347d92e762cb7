import { fromBinary } from "@bufbuild/protobuf";
import type { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeApiKeyCommand, encodeAuditEntry, encodeAuthSecretCommand, encodeKeysUsedCommand } from "@corvo/gen/corvo/internal/v1/auth_fast.js";
import { ApiKeyCommandSchema, AuditEntrySchema } from "@corvo/gen/corvo/internal/v1/auth_pb.js";
import {
  encodeAssignRoleRequest,
  encodeDeleteApiKeyRequest,
  encodeDeleteRoleRequest,
  encodeSetRoleRequest,
  encodeSetSsoSettingsRequest,
  encodeUnassignRoleRequest,
} from "@corvo/gen/corvo/v1/auth_fast.js";
import { SetRoleRequestSchema } from "@corvo/gen/corvo/v1/auth_pb.js";
import { encodeQuietWorkerRequest } from "@corvo/gen/corvo/v1/cluster_fast.js";
import { encodeCreateNamespaceRequest, encodeDeleteNamespaceRequest, encodeSetNamespaceRateLimitRequest } from "@corvo/gen/corvo/v1/namespace_fast.js";
import { CreateNamespaceResponseSchema } from "@corvo/gen/corvo/v1/namespace_pb.js";
import { Verb } from "@corvo/protocol";
import { type Engine, EntityKind, KeyNumber, NamespaceNumber, Settings } from "../src/index.js";
import type { Answer } from "./kit.js";

const decoder = new TextDecoder();

/** What a line of keys, roles and namespaces stands on. */
export interface AuthLines {
  engine: Engine;
  /** Log time 0 of the transcript. */
  epochMs: number;
  given(verb: Verb, write: (w: Writer) => void): Answer;
  told(answer: Answer, say: (bytes: Uint8Array) => string): string;
}

/** Hashes of keys are a letter in a transcript. */
const hashOf = (letter: string): string => letter.repeat(64);

/** Lines of the verbs of keys, roles and namespaces; undefined: none of them. */
export function authLine({ engine, epochMs, given, told }: AuthLines, verb: string, words: string[], args: Map<string, string>): string | undefined {
  const status = (bytes: Uint8Array): string => decoder.decode(bytes.subarray(2));
  const [first = "", second = ""] = words;
  const key = hashOf(first);
  const number = (name: string): number | undefined => (args.has(name) ? Number(args.get(name)) : undefined);
  switch (verb) {
    case "set-key":
      return told(
        given(Verb.SET_API_KEY, (w) =>
          encodeApiKeyCommand(w, {
            keyHash: key,
            name: args.get("name"),
            namespace: args.get("namespace") ?? "default",
            role: args.get("role") ?? "readonly",
            queueScope: args.get("scope"),
            disabled: args.has("disabled"),
          }),
        ),
        status,
      );
    case "delete-key":
      return told(
        given(Verb.DELETE_API_KEY, (w) => encodeDeleteApiKeyRequest(w, { keyHash: key })),
        status,
      );
    case "set-role":
      return told(
        given(Verb.SET_ROLE, (w) =>
          encodeSetRoleRequest(w, {
            name: first,
            permissions: words.slice(1).map((word) => ({ resource: word.split(":")[0], actions: word.split(":")[1].split("+") })),
          }),
        ),
        status,
      );
    case "delete-role":
      return told(
        given(Verb.DELETE_ROLE, (w) => encodeDeleteRoleRequest(w, { name: first })),
        status,
      );
    case "assign":
      return told(
        given(Verb.ASSIGN_ROLE, (w) => encodeAssignRoleRequest(w, { keyHash: key, role: second })),
        status,
      );
    case "unassign":
      return told(
        given(Verb.UNASSIGN_ROLE, (w) => encodeUnassignRoleRequest(w, { keyHash: key, role: second })),
        status,
      );
    case "create-namespace":
      return told(
        given(Verb.CREATE_NAMESPACE, (w) => encodeCreateNamespaceRequest(w, { name: first })),
        (bytes) => {
          const r = fromBinary(CreateNamespaceResponseSchema, bytes);
          return `${r.name} ${r.status}`;
        },
      );
    case "delete-namespace":
      return told(
        given(Verb.DELETE_NAMESPACE, (w) => encodeDeleteNamespaceRequest(w, { name: first })),
        status,
      );
    case "limit-namespace":
      return told(
        given(Verb.SET_NAMESPACE_RATE_LIMIT, (w) =>
          encodeSetNamespaceRateLimitRequest(w, {
            name: first,
            readRps: number("read"),
            readBurst: number("read-burst"),
            writeRps: number("write"),
            writeBurst: number("write-burst"),
          }),
        ),
        status,
      );
    case "set-sso":
      return told(
        given(Verb.SET_SSO_SETTINGS, (w) => encodeSetSsoSettingsRequest(w, { provider: first })),
        status,
      );
    case "secret":
      given(Verb.AUTH_SECRET, (w) => encodeAuthSecretCommand(w, { secret: new Uint8Array(Number(args.get("bytes") ?? 32)).fill(Number(first)) }));
      return `secret of ${engine.entity(EntityKind.setting, Settings.authSecret)?.text[0] ?? "nobody"}`;
    case "used":
      given(Verb.KEYS_USED, (w) => encodeKeysUsedCommand(w, { keyHashes: words.map(hashOf) }));
      return "noted";
    case "audit":
      given(Verb.AUDIT, (w) => encodeAuditEntry(w, { principal: first, path: second, statusCode: 200 }));
      return "added";
    case "audit-rows":
      return (
        engine
          .entities(EntityKind.audit)
          .map(({ text, nums }) => {
            const row = fromBinary(AuditEntrySchema, text);
            return `${row.principal} ${row.path} at=${nums[0] - epochMs}`;
          })
          .join(" | ") || "none"
      );
    case "keys":
      return (
        engine
          .entities(EntityKind.apiKey)
          .map(({ text, nums }) => {
            const { keyHash, name, namespace, role, queueScope, disabled } = fromBinary(ApiKeyCommandSchema, text);
            const roles = engine
              .entities(EntityKind.keyRole)
              .filter((one) => decoder.decode(one.key) === keyHash)
              .map((one) => `+${decoder.decode(one.text)}`);
            const used = nums[KeyNumber.lastUsedMs] === 0 ? "" : ` used=${nums[KeyNumber.lastUsedMs] - epochMs}`;
            const scope = queueScope === "" ? "" : ` scope=${queueScope}`;
            return `${keyHash[0]} ${name} ${[role, ...roles].join("")}@${namespace}${scope}${disabled ? " disabled" : ""} made=${nums[KeyNumber.createdMs] - epochMs}${used}`;
          })
          .join(" | ") || "none"
      );
    case "roles":
      return (
        engine
          .entities(EntityKind.role)
          .map(({ text }) => {
            const role = fromBinary(SetRoleRequestSchema, text);
            return `${role.name}=${role.permissions.map((one) => `${one.resource}:${one.actions.join("+")}`).join(" ")}`;
          })
          .join(" | ") || "none"
      );
    case "namespaces":
      return (
        engine
          .entities(EntityKind.namespace)
          .map(({ key, nums, ints }) => {
            const limits = ["read", "read-burst", "write", "write-burst"].flatMap((name, i) =>
              (ints[0] >> i) & 1 ? [` ${name}=${nums[NamespaceNumber.limits + i]}`] : [],
            );
            return `${decoder.decode(key)}${limits.join("")}`;
          })
          .join(" | ") || "none"
      );
    case "quiet-worker":
    case "stop-worker":
    case "resume-worker": {
      const orders = { "quiet-worker": Verb.QUIET_WORKER, "stop-worker": Verb.STOP_WORKER, "resume-worker": Verb.RESUME_WORKER };
      return told(
        given(orders[verb], (w) => encodeQuietWorkerRequest(w, { id: first })),
        status,
      );
    }
    case "worker-order":
      return engine.workerOrder("", first) || "none";
    case "closed":
      return engine.entity(EntityKind.setting, Settings.authSecret)?.ints[0] === 1 ? "yes" : "no";
    default:
      return undefined;
  }
}
