import { BodyError } from "./errors.js";
import type { FieldPlan } from "./plan.js";

/**
 * Finds the end of one JSON value. `start` is the value's first byte (no white space before it). Returns the offset behind the value,
 * or a negative number when what stands there is not JSON or is nested too deeply. Must accept exactly the grammar of RFC 8259;
 * bytes from 0x80 up inside strings may pass unseen, they are checked apart.
 */
export type ScanJson = (bytes: Uint8Array, start: number, end: number) => number;

/** A number's spelling may be so long: longer ones mean nothing that shorter ones could not. */
const numberBytesMax = 400;

/** A place in JSON text: reads tokens from there, and says in words what is wrong where. */
export abstract class JsonReader {
  protected buf: Uint8Array = new Uint8Array(0);
  protected pos = 0;
  protected end = 0;
  /** The way from the body to the value that is read, for the error text: fields, list positions, and map keys as -1 - offset. */
  protected readonly trail: (FieldPlan | number)[] = [];
  protected depth = 0;
  /** Begins the sentence of a value that does not fit its field. */
  protected preface = "";

  constructor(protected readonly scanJson: ScanJson) {}

  /** Reads a JSON number. Whole ones of up to 15 digits are computed on the way. */
  protected number(what: string): number {
    const { buf, end } = this;
    const start = this.pos;
    let p = start;
    const minus = buf[p] === 0x2d;
    if (minus) p++;
    const first = p;
    let value = 0;
    const most = Math.min(end, first + numberBytesMax);
    while (p < most && buf[p] >= 0x30 && buf[p] <= 0x39) value = value * 10 + buf[p++] - 0x30;
    if (p === first) this.mistyped(what);
    if (p === first + numberBytesMax) this.wrong("has too many digits");
    if (p - first > 1 && buf[first] === 0x30) this.syntax(undefined, first + 1);
    const whole = buf[p] !== 0x2e && buf[p] !== 0x65 && buf[p] !== 0x45;
    if (!whole || p - first > 15) {
      if (buf[p] === 0x2e) p = this.digits(p + 1);
      if (buf[p] === 0x65 || buf[p] === 0x45) p = this.digits(buf[p + 1] === 0x2b || buf[p + 1] === 0x2d ? p + 2 : p + 1);
      this.pos = p;
      if (p - start > numberBytesMax) this.wrong("has too many digits");
      return Number(Buffer.from(buf.subarray(start, p)).toString("latin1"));
    }
    this.pos = p;
    return minus ? -value : value;
  }

  private digits(from: number): number {
    let p = from;
    while (p < this.end && this.buf[p] >= 0x30 && this.buf[p] <= 0x39) p++;
    if (p === from) this.syntax(undefined, p);
    return p;
  }

  protected word(word: string): void {
    for (let i = 0; i < word.length; i++) if (this.buf[this.pos + i] !== word.charCodeAt(i)) this.syntax(undefined, this.pos + i);
    this.pos += word.length;
  }

  /** Steps over a value, whatever it is. Returns the offset behind it. */
  protected skip(): number {
    const stop = this.scanJson(this.buf, this.pos, this.end);
    if (stop < 0) this.syntax();
    this.pos = stop;
    return stop;
  }

  protected space(): void {
    const { buf } = this;
    let p = this.pos;
    while (buf[p] === 0x20 || buf[p] === 0x0a || buf[p] === 0x0d || buf[p] === 0x09) p++;
    this.pos = p;
  }

  // Faults

  /** Not JSON. */
  protected syntax(what?: string, at = this.pos): never {
    throw new BodyError("invalid JSON", `${what ?? (at >= this.end ? "it ends too early" : "unexpected character")} at byte ${Math.min(at, this.end)}`);
  }

  /** JSON, but not what this field takes. */
  protected wrong(what: string): never {
    throw this.fault(what);
  }

  /** The same at the first byte of a value of a body: when it is not even JSON, that is what is said. */
  protected mistyped(what: string): never {
    if (this.preface !== "" && this.scanJson(this.buf, this.pos, this.end) < 0) this.syntax();
    throw this.fault(what);
  }

  protected fault(what: string): BodyError {
    const path = this.path();
    return new BodyError(`${this.preface}${path} ${what}`, undefined, { field: path });
  }

  private path(): string {
    let path = "";
    for (const step of this.trail.slice(0, this.depth)) {
      if (typeof step !== "number") path += path === "" ? step.name : `.${step.name}`;
      else if (step >= 0) path += `[${step}]`;
      else {
        const start = -step;
        const stop = this.buf.indexOf(0x22, start);
        path += `.${Buffer.from(this.buf.subarray(start, Math.min(stop < 0 ? this.end : stop, start + 80))).toString()}`;
      }
    }
    return path;
  }
}
