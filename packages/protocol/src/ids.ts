/**
 * Job ids: `job_`, 16 hexadecimal digits of the creation time in unix nanoseconds (a whole number of milliseconds), 10 digits of the low
 * 40 bits of the creation sequence. Their order as text is the order of creation (spec/jobs.md §1; design/decisions.md, "job id").
 */
export const jobIdBytes = 30;
/** Sequences are told apart by this many in an id; inside they have 53 bits. */
export const jobIdSequences = 2 ** 40;
/** First creation time that 64 bits of nanoseconds cannot hold. */
const createdMsEnd = 2 ** 64 / 1e6;

const digits = new Uint8Array(16);
for (let i = 0; i < 16; i++) digits[i] = "0123456789abcdef".charCodeAt(i);
/** Value of a lower-case hexadecimal digit; 16: none. */
const values = new Uint8Array(256).fill(16);
for (let i = 0; i < 16; i++) values[digits[i]] = i;

/** Writes the 30 bytes of an id at `at`. `createdMs`: unix milliseconds, a whole number from 0; `seq`: a whole number from 0. */
export function putJobId(target: Uint8Array, at: number, createdMs: number, seq: number): void {
  target[at] = 0x6a;
  target[at + 1] = 0x6f;
  target[at + 2] = 0x62;
  target[at + 3] = 0x5f;
  // createdMs * 10^6 in two halves of 32 bits, by way of pieces that a double holds exactly. No `%`: on doubles it is a call.
  const high = Math.floor(createdMs / 0x1000000);
  const upper = high * 1e6;
  const upperHigh = Math.floor(upper / 256);
  const lower = (createdMs - high * 0x1000000) * 1e6 + (upper - upperHigh * 256) * 0x1000000;
  const hi = upperHigh + Math.floor(lower / 0x100000000);
  put8(target, at + 4, hi >>> 0);
  put8(target, at + 12, lower >>> 0);
  const top = Math.floor(seq / 0x100000000) & 255;
  target[at + 20] = digits[top >>> 4];
  target[at + 21] = digits[top & 15];
  put8(target, at + 22, seq >>> 0);
}

function put8(target: Uint8Array, at: number, value: number): void {
  target[at] = digits[value >>> 28];
  target[at + 1] = digits[(value >>> 24) & 15];
  target[at + 2] = digits[(value >>> 20) & 15];
  target[at + 3] = digits[(value >>> 16) & 15];
  target[at + 4] = digits[(value >>> 12) & 15];
  target[at + 5] = digits[(value >>> 8) & 15];
  target[at + 6] = digits[(value >>> 4) & 15];
  target[at + 7] = digits[value & 15];
}

export function formatJobId(createdMs: number, seq: number): string {
  const bytes = new Uint8Array(jobIdBytes);
  putJobId(bytes, 0, createdMs, seq);
  return String.fromCharCode(...bytes);
}

/** Reads ids without making anything: `if (id.read(buf, start, end)) use(id.createdMs, id.seq40)`. */
export class JobIdReader {
  /** Unix milliseconds. */
  createdMs = -0; // -0 makes V8 keep doubles here from the start
  /** Low 40 bits of the creation sequence. */
  seq40 = -0;

  /** False when the bytes are not an id of ours: other length, prefix or digits, or a time that is not a whole number of milliseconds. */
  read(buf: Uint8Array, start: number, end: number): boolean {
    if (end - start !== jobIdBytes) return false;
    if (buf[start] !== 0x6a || buf[start + 1] !== 0x6f || buf[start + 2] !== 0x62 || buf[start + 3] !== 0x5f) return false;
    const hi = get8(buf, start + 4);
    const lo = get8(buf, start + 12);
    const top = (values[buf[start + 20]] << 4) | values[buf[start + 21]];
    const low = get8(buf, start + 22);
    if (hi < 0 || lo < 0 || low < 0 || values[buf[start + 20]] > 15 || values[buf[start + 21]] > 15) return false;
    const whole = Math.floor(hi / 1e6);
    const rest = ((hi - whole * 1e6) * 0x100000000 + lo) / 1e6;
    if (rest !== Math.floor(rest)) return false;
    this.createdMs = whole * 0x100000000 + rest;
    this.seq40 = top * 0x100000000 + low;
    return true;
  }
}

/** Eight digits as a number; -1 when one is none. */
function get8(buf: Uint8Array, at: number): number {
  const a = values[buf[at]];
  const b = values[buf[at + 1]];
  const c = values[buf[at + 2]];
  const d = values[buf[at + 3]];
  const e = values[buf[at + 4]];
  const f = values[buf[at + 5]];
  const g = values[buf[at + 6]];
  const h = values[buf[at + 7]];
  if ((a | b | c | d | e | f | g | h) > 15) return -1;
  return ((a << 28) | (b << 24) | (c << 20) | (d << 16) | (e << 12) | (f << 8) | (g << 4) | h) >>> 0;
}

/** The two facts in an id, or undefined when it is not one of ours. */
export function parseJobId(id: string): { createdMs: number; seq40: number } | undefined {
  if (id.length !== jobIdBytes) return undefined;
  for (let i = 0; i < jobIdBytes; i++) {
    const c = id.charCodeAt(i);
    if (c > 127) return undefined;
    scratch[i] = c;
  }
  return reader.read(scratch, 0, jobIdBytes) ? { createdMs: reader.createdMs, seq40: reader.seq40 } : undefined;
}
const scratch = new Uint8Array(jobIdBytes);
const reader = new JobIdReader();

/**
 * Ids of what is not a job: a prefix, 16 digits of the log time of its creation in unix nanoseconds, 10 digits of its serial
 * (spec/jobs.md §1): `batch_`, `chn_`, `budget_`, `apol_`, `wh_`, `sched_`.
 */
export function entityId(prefix: string, createdMs: number, serial: number): string {
  return prefix + formatJobId(createdMs, serial).slice(4);
}

/** The two facts in an id with this prefix, or undefined when it is not one of ours. */
export function parseEntityId(prefix: string, id: string): { createdMs: number; serial: number } | undefined {
  if (!id.startsWith(prefix)) return undefined;
  const found = parseJobId(`job_${id.slice(prefix.length)}`);
  return found && { createdMs: found.createdMs, serial: found.seq40 };
}

/** Says that a creation time fits an id: asserted where times enter the log. */
export function isJobTime(ms: number): boolean {
  return Number.isInteger(ms) && ms >= 0 && ms < createdMsEnd;
}

/** Whether a text can be the id of a job, of this server or, as it comes back with a backup, of one of Corvo's shards. */
export function isJobIdText(text: string): boolean {
  return /^\s*(s\d{2,}_)?job_[0-9a-f]{26}\s*$/.test(text);
}
