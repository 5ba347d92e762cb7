import { limits } from "@corvo/protocol";
import { HashIndex, hashBytes, sameBytes } from "./hash-index.js";

/** A worker on a host, as it last fetched. */
export class Worker {
  /** Queues of its last fetch that got something. */
  queues: string[] = [];
  /** Unix milliseconds. */
  heardMs = 0;
  startedMs = 0;
  /** Newest fence when it last fetched: of two hosts with one id, the higher one fetched later. */
  fetchedFence = 0;
  /** Rows that name it. */
  jobs = 0;
  /** Neighbours in the order of being heard of. */
  older: Worker | undefined;
  newer: Worker | undefined;
  cutSerial = 0;
  constructor(
    readonly number: number,
    /** Id and host, one after the other. */
    readonly name: Uint8Array<ArrayBuffer>,
    readonly idBytes: number,
  ) {}
  get id(): Uint8Array<ArrayBuffer> {
    return this.name.subarray(0, this.idBytes);
  }
  get host(): Uint8Array<ArrayBuffer> {
    return this.name.subarray(this.idBytes);
  }
}

/** How far from the oldest one looks for a worker without jobs when there are too many. */
const lookMax = 64;

/**
 * Who fetched. Rows name a worker by number. Above `limits.workersMax` the one that was not heard of for the longest time goes, unless
 * it holds jobs.
 */
export class Workers {
  /** By number, from 1. */
  readonly byNumber: (Worker | undefined)[] = [undefined];
  freeNumbers: number[] = [];
  size = 0;
  oldest: Worker | undefined;
  private newest: Worker | undefined;
  private readonly index = new HashIndex();

  constructor(
    private readonly seed: number,
    private readonly workersMax: number = limits.workersMax,
  ) {}

  /** The one heard of last; `older` leads to the others. */
  get lastHeard(): Worker | undefined {
    return this.newest;
  }

  find(bytes: Uint8Array, idStart: number, idEnd: number, hostStart: number, hostEnd: number): Worker | undefined {
    const hash = this.hash(bytes, idStart, idEnd, hostStart, hostEnd);
    for (let number = this.index.first(hash); number !== -1; number = this.index.next()) {
      const worker = this.byNumber[number]!;
      const { name, idBytes } = worker;
      if (sameBytes(name, 0, idBytes, bytes, idStart, idEnd) && sameBytes(name, idBytes, name.length, bytes, hostStart, hostEnd)) return worker;
    }
    return undefined;
  }

  add(bytes: Uint8Array, idStart: number, idEnd: number, hostStart: number, hostEnd: number, nowMs: number): Worker {
    if (this.size >= this.workersMax) this.forgetOne();
    const name = new Uint8Array(idEnd - idStart + hostEnd - hostStart);
    name.set(bytes.subarray(idStart, idEnd));
    name.set(bytes.subarray(hostStart, hostEnd), idEnd - idStart);
    const worker = new Worker(this.freeNumbers.pop() ?? this.byNumber.length, name, idEnd - idStart);
    worker.startedMs = nowMs;
    this.put(worker);
    return worker;
  }

  /** Puts it in as the one heard of last. Also for restores, oldest first. */
  put(worker: Worker): void {
    while (this.byNumber.length <= worker.number) this.byNumber.push(undefined);
    this.byNumber[worker.number] = worker;
    this.index.add(this.hash(worker.name, 0, worker.idBytes, worker.idBytes, worker.name.length), worker.number);
    this.size++;
    this.append(worker);
  }

  heard(worker: Worker, nowMs: number): void {
    worker.heardMs = nowMs;
    if (worker === this.newest) return;
    this.unlink(worker);
    this.append(worker);
  }

  private append(worker: Worker): void {
    worker.older = this.newest;
    worker.newer = undefined;
    if (this.newest === undefined) this.oldest = worker;
    else this.newest.newer = worker;
    this.newest = worker;
  }

  private unlink(worker: Worker): void {
    if (worker.older === undefined) this.oldest = worker.newer;
    else worker.older.newer = worker.newer;
    if (worker.newer === undefined) this.newest = worker.older;
    else worker.newer.older = worker.older;
  }

  private forgetOne(): void {
    let worker = this.oldest;
    for (let i = 0; i < lookMax && worker !== undefined; i++, worker = worker.newer) {
      if (worker.jobs > 0) continue;
      this.unlink(worker);
      this.index.remove(this.hash(worker.name, 0, worker.idBytes, worker.idBytes, worker.name.length), worker.number);
      this.byNumber[worker.number] = undefined;
      this.freeNumbers.push(worker.number);
      this.size--;
      return;
    }
  }

  private hash(bytes: Uint8Array, idStart: number, idEnd: number, hostStart: number, hostEnd: number): number {
    return hashBytes(hashBytes(this.seed, bytes, idStart, idEnd), bytes, hostStart, hostEnd);
  }
}
