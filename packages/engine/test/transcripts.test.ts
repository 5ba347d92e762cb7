import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Transcript } from "./transcript.js";

// One transcript per verb. To record them again: UPDATE_TRANSCRIPTS=1 npx vitest run packages/engine, then read the diff.
const folder = fileURLToPath(new URL("transcripts/", import.meta.url));

for (const file of readdirSync(folder).sort()) {
  test(`transcript ${file}`, async () => {
    const expected = readFileSync(folder + file, "utf8");
    const transcript = new Transcript();
    const found = transcript.run(expected);
    if (process.env.UPDATE_TRANSCRIPTS !== undefined) writeFileSync(folder + file, found);
    else expect(found).toBe(expected);
    const restored = await transcript.bench.restored();
    restored.checkInvariants();
    expect(restored.contentDigest()).toBe(transcript.bench.engine.contentDigest());
  });
}
