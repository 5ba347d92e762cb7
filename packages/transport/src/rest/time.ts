/** A time as protobuf holds it: filled by `parseTimestamp`, valid until its next call. `seconds` since 1970, `nanos` 0 to 999,999,999. */
export const timestamp = { seconds: 0, nanos: 0 };

const daysOfMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Reads an RFC 3339 time, years 1 to 9999, any offset, into `timestamp`. More than nine digits of a second are cut. False when it is
 * not one; a leap second is not one.
 */
export function parseTimestamp(buf: Uint8Array, start: number, end: number): boolean {
  if (end - start < 20 || end - start > 64) return false;
  const year = digits(buf, start, 4);
  const month = digits(buf, start + 5, 2);
  const day = digits(buf, start + 8, 2);
  const hour = digits(buf, start + 11, 2);
  const minute = digits(buf, start + 14, 2);
  const second = digits(buf, start + 17, 2);
  const t = buf[start + 10];
  if (buf[start + 4] !== 0x2d || buf[start + 7] !== 0x2d || (t !== 0x54 && t !== 0x74) || buf[start + 13] !== 0x3a || buf[start + 16] !== 0x3a) return false;
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && hour <= 23 && minute <= 59 && second <= 59)) return false;
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day > daysOfMonth[month - 1] + (leap ? 1 : 0)) return false;
  let p = start + 19;
  let nanos = 0;
  if (buf[p] === 0x2e) {
    const first = ++p;
    let unit = 100_000_000;
    for (; p < end && buf[p] >= 0x30 && buf[p] <= 0x39; p++) {
      nanos += unit >= 1 ? (buf[p] - 0x30) * unit : 0;
      unit /= 10;
    }
    if (p === first) return false;
  }
  let offset = 0;
  if (buf[p] === 0x5a || buf[p] === 0x7a) p++;
  else {
    const hours = digits(buf, p + 1, 2);
    const minutes = digits(buf, p + 4, 2);
    if ((buf[p] !== 0x2b && buf[p] !== 0x2d) || buf[p + 3] !== 0x3a || !(hours <= 23 && minutes <= 59)) return false;
    offset = (hours * 60 + minutes) * (buf[p] === 0x2b ? 60 : -60);
    p += 6;
  }
  if (p !== end) return false;
  timestamp.seconds = daysOf(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
  timestamp.nanos = Math.floor(nanos);
  return timestamp.seconds >= secondsMin && timestamp.seconds <= secondsMax;
}

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
export const secondsMin = -62_135_596_800;
export const secondsMax = 253_402_300_799;

/** Writes RFC 3339 in UTC with up to nine digits of a second, trailing zeros cut. Needs room for 30 bytes; returns the offset behind it. */
export function writeTimestamp(out: Uint8Array, at: number, seconds: number, nanos: number): number {
  const clamped = Math.min(Math.max(seconds, secondsMin), secondsMax);
  const days = Math.floor(clamped / 86_400);
  const rest = clamped - days * 86_400;
  // Days to date in the proleptic Gregorian calendar, counted in eras of 400 years that begin on 1 March.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  let pos = put(out, at, year, 4);
  out[pos++] = 0x2d;
  pos = put(out, pos, month, 2);
  out[pos++] = 0x2d;
  pos = put(out, pos, day, 2);
  out[pos++] = 0x54;
  pos = put(out, pos, Math.floor(rest / 3600), 2);
  out[pos++] = 0x3a;
  pos = put(out, pos, Math.floor(rest / 60) % 60, 2);
  out[pos++] = 0x3a;
  pos = put(out, pos, rest % 60, 2);
  if (nanos > 0 && nanos < 1e9) {
    out[pos++] = 0x2e;
    pos = put(out, pos, nanos, 9);
    while (out[pos - 1] === 0x30) pos--;
  }
  out[pos++] = 0x5a;
  return pos;
}

/** A number of exactly `count` digits, NaN when there is something else. */
function digits(buf: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const d = buf[i] - 0x30;
    if (!(d >= 0 && d <= 9)) return Number.NaN;
    value = value * 10 + d;
  }
  return value;
}

function put(out: Uint8Array, at: number, value: number, count: number): number {
  let v = value;
  for (let i = at + count - 1; i >= at; i--) {
    out[i] = 0x30 + (v % 10);
    v = Math.floor(v / 10);
  }
  return at + count;
}

function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468;
}
