import {
  type ConfChange,
  type ConfState,
  type CoreConfig,
  CorePanic,
  type CoreSnapshot,
  type CoreStatus,
  type Entry,
  type EntryHead,
  type Message,
  ProposalDropped,
  type RaftCore,
  type Ready,
  Rejected,
  type Role,
  type Transition,
} from "./contract.js";
import { Cursor, confBytes, entryHeadBytes, getU64, keptBit, putConf, readyFlag, setU64 } from "./layout.js";
import { wasi, wasiModule } from "./wasi.js";

export interface CoreHost {
  /** For the core's election jitter and its hash seeds. */
  random: (out: Uint8Array) => void;
  /** What the library says. Levels: 1 info, 2 warning, 3 error. */
  log?: (level: number, text: string) => void;
}

/** Where core/main.go's control block keeps what. */
const control = { outPtr: 0, outLength: 4, inPtr: 8, inCapacity: 12, term: 16, commit: 24, lead: 32, last: 48, role: 56, hasReady: 60 } as const;
const dropped = -1;
const rejected = -2;
const inputBytesMin = 64 * 1024;

type Call = (...args: number[]) => number;
const none: readonly never[] = [];
const decoder = new TextDecoder();

/** etcd's raft in WebAssembly, behind core/main.go. One instance is one member of one group. */
export class WasmRaftCore implements RaftCore {
  readonly #calls: Record<string, Call>;
  readonly #memory: WebAssembly.Memory;
  readonly #control: number;
  readonly #stderr: () => string;
  /** Over the whole linear memory; replaced whenever it grew, which detaches the old buffer. */
  #view: DataView;
  #bytes: Uint8Array;
  #cursor: Cursor;
  #panic: string | undefined;

  constructor(module: WebAssembly.Module, host: CoreHost) {
    let memory: WebAssembly.Memory | undefined;
    const system = wasi(module, { memory: () => memory as WebAssembly.Memory, random: host.random });
    const log = (level: number, at: number, length: number) =>
      host.log?.(level, decoder.decode(new Uint8Array((memory as WebAssembly.Memory).buffer, at, length)));
    const instance = new WebAssembly.Instance(module, { [wasiModule]: system.imports, corvo: { log } });
    memory = instance.exports.memory as WebAssembly.Memory;
    this.#memory = memory;
    this.#stderr = system.stderr;
    this.#calls = instance.exports as unknown as Record<string, Call>;
    this.#calls._initialize();
    this.#control = this.#calls.control();
    this.#bytes = new Uint8Array(memory.buffer);
    this.#cursor = new Cursor(this.#bytes);
    this.#view = this.#cursor.view;
  }

  get term(): number {
    return this.#status(control.term);
  }
  get commit(): number {
    return this.#status(control.commit);
  }
  get lead(): number {
    return this.#status(control.lead);
  }
  get last(): number {
    return this.#status(control.last);
  }
  get role(): Role {
    this.#refresh();
    return this.#view.getUint32(this.#control + control.role, true);
  }
  get pages(): number {
    return this.#memory.buffer.byteLength >>> 16;
  }
  /** False: ready() would give nothing. True: it may give something. */
  get hasReady(): boolean {
    this.#refresh();
    return this.#view.getUint32(this.#control + control.hasReady, true) !== 0;
  }

  create(config: CoreConfig): void {
    const input = this.#begin(100 + confBytes(config.snapshot.conf) + confBytes(config.conf));
    let at = input;
    for (const value of [config.electionTicks, config.heartbeatTicks, config.inflightMessagesMax]) at = this.#u32(at, value);
    const { hardState, snapshot } = config;
    for (const value of [config.id, config.messageBytesMax, config.inflightBytesMax, config.uncommittedBytesMax, config.committedBytesMax, config.applied])
      at = this.#u64(at, value);
    for (const value of [hardState.term, hardState.vote, hardState.commit, snapshot.index, snapshot.term]) at = this.#u64(at, value);
    at = putConf(this.#view, at, snapshot.conf);
    at = putConf(this.#view, at, config.conf);
    this.#call("create", at - input);
  }

  load(entries: readonly EntryHead[]): void {
    let size = 4;
    for (const entry of entries) size += entryHeadBytes + (entry.data?.length ?? 0);
    const input = this.#begin(size);
    let at = this.#u32(input, entries.length);
    for (const { index, term, type, size, data } of entries) {
      at = this.#u64(at, index);
      at = this.#u64(at, term);
      at = this.#u32(at, data === undefined ? type + keptBit : type);
      at = this.#u32(at, size);
      if (data !== undefined) at = this.#raw(at, data);
    }
    this.#call("load", at - input);
  }

  start(): void {
    this.#call("start");
  }
  tick(): void {
    this.#call("tick");
  }
  campaign(): void {
    this.#call("campaign");
  }
  appended(): void {
    this.#call("appended");
  }
  applied(): void {
    this.#call("applied");
  }
  transferLeader(id: number): void {
    this.#call("transferLeader", id);
  }
  forgetLeader(): void {
    this.#call("forgetLeader");
  }
  reportUnreachable(id: number): void {
    this.#call("reportUnreachable", id);
  }
  reportSnapshot(id: number, ok: boolean): void {
    this.#call("reportSnapshot", id, ok ? 1 : 0);
  }
  /** For the examination alone: ends the core in one of four ways. */
  die(way: number): void {
    this.#call("die", way);
  }

  proposeSizes(sizes: readonly number[]): void {
    const input = this.#begin(4 + 4 * sizes.length);
    let at = this.#u32(input, sizes.length);
    for (const size of sizes) at = this.#u32(at, size);
    this.#call("propose", at - input);
  }

  step(message: Uint8Array): void {
    this.#raw(this.#begin(message.length), message);
    this.#call("step", message.length);
  }

  proposeConf(changes: readonly ConfChange[], transition: Transition, context: Uint8Array): void {
    const input = this.#begin(12 + 12 * changes.length + context.length);
    let at = this.#u32(this.#u32(input, transition), changes.length);
    for (const { type, id } of changes) at = this.#u64(this.#u32(at, type), id);
    at = this.#raw(this.#u32(at, context.length), context);
    this.#call("proposeConf", at - input);
  }

  applyConf(entry: Entry): ConfState {
    const data = entry.data ?? new Uint8Array();
    this.#raw(this.#begin(data.length), data);
    this.#call("applyConf", entry.type, data.length);
    return this.#output().conf();
  }

  readIndex(context: Uint8Array): void {
    this.#raw(this.#begin(context.length), context);
    this.#call("readIndex", context.length);
  }

  compact(index: number, conf: ConfState, dropThrough: number): void {
    const input = this.#begin(16 + confBytes(conf));
    const at = this.#u64(putConf(this.#view, this.#u64(input, index), conf), dropThrough);
    this.#call("compact", at - input);
  }

  status(): CoreStatus {
    this.#call("status");
    const output = this.#output();
    const conf = output.conf();
    const progress = Array.from({ length: output.u32() }, () => ({ id: output.u64(), match: output.u64(), next: output.u64(), state: output.u32() }));
    return { conf, progress };
  }

  ready(): Ready | undefined {
    this.#call("ready");
    if (this.#outputBytes === 0) return undefined;
    const output = this.#output();
    const flags = output.u32();
    const entries = output.u32();
    const committed = output.u32();
    const readStates = output.u32();
    const messages = output.u32();
    const afterAppend = output.u32();
    return {
      mustSync: (flags & readyFlag.mustSync) !== 0,
      hasAppend: (flags & readyFlag.append) !== 0,
      softState: flags & readyFlag.softState ? { lead: output.u64(), role: output.u32() } : undefined,
      hardState: flags & readyFlag.hardState ? { term: output.u64(), vote: output.u64(), commit: output.u64() } : undefined,
      snapshot: flags & readyFlag.snapshot ? readSnapshot(output) : undefined,
      entries: readEntries(output, entries),
      committed: readEntries(output, committed),
      readStates: readStates === 0 ? none : Array.from({ length: readStates }, () => ({ index: output.u64(), context: output.take(output.u32()).slice() })),
      messages: readMessages(output, messages),
      afterAppend: readMessages(output, afterAppend),
    };
  }

  #call(name: string, a = 0, b = 0): void {
    if (this.#panic !== undefined) throw new CorePanic(this.#panic);
    let code: number;
    try {
      code = this.#calls[name](a, b);
    } catch (cause) {
      this.#panic = this.#stderr().trim() || (cause instanceof Error ? cause.message : String(cause));
      throw new CorePanic(this.#panic, { cause });
    }
    this.#refresh();
    if (code === 0) return;
    const text = decoder.decode(this.#output().take(this.#outputBytes));
    if (code === dropped) throw new ProposalDropped(text);
    if (code === rejected) throw new Rejected(text);
    this.#panic = text;
    throw new CorePanic(text);
  }

  /** The reply, where it lies: the next call overwrites it, so what outlives this one is copied. */
  #output(): Cursor {
    this.#cursor.at = this.#view.getUint32(this.#control + control.outPtr, true);
    return this.#cursor;
  }
  get #outputBytes(): number {
    return this.#view.getUint32(this.#control + control.outLength, true);
  }

  /** Where the next input goes: room for `size` bytes. */
  #begin(size: number): number {
    this.#refresh();
    if (this.#view.getUint32(this.#control + control.inCapacity, true) < size) this.#call("grow", Math.max(size, inputBytesMin));
    return this.#view.getUint32(this.#control + control.inPtr, true);
  }

  #status(at: number): number {
    this.#refresh();
    return getU64(this.#view, this.#control + at);
  }

  #refresh(): void {
    if (this.#view.buffer === this.#memory.buffer) return;
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#cursor = new Cursor(this.#bytes);
    this.#view = this.#cursor.view;
  }

  #u32(at: number, value: number): number {
    this.#view.setUint32(at, value, true);
    return at + 4;
  }

  #u64(at: number, value: number): number {
    setU64(this.#view, at, value);
    return at + 8;
  }

  #raw(at: number, bytes: Uint8Array): number {
    this.#bytes.set(bytes, at);
    return at + bytes.length;
  }
}

function readSnapshot(output: Cursor): CoreSnapshot {
  return { index: output.u64(), term: output.u64(), conf: output.conf() };
}

function readEntries(output: Cursor, count: number): readonly Entry[] {
  if (count === 0) return none;
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    const index = output.u64();
    const term = output.u64();
    const type = output.u32();
    const size = output.u32();
    entries.push(type >= keptBit ? { index, term, type: type - keptBit, size, data: undefined } : { index, term, type, size, data: output.take(size).slice() });
  }
  return entries;
}

function readMessages(output: Cursor, count: number): readonly Message[] {
  if (count === 0) return none;
  return Array.from({ length: count }, () => {
    const length = output.u32();
    const at = output.at;
    return { type: output.view.getUint32(at, true), to: getU64(output.view, at + 8), bytes: output.take(length).slice() };
  });
}
