import { UsageReportReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { cutText } from "./document.js";
import { nanosOf } from "./money.js";

const reader = new UsageReportReader();
/** Names are cut to this many bytes: each combination of names is a row of the ledger. */
const nameBytesMax = 128;
const tokensMax = 1e12;

/** One report of what was used, as it counts. One is reused. */
export class UsageReport {
  inputTokens = 0;
  outputTokens = 0;
  cacheCreationTokens = 0;
  cacheReadTokens = 0;
  costNanos = 0;
  /** Where the names lie. */
  buf: Uint8Array = new Uint8Array(0);
  modelStart = 0;
  modelEnd = 0;
  providerStart = 0;
  providerEnd = 0;

  /** Reads a corvo.v1.UsageReport. False: it says nothing. */
  read(buf: Uint8Array, start: number, end: number): boolean {
    if (end === start) return false;
    const r = reader.read(buf, start, end);
    this.buf = buf;
    this.inputTokens = tokens(r.inputTokens);
    this.outputTokens = tokens(r.outputTokens);
    this.cacheCreationTokens = tokens(r.cacheCreationTokens);
    this.cacheReadTokens = tokens(r.cacheReadTokens);
    this.costNanos = nanosOf(r.costUsd);
    this.modelStart = skipSpace(buf, r.modelStart, r.modelEnd);
    this.modelEnd = cutText(buf, this.modelStart, trimEnd(buf, this.modelStart, r.modelEnd), nameBytesMax);
    this.providerStart = skipSpace(buf, r.providerStart, r.providerEnd);
    this.providerEnd = cutText(buf, this.providerStart, trimEnd(buf, this.providerStart, r.providerEnd), nameBytesMax);
    const numbers = this.inputTokens + this.outputTokens + this.cacheCreationTokens + this.cacheReadTokens + this.costNanos;
    return numbers > 0 || this.modelEnd > this.modelStart || this.providerEnd > this.providerStart;
  }
}

function tokens(given: number): number {
  return Math.max(0, Math.min(given, tokensMax));
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

function skipSpace(buf: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isSpace(buf[at])) at++;
  return at;
}

function trimEnd(buf: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && isSpace(buf[at - 1])) at--;
  return at;
}
