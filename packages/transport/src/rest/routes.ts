import type { Route, UnaryHandler } from "../rpc.js";
import type { FieldPlan, MessagePlan } from "./plan.js";
import { extensions, planOf } from "./plan.js";
import type { RestBinding, RestVerb } from "./rules.js";
import { requestIdField, restBindings, validateOnlyField } from "./rules.js";

/** One verb and path with everything that serving it needs, settled once. */
export interface RestRoute {
  readonly route: Route;
  readonly handler: UnaryHandler;
  readonly verb: RestVerb;
  /** As in the proto, for example `/api/v1/ack/{job_id}`. */
  readonly template: string;
  readonly body: RestBinding["body"];
  readonly bodyOptional: boolean;
  /** The request without what the path and the raw body hold: what JSON and query may name. */
  readonly input: MessagePlan;
  /** Fields of the path, in its order. */
  readonly pathFields: readonly FieldPlan[];
  readonly rawBody: FieldPlan | undefined;
  /** Takes `Idempotency-Key`. */
  readonly requestId: FieldPlan | undefined;
  /** Takes `?validate_only=true`. */
  readonly validateOnly: FieldPlan | undefined;
  readonly output: MessagePlan;
  readonly responseBody: FieldPlan | undefined;
  readonly successStatus: number;
  readonly flag: FieldPlan | undefined;
  readonly flaggedStatus: number;
  readonly emptyUnless: FieldPlan | undefined;
  /** The whole answer, when it is always the same. */
  readonly fixedAnswer: string | undefined;
  readonly errorCode: string;
  /** Serves a body with a list under this name instead (see RestOptions.lists). */
  list?: { member: string; route: RestRoute };
}

/** What a path leads to: its verbs, and what its variable parts held. */
export interface RestMatch {
  readonly verbs: ReadonlyMap<string, RestRoute>;
  /** `GET, POST`. */
  readonly allow: string;
  /** Still percent-encoded, in the order of the path. */
  readonly values: readonly string[];
}

/** All REST routes, found by path: words before variables, so `/ack/batch` is not the job `batch`. */
export class RestTable {
  readonly routes: RestRoute[] = [];
  private readonly exact = new Map<string, Leaf>();
  private readonly root = new Node();

  constructor(routes: readonly Route[]) {
    for (const route of routes) for (const binding of restBindings(route.method, extensions)) this.add(restRoute(route, binding), binding);
  }

  /** Undefined: no such path. */
  match(path: string): RestMatch | undefined {
    const leaf = this.exact.get(path);
    if (leaf !== undefined) return leaf;
    if (path.charCodeAt(0) !== 0x2f) return undefined;
    const values: string[] = [];
    const found = find(this.root, path, 1, values);
    return found && { verbs: found.verbs, allow: found.allow, values };
  }

  private add(route: RestRoute, binding: RestBinding): void {
    let leaf: Leaf;
    if (binding.segments.every((s) => typeof s === "string")) {
      leaf = this.exact.get(route.template) ?? new Leaf();
      this.exact.set(route.template, leaf);
    } else {
      let node = this.root;
      for (const segment of binding.segments) node = typeof segment === "string" ? node.word(segment) : node.variable();
      leaf = node.leaf ??= new Leaf();
    }
    if (leaf.verbs.has(route.verb)) throw new Error(`two methods are ${route.verb} ${route.template}`);
    leaf.verbs.set(route.verb, route);
    leaf.allow = [...leaf.verbs.keys()].join(", ");
    this.routes.push(route);
  }
}

class Leaf implements RestMatch {
  readonly verbs = new Map<string, RestRoute>();
  allow = "";
  readonly values: readonly string[] = [];
}

/** A node of the tree of path segments. */
class Node {
  readonly words = new Map<string, Node>();
  any: Node | undefined;
  leaf: Leaf | undefined;

  word(word: string): Node {
    let next = this.words.get(word);
    if (next === undefined) this.words.set(word, (next = new Node()));
    return next;
  }

  variable(): Node {
    this.any ??= new Node();
    return this.any;
  }
}

function find(node: Node, path: string, from: number, values: string[]): Leaf | undefined {
  if (from > path.length) return node.leaf;
  const slash = path.indexOf("/", from);
  const end = slash < 0 ? path.length : slash;
  const segment = path.slice(from, end);
  const next = node.words.get(segment);
  const found = next && find(next, path, end + 1, values);
  if (found !== undefined || node.any === undefined || segment === "") return found;
  values.push(segment);
  const leaf = find(node.any, path, end + 1, values);
  if (leaf === undefined) values.pop();
  return leaf;
}

function restRoute(route: Route, binding: RestBinding): RestRoute {
  const { method, rules } = binding;
  if (route.handler.kind !== "unary") throw new Error(`${method.name}: REST needs a unary handler`);
  const input = planOf(method.input);
  const output = planOf(method.output);
  const held = new Set(binding.segments.filter((s) => typeof s !== "string").map((f) => f.name));
  if (binding.rawBody) held.add(binding.rawBody.name);
  const planned = (plan: MessagePlan, name: string): FieldPlan => {
    const field = plan.fields.find((f) => f.desc.name === name);
    if (field === undefined) throw new Error(`${method.name}: ${plan.desc.typeName} has no field ${name}`);
    return field;
  };
  return {
    route,
    handler: route.handler,
    verb: binding.verb,
    template: binding.template,
    body: binding.body,
    bodyOptional: binding.bodyOptional,
    input: held.size === 0 ? input : input.without(held),
    pathFields: binding.segments.filter((s) => typeof s !== "string").map((f) => planned(input, f.name)),
    rawBody: binding.rawBody && planned(input, binding.rawBody.name),
    requestId: input.fields.find((f) => f.desc.name === requestIdField),
    validateOnly: input.fields.find((f) => f.desc.name === validateOnlyField),
    output,
    responseBody: binding.responseBody && planned(output, binding.responseBody.name),
    successStatus: rules.successStatus || 200,
    flag: rules.flagField === "" ? undefined : planned(output, rules.flagField),
    flaggedStatus: rules.flaggedStatus || 200,
    emptyUnless: rules.emptyUnless === "" ? undefined : planned(output, rules.emptyUnless),
    fixedAnswer: rules.statusWord === "" ? undefined : `${JSON.stringify({ status: rules.statusWord })}\n`,
    errorCode: rules.errorCode,
  };
}
