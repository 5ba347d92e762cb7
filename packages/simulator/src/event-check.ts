import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeWebhookDeliveredCommand } from "@corvo/gen/corvo/internal/v1/webhook_fast.js";
import { encodeRedeliverWebhookRequest, encodeSetWebhookRequest } from "@corvo/gen/corvo/v1/webhook_fast.js";
import { Verb } from "@corvo/protocol";
import type { Rng } from "./random.js";
import type { SeenEvent, Subject } from "./subject.js";

/** States that a job may be in after an event of this type, as the specification has them. Undefined: the event changes no state. */
const after: Readonly<Record<string, readonly string[] | "gone" | undefined>> = {
  enqueued: ["pending", "scheduled"],
  started: ["active"],
  completed: ["completed"],
  failed: ["failed"], // never the last word: retrying or dead follows
  retrying: ["retrying"],
  dead: ["dead"],
  retried: ["pending"],
  requeued: ["pending"],
  cancelled: ["cancelled"],
  held: ["held"],
  approved: ["pending"],
  rejected: ["rejected"], // dead follows
  promoted: ["pending"],
  reclaimed: ["pending"],
  released: ["pending"],
  continued: ["pending"],
  revised: ["pending"],
  expired: ["expired"], // dead follows
  deleted: "gone",
};

interface Told {
  states: readonly string[] | "gone";
  queue: string;
}

/**
 * J22: events alone tell where every job is. They come without gaps, in the order of the log, and what they say of each job is what the
 * model says. J23: a webhook that wants everything has to deliver exactly these events, in this order, through restarts; what is
 * settled is gone, what cannot be delivered is kept, and comes again when it is asked for.
 */
export class EventCheck {
  #seq = 0;
  #index = 0;
  #atMs = 0;
  readonly #jobs = new Map<string, Told>();
  #hook = false;
  /** Deliveries in the order of their making. */
  #line: { seq: number; dead: boolean }[] = [];

  /** Everything since the last look. */
  look(subject: Subject, job: (id: string) => { state: string; queue: string } | undefined): void {
    for (const event of subject.events(this.#seq)) this.#take(event);
    for (const [id, { states, queue }] of this.#jobs) {
      const now = job(id);
      if (states === "gone") assert(now === undefined, `events say that ${id} is gone, it is ${now?.state}`);
      // Retention takes finished jobs without a word.
      else if (now === undefined)
        assert(
          states.some((state) => ["completed", "dead", "cancelled"].includes(state)),
          `events say that ${id} is ${states}, it is gone`,
        );
      else assert(states.includes(now.state) && now.queue === queue, `events say that ${id} is ${states} in ${queue}, it is ${now.state} in ${now.queue}`);
    }
    if (!this.#hook) return;
    const { pending, dead } = subject.deliveries();
    const wanted = (which: boolean): string =>
      this.#line
        .filter((one) => one.dead === which)
        .map((one) => one.seq)
        .join();
    assert(pending.join() === wanted(false), `to be delivered are ${pending}, should be ${wanted(false)}`);
    assert(dead.join() === wanted(true), `dead letters are ${dead}, should be ${wanted(true)}`);
  }

  #take({ seq, index, atMs, type, jobId, queue }: SeenEvent): void {
    assert(seq === this.#seq + 1, `after event ${this.#seq} comes ${seq}`);
    assert(index >= this.#index && atMs >= this.#atMs, `event ${seq} is older than the one before it`);
    this.#seq = seq;
    this.#index = index;
    this.#atMs = atMs;
    if (this.#hook) this.#line.push({ seq, dead: false });
    const told = this.#jobs.get(jobId);
    const states = after[type];
    if (states !== undefined) this.#jobs.set(jobId, { states, queue });
    else if (type === "moved" && told) told.queue = queue;
    for (const [id, one] of this.#jobs) {
      const waits = one.states !== "gone" && (one.states.includes("pending") || one.states.includes("scheduled"));
      if (one.queue === queue && (type === "queue_deleted" || (type === "queue_cleared" && waits))) this.#jobs.set(id, { states: "gone", queue });
    }
  }

  /** Something about webhooks, as an entry of its own: the command's verb and body. */
  step(subject: Subject, rng: Rng): { verb: Verb; body: Uint8Array } {
    const w = new Writer();
    if (!this.#hook) {
      this.#hook = true;
      encodeSetWebhookRequest(w, { id: "all", url: "https://example.com", enabled: true });
      return { verb: Verb.SET_WEBHOOK, body: w.copy() };
    }
    const dead = this.#line.filter((one) => one.dead);
    if (dead.length > 0 && rng.oneIn(3)) {
      this.#line = [...this.#line.filter((one) => !one.dead), ...dead.map(({ seq }) => ({ seq, dead: false }))];
      encodeRedeliverWebhookRequest(w, { id: "all" });
      return { verb: Verb.REDELIVER_WEBHOOK, body: w.copy() };
    }
    const serials = subject.deliverySerials();
    const outcomes: { delivery: number; attempts: number; error: string; dead: boolean }[] = [];
    for (const [i, one] of this.#line.filter((each) => !each.dead).entries()) {
      const fate = rng.pick(["later", "delivered", "delivered", "failed", "dead"]);
      if (fate === "later") continue;
      outcomes.push({ delivery: serials[i], attempts: 1, error: fate === "delivered" ? "" : "http 500", dead: fate === "dead" });
      if (fate === "delivered") this.#line.splice(this.#line.indexOf(one), 1);
      one.dead = fate === "dead";
    }
    // One that is named twice, and one that is not there: both are passed over.
    if (outcomes.length > 0) outcomes.push(outcomes[0], { delivery: 999_999, attempts: 1, error: "", dead: false });
    encodeWebhookDeliveredCommand(w, { outcomes });
    return { verb: Verb.WEBHOOK_DELIVERED, body: w.copy() };
  }
}

function assert(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}
