import { create, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type BudgetRecord, mayKnow } from "@corvo/engine";
import { DeleteBudgetRequestSchema, ListBudgetsResponseSchema, SetBudgetRequestSchema, SetBudgetResponseSchema } from "@corvo/gen/corvo/v1/budget_pb.js";
import { checkDeleteBudget, checkSetBudget, Verb } from "@corvo/protocol";
import { type Call, RpcError, type UnaryHandler } from "@corvo/transport";
import { namespacePattern } from "../auth/guard.js";
import { mayKnowQueue } from "../auth/names.js";
import { defaultNamespace, principalOf } from "../auth/principal.js";
import { forbidden } from "../auth/refusals.js";
import { commandHandler } from "./command.js";
import type { HandlerContext } from "./context.js";
import { decoded, timestamp } from "./job.js";
import { ownNamespace } from "./own-namespace.js";

/** Of a request. Empty: the whole server's. */
interface Wish {
  scope: string;
  target: string;
  namespace: string;
}

export function listBudgetsHandler(context: HandlerContext): UnaryHandler {
  const { engine } = context.replica;
  return {
    kind: "unary",
    async handle(call) {
      const caller = ownNamespace(call);
      const held = await heldFor(context, call);
      const budgets = known(context, caller).map(({ createdMs, resetsMs, target, ...budget }) => ({
        ...budget,
        target: shownTarget(caller, budget.scope, target),
        createdAt: timestamp(createdMs),
        resetsAt: timestamp(resetsMs),
      }));
      const answer = { budgets, held: BigInt(held), logIndex: BigInt(engine.appliedIndex) };
      return toBinary(ListBudgetsResponseSchema, create(ListBudgetsResponseSchema, answer));
    },
  };
}

/** Those of the whole server say what all namespaces spend: `default` knows them when there are no others, and when they are for its own queues. */
function known({ replica: { engine } }: HandlerContext, caller: string): BudgetRecord[] {
  const alone = engine.namespacedQueues === 0;
  return engine.budgets(Date.now()).filter(({ namespace, scope, target }) => {
    if (caller === "" || caller === namespace) return true;
    return mayKnow(caller, namespace) && (alone || (scope === "queue" && !target.includes("::")));
  });
}

/** Holds that are looked at in one turn: about a millisecond. */
const holdsPerTurn = 5_000;
const restartsMax = 20;

/** Jobs of the caller's queues that budgets hold, counted between the turns of others. */
async function heldFor({ replica: { engine } }: HandlerContext, call: Call): Promise<number> {
  const who = principalOf(call);
  if (who === undefined || who.seesAll) return engine.heldForBudgets;
  for (let restarts = 0; restarts <= restartsMax; restarts++) {
    let held = 0;
    let serial = 0;
    for (;;) {
      const some = engine.budgetHoldsFrom(serial, holdsPerTurn, (queue) => mayKnowQueue(who, queue));
      if (some === undefined) break;
      held += some.count;
      if (some.next === 0) return held;
      serial = some.next;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  throw new RpcError("unavailable", "UNAVAILABLE", "the held jobs change too fast: try again", { retryAfterMs: 1000 });
}

export function setBudgetHandler(context: HandlerContext): UnaryHandler {
  const command = commandHandler(context, { verb: Verb.SET_BUDGET, check: checkSetBudget, schema: SetBudgetRequestSchema });
  return {
    kind: "unary",
    async handle(call, request) {
      const wish = decoded(() => fromBinary(SetBudgetRequestSchema, request));
      const shared = settle(context, call, wish);
      // What was made before there were namespaces stays one budget.
      if (shared !== undefined && context.replica.engine.namespacedQueues === 0) wish.namespace = "";
      const answer = fromBinary(SetBudgetResponseSchema, await command.handle(call, toBinary(SetBudgetRequestSchema, wish)));
      if (answer.budget !== undefined) answer.budget.target = shownTarget(ownNamespace(call), answer.budget.scope, answer.budget.target);
      return toBinary(SetBudgetResponseSchema, answer);
    },
  };
}

export function deleteBudgetHandler(context: HandlerContext): UnaryHandler {
  const command = commandHandler(context, { verb: Verb.DELETE_BUDGET, check: checkDeleteBudget, schema: DeleteBudgetRequestSchema });
  return {
    kind: "unary",
    handle(call, request) {
      const wish = decoded(() => fromBinary(DeleteBudgetRequestSchema, request));
      const shared = settle(context, call, wish);
      if (shared !== undefined) {
        if (context.replica.engine.namespacedQueues > 0) throw forbidden("the budget is the whole server's: only an admin of default may remove it");
        wish.namespace = "";
      }
      return command.handle(call, toBinary(DeleteBudgetRequestSchema, wish));
    },
  };
}

/**
 * Whose budget it is: an admin over everything says so, others have their own. Its queue gets the namespace. Returns the budget of the whole
 * server that a caller of `default` means when it has none of its own.
 */
function settle(context: HandlerContext, call: Call, wish: Wish & MessageShape<typeof SetBudgetRequestSchema | typeof DeleteBudgetRequestSchema>) {
  const caller = ownNamespace(call);
  if (caller !== "") wish.namespace = caller;
  else if (wish.namespace !== "" && !namespacePattern.test(wish.namespace))
    throw new RpcError("invalid_argument", "INVALID_VALUE", `"${wish.namespace}" is not the name of a namespace`, { field: "namespace" });
  const { scope, namespace } = wish;
  if (scope === "queue" && namespace !== "" && wish.target !== "") wish.target = targetIn(namespace, wish.target);
  if (caller !== defaultNamespace) return undefined;
  const target = scope === "global" ? "*" : wish.target;
  const same = known(context, caller).filter((one) => one.scope === scope && one.target === target);
  return same.some((one) => one.namespace !== "") ? undefined : same[0];
}

function targetIn(namespace: string, queue: string): string {
  const prefix = `${namespace}::`;
  if (namespace !== defaultNamespace) return queue.startsWith(prefix) ? queue : prefix + queue;
  if (queue.includes("::")) throw forbidden(`queue "${queue}" is in another namespace`);
  return queue;
}

/** A queue as its namespace knows it. */
function shownTarget(caller: string, scope: string, target: string): string {
  const prefix = `${caller}::`;
  return caller !== "" && scope === "queue" && target.startsWith(prefix) ? target.slice(prefix.length) : target;
}
