/** Version of the rule by which errors are grouped: part of a group's id, so that old links stay what they are. */
export const errorCauseVersion = "v1";
const lookedAtMax = 400;
const wordsMax = 200;

/**
 * What is the same in errors of one cause: the first line with everything taken out that differs from case to case. Identifiers,
 * addresses, paths, quoted texts and numbers of more than three digits become their kind in angle brackets.
 */
export function errorWords(error: string): string {
  const end = error.search(/[\r\n]/);
  return (end < 0 ? error : error.slice(0, end))
    .slice(0, lookedAtMax)
    .replace(/"[^"]*"|'[^']*'|`[^`]*`/g, "<text>")
    .replace(/[\w.+-]+@[\w-]+(\.[\w-]+)+/g, "<email>")
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s<>]+/gi, "<url>")
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<uuid>")
    .replace(/\b\d{1,3}(\.\d{1,3}){3}\b/g, "<ip>")
    .replace(/\b(job|batch|chn|budget|sched|bulk|wh)_[0-9a-z_]+\b/g, "<id>")
    .replace(/(^|[\s(=:])(\/[\w.@-]+)+\/?/g, "$1<path>")
    .replace(/\b0x[0-9a-f]+\b/gi, "<hex>")
    .replace(/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{6,}\b/gi, "<hex>")
    .replace(/<ip>:\d+/g, "<ip>:<port>")
    .replace(/\d{4,}(\.\d+)?/g, "<n>")
    .replace(/\b\d+(\.\d+)?(?= ?(ms|s|m|h|%|bytes|kb|mb|seconds?|minutes?|attempts?|times)\b)/gi, "<n>")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, wordsMax);
}

/** Id of the group that errors with these words form in a queue: 16 hexadecimal digits behind the version. */
export function errorCause(queue: string, words: string): string {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  const add = (code: number): void => {
    low = Math.imul(low ^ code, 0x01000193) >>> 0;
    high = Math.imul(high ^ (code + 0x7f), 0x85ebca6b) >>> 0;
    high = (high ^ (high >>> 13)) >>> 0;
  };
  for (let i = 0; i < queue.length; i++) add(queue.charCodeAt(i));
  add(0x1f);
  for (let i = 0; i < words.length; i++) add(words.charCodeAt(i));
  return `${errorCauseVersion}:${high.toString(16).padStart(8, "0")}${low.toString(16).padStart(8, "0")}`;
}
