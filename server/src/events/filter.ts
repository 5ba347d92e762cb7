import { eventTypes } from "@corvo/engine";
import { parseJobId } from "@corvo/protocol";

/** Which events somebody wants. Empty lists: all. */
export interface EventWish {
  readonly queues: readonly string[];
  readonly jobIds: readonly string[];
  readonly types: readonly string[];
}

/**
 * What a caller may see: which queues, and under which names. The default sees all as they are. Callers of one `key` see the same, so
 * they share what is encoded.
 */
export interface EventView {
  readonly key: string;
  sees(queue: string): boolean;
  shown(queue: string): string;
}

/** A wish in the form in which it is asked for thousands of events. */
export class EventFilter {
  /** Filters of one key let the same events through. */
  readonly key: string;
  /** Lets everything through. */
  readonly all: boolean;
  /** Undefined: any. */
  readonly queues: ReadonlySet<string> | undefined;
  /** Low 40 bits of creation sequences, as ids have them; undefined: any. */
  readonly jobs: ReadonlySet<number> | undefined;
  /** By number of the type; undefined: any. */
  readonly types: Uint8Array | undefined;

  constructor(
    wish: EventWish,
    readonly view?: EventView,
  ) {
    const { queues, jobIds, types } = wish;
    this.all = queues.length + jobIds.length + types.length === 0 && view === undefined;
    this.key = this.all ? "" : JSON.stringify([view?.key ?? "", [...queues].sort(), [...jobIds].sort(), [...types].sort()]);
    if (queues.length > 0) this.queues = new Set(queues);
    if (jobIds.length > 0) this.jobs = new Set(jobIds.map((id) => parseJobId(id)?.seq40 ?? -1));
    if (types.length > 0) {
      const wanted = new Set(types.map((type) => type.trim().toLowerCase()));
      this.types = new Uint8Array(eventTypes.length);
      eventTypes.forEach((type, i) => {
        if (wanted.has(type)) this.types![i] = 1;
      });
    }
  }

  passes(type: number, jobSeq: number, queue: string): boolean {
    if (this.types !== undefined && this.types[type] === 0) return false;
    if (this.jobs !== undefined && !this.jobs.has(jobSeq % 2 ** 40)) return false;
    if (this.view !== undefined && !this.view.sees(queue)) return false;
    return this.queues === undefined || this.queues.has(this.view === undefined ? queue : this.view.shown(queue));
  }
}
