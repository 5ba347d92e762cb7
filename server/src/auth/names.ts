import type { Engine } from "@corvo/engine";
import { EntityKind } from "@corvo/engine";
import { parseJobId } from "@corvo/protocol";
import type { Replica } from "@corvo/replica";
import type { ArchiveStore } from "@corvo/storage";
import { RpcError } from "@corvo/transport";
import type { EventView } from "../events/filter.js";
import { foreign, type NamePlan, type NameVisitor, rewriteNames } from "./edge.js";
import { defaultNamespace, type Principal } from "./principal.js";

/** Where jobs are looked up. */
export interface Jobs {
  replica: Replica;
  archive: ArchiveStore;
}

/** Kinds that are asked for by an id of their own. */
const entityKinds = [EntityKind.batch, EntityKind.schedule, EntityKind.policy, EntityKind.webhook, EntityKind.bulkTask, EntityKind.chain];

/** Whether a queue, by its full name, is one that the principal may know of. */
export function mayKnowQueue(principal: Principal, queue: string): boolean {
  const { prefix, identity } = principal;
  if (prefix === "" ? queue.includes("::") && !principal.overAll : !queue.startsWith(prefix)) return false;
  return identity.inScope === undefined || identity.inScope(queue.slice(prefix.length));
}

/**
 * Names of one request on their way in. Queues get the namespace; one outside the key's queue scope, or of another namespace, is refused.
 * Ids of jobs and entities that the caller may not know of become ids of nothing, so that whatever is answered about them is what is
 * answered about ids that never existed; `told` and the answer's visitor put the caller's own id back.
 */
export class NamesInRequest implements NameVisitor {
  /** What stands for a foreign id, and the id. */
  readonly stands = new Map<string, string>();
  private readonly verdicts = new Map<string, boolean>();
  private open: Promise<void>[] | undefined;
  readonly strict = false;
  readonly own = 0;

  constructor(
    private readonly jobs: Jobs,
    private readonly principal: Principal,
  ) {}

  /** A promise only when a finished job must be looked up. */
  rewrite(plan: NamePlan, request: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const out = rewriteNames(plan, request, this) as Uint8Array;
    if (this.open === undefined) return out;
    // Now every job is known: once more, with all verdicts.
    const kept = request.slice();
    return Promise.all(this.open).then(() => {
      this.open = undefined;
      return rewriteNames(plan, kept, this) as Uint8Array;
    });
  }

  queue(text: string): string {
    const { prefix, identity } = this.principal;
    const own = prefix !== "" && text.startsWith(prefix);
    const plain = own ? text.slice(prefix.length) : text;
    if (prefix === "" && text.includes("::") && !this.principal.overAll) throw denied(`queue "${text}" is in another namespace`);
    if (identity.inScope !== undefined && !identity.inScope(plain)) throw denied(`queue "${plain}" is outside the key's queue scope`);
    return prefix + plain;
  }

  job(text: string): string {
    const verdict = this.verdicts.get(text) ?? this.look(text);
    return verdict ? text : this.standIn(text);
  }

  /** False: foreign. While it is being looked up: not foreign, the result is thrown away. */
  private look(text: string): boolean {
    const id = parseJobId(text);
    if (id === undefined) return true; // the handler says what is wrong with it
    const { engine } = this.jobs.replica;
    const live = engine.queueOfLive(id);
    if (live !== undefined) {
      const verdict = mayKnowQueue(this.principal, live);
      this.verdicts.set(text, verdict);
      return verdict;
    }
    const seq = engine.finishedSeq(id);
    if (seq === undefined) return true;
    this.verdicts.set(text, true);
    (this.open ??= []).push(
      this.jobs.archive.find(seq).then((found) => {
        const record = found && engine.readArchived(found.bytes, found.place);
        // It may live again by now, or have been found nowhere: then it is asked for as it is only if nothing speaks against it.
        const queue = record?.queue ?? engine.queueOfLive(id);
        if (queue !== undefined) this.verdicts.set(text, mayKnowQueue(this.principal, queue));
      }),
    );
    return true;
  }

  entity(text: string): string {
    const owner = this.jobs.replica.engine.ownerOf(entityKinds, text);
    return owner === undefined || owner === ownerNumber(this.jobs.replica.engine, this.principal) ? text : this.standIn(text);
  }

  /** Chains of others are others, whatever they are called. Whoever makes up a name gets one of the namespace's own. */
  chain(text: string): string {
    const { engine } = this.jobs.replica;
    const owner = engine.ownerOf([EntityKind.chain], text);
    if (owner === ownerNumber(engine, this.principal)) return text;
    return owner === undefined && (madeByServer.test(text) || this.isPlain(text)) ? text : inNamespace(this.principal, text);
  }

  /** The same for jobs that others belong to: a job of the caller, or any text. */
  parent(text: string): string {
    const known = parseJobId(text) === undefined ? this.isPlain(text) : (this.verdicts.get(text) ?? this.look(text));
    return known ? text : inNamespace(this.principal, text);
  }

  /** Two workers of one name are two, when they are of two namespaces. */
  host(text: string): string {
    return this.isPlain(text) ? text : ownPrefix(this.principal) + text;
  }

  /** It is as it is kept: names of `default` have no namespace before them. */
  private isPlain(text: string): boolean {
    return this.principal.prefix === "" && !text.includes("::");
  }

  namespace(text: string): string {
    const { principal } = this;
    if (principal.overAll && principal.prefix === "") return text;
    if (text !== "" && text !== principal.namespace) throw denied(`only the namespace ${principal.namespace} is yours`);
    return principal.namespace;
  }

  private standIn(text: string): string {
    const at = text.lastIndexOf("_");
    const count = this.stands.size;
    for (const [stand, id] of this.stands) if (id === text) return stand;
    const stand = `${at < 0 ? "none_" : text.slice(0, at + 1)}${"f".repeat(16)}${count.toString(16).padStart(10, "0")}`;
    this.stands.set(stand, text);
    return stand;
  }

  /** The caller's own id for one of nothing. */
  original(text: string): string {
    return this.stands.get(text) ?? text;
  }

  /** A refusal in the caller's own words: its ids, and queues without the namespace. */
  told(thrown: unknown): unknown {
    if (!(thrown instanceof RpcError)) return thrown;
    const message = this.words(thrown.message);
    return message === thrown.message ? thrown : new RpcError(thrown.code, thrown.reason, message, thrown.more);
  }

  notFound(): string {
    return "not found";
  }

  private words(message: string): string {
    let out = message.replaceAll(ownPrefix(this.principal), "");
    for (const [stand, id] of this.stands) out = out.replaceAll(stand, id);
    return out;
  }
}

/** Names of an answer on their way out: queues lose the namespace, rows that the caller may not know of are foreign. */
export class NamesInAnswers implements NameVisitor {
  /** Names that were the caller's. */
  own = 0;

  constructor(
    private readonly engine: Engine,
    private readonly principal: Principal,
    private readonly request: NamesInRequest | undefined,
  ) {}

  get strict(): boolean {
    return this.principal.prefix !== "" || this.principal.identity.inScope !== undefined;
  }

  queue(text: string): string | typeof foreign {
    if (!mayKnowQueue(this.principal, text)) return foreign;
    this.own++;
    return text.slice(this.principal.prefix.length);
  }
  job(text: string): string {
    return this.request === undefined ? text : this.request.original(text);
  }
  chain(text: string): string {
    return withoutNamespace(this.principal, text);
  }
  parent(text: string): string {
    return withoutNamespace(this.principal, text);
  }
  host(text: string): string {
    return withoutNamespace(this.principal, text);
  }
  entity(given: string): string | typeof foreign {
    const text = withoutNamespace(this.principal, given);
    if (text !== given) {
      this.own++;
      return text;
    }
    const stood = this.request?.original(text);
    if (stood !== undefined && stood !== text) return stood;
    const owner = this.engine.ownerOf(entityKinds, text);
    if (owner !== undefined && owner !== ownerNumber(this.engine, this.principal)) return foreign;
    this.own++;
    return text;
  }
  namespace(text: string): string | typeof foreign {
    const mine = text === this.principal.namespace || (text === "" && this.principal.namespace === defaultNamespace);
    if (!mine) return foreign;
    this.own++;
    return text;
  }
}

/** The number under which a namespace owns entities; -1: it owns none yet. */
export function ownerNumber(engine: Engine, principal: Principal): number {
  if (principal.namespace === defaultNamespace) return 0;
  return engine.entity(EntityKind.namespaceNumber, principal.namespace)?.ints[0] ?? -1;
}

const madeByServer = /^chn_[0-9a-f]{26}$/;

/** A name that a caller made up, as it is kept: what two namespaces call the same is not the same. */
function inNamespace(principal: Principal, text: string): string {
  const prefix = ownPrefix(principal);
  return text.startsWith(prefix) ? text : prefix + text;
}

function withoutNamespace(principal: Principal, text: string): string {
  const prefix = ownPrefix(principal);
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function ownPrefix({ prefix }: Principal): string {
  return prefix === "" ? `${defaultNamespace}::` : prefix;
}

function denied(message: string): RpcError {
  return new RpcError("permission_denied", "FORBIDDEN", message, { restCode: "FORBIDDEN" });
}

/** For streams of events that look at queues themselves; undefined: all, as they are. */
export function eventViewOf(principal: Principal): EventView | undefined {
  if (principal.seesAll) return undefined;
  const { prefix, identity } = principal;
  const strict = prefix !== "" || identity.inScope !== undefined;
  return {
    key: JSON.stringify([principal.namespace, identity.queueScope]),
    sees: (queue) => (queue === "" ? !strict : mayKnowQueue(principal, queue)),
    shown: (queue) => (queue.startsWith(prefix) ? queue.slice(prefix.length) : queue),
  };
}
