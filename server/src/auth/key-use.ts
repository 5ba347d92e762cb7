import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeKeysUsedCommand } from "@corvo/gen/corvo/internal/v1/auth_fast.js";
import { Verb } from "@corvo/protocol";
import type { Replica } from "@corvo/replica";
import type { Directory } from "./directory.js";

/** Keys in one command. */
const keysMax = 1000;

/** Notes in the log which keys were used since the last time: one command for all of them, and none when none was. */
export function noteUsedKeys(directory: Directory, replica: Replica): void {
  const used = [...directory.identities()].filter((identity) => identity.used).slice(0, keysMax);
  if (used.length === 0) return;
  for (const identity of used) identity.used = false;
  const w = new Writer();
  encodeKeysUsedCommand(w, { keyHashes: used.map((identity) => identity.keyHash) });
  const again = (): void => {
    for (const identity of used) identity.used = true; // the next time
  };
  replica.submit(
    { verb: Verb.KEYS_USED, flags: 0, namespace: "", principal: "", requestHash: undefined, body: w.copy() },
    { answer: () => {}, refused: again },
  );
}
