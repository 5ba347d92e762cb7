import type { Worker, WorkerEvent, WorkerOptions } from "../worker.js";

type Named<T extends WorkerEvent["type"]> = Extract<WorkerEvent, { type: T }>;

/** Collects a worker's events and lets a test wait for them. */
export class Events {
  readonly all: WorkerEvent[] = [];
  private readonly waiting: { wants: () => boolean; resolve: () => void }[] = [];

  /** To be given to the worker. */
  readonly onEvent: NonNullable<WorkerOptions["onEvent"]> = (event) => {
    this.all.push(event);
    for (const one of this.waiting.filter(({ wants }) => wants())) {
      this.waiting.splice(this.waiting.indexOf(one), 1);
      one.resolve();
    }
  };

  of<T extends WorkerEvent["type"]>(type: T): Named<T>[] {
    return this.all.filter((event): event is Named<T> => event.type === type);
  }

  /** The first `count` events of a type, once they have come. */
  async until<T extends WorkerEvent["type"]>(type: T, count = 1): Promise<Named<T>[]> {
    const wants = (): boolean => this.of(type).length >= count;
    if (!wants()) await new Promise<void>((resolve) => this.waiting.push({ wants, resolve }));
    return this.of(type);
  }
}

/** Runs a worker until `work` is done, then to its end. */
export async function during<T>(worker: Worker, work: () => Promise<T>): Promise<T> {
  const run = worker.run();
  try {
    return await Promise.race([work(), run.then(() => Promise.reject(new Error("the worker ended before the test")))]);
  } finally {
    worker.stop();
    await run;
  }
}

/** A promise and its key. */
export function gate<T = void>(): { promise: Promise<T>; open: (value: T) => void } {
  let open!: (value: T) => void;
  const promise = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}
