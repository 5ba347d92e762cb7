import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "esbuild";

/** A block of code in a document that can be run: its fence says `sh` or `ts` and nothing else. */
export interface Block {
  language: "sh" | "ts";
  /** Line of the first line of code, from 1. */
  line: number;
  code: string;
}

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const fence = /^(`{3,})(.*)$/.exec(lines[at]);
    if (!fence) continue;
    const end = lines.findIndex((line, i) => i > at && line === fence[1]);
    const language = fence[2].trim();
    if (language === "sh" || language === "ts") blocks.push({ language, line: at + 2, code: lines.slice(at + 1, end).join("\n") });
    at = end < 0 ? lines.length : end;
  }
  return blocks;
}

/** What stands in the way of a program that comes first in PATH. */
const shims = (root: string): Record<string, string> => {
  const corvo = `exec ${process.execPath} ${root}packages/cli/bin/corvo.mjs`;
  return {
    corvo: `#!/bin/sh\n${corvo} "$@"\n`,
    npx: `#!/bin/sh\n[ "$1" = corvo ] || { echo "docs may run npx corvo only" >&2; exit 99; }\nshift\n${corvo} "$@"\n`,
    // A refusal must end the block, as it would make its reader stop.
    curl: `#!/bin/sh\nfor arg; do case "$arg" in -f|-[a-zA-Z]f|--fail*) exec /usr/bin/curl "$@";; esac; done\nexec /usr/bin/curl --fail-with-body "$@"\n`,
  };
};

/**
 * One script that does what a reader would: every block in order, in one shell, TypeScript by node. It tells on descriptor 3 which block it is at.
 * A worker that runs until it is told to stop is told so after a while.
 */
export function scriptOf(blocks: readonly Block[], folder: string, root: string, url: string): string {
  mkdirSync(join(folder, "bin"), { recursive: true });
  for (const [name, text] of Object.entries(shims(root))) writeFileSync(join(folder, "bin", name), text, { mode: 0o755 });
  const parts = [`set -euo pipefail`, `export PATH="${folder}/bin:$PATH"`, `cd "${folder}"`];
  for (const block of blocks) {
    const code = block.code.replaceAll(/(http:\/\/)?localhost:8080/g, (_, scheme: string | undefined) => (scheme ? url : url.slice("http://".length)));
    parts.push(`echo ${block.line} >&3`);
    if (block.language === "sh") parts.push(code);
    else {
      const file = join(folder, `block-${block.line}`);
      writeFileSync(`${file}.ts`, `${block.code}\nexport {};\n`);
      writeFileSync(`${file}.mjs`, transformSync(code, { loader: "ts", format: "esm", target: "node20" }).code);
      parts.push(/\.run\(\)/.test(code) ? `timeout --signal=TERM --preserve-status 4 ${process.execPath} ${file}.mjs` : `${process.execPath} ${file}.mjs`);
    }
  }
  return `${parts.join("\n")}\n`;
}
