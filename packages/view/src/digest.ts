import { createHash } from "node:crypto";
import { type Db, fact } from "./schema.js";

/** A hash of everything in the view, whatever order it was written in: two views of one state at one index have the same. */
export function viewDigest(db: Db): string {
  const hash = createHash("sha256");
  hash.update(String(fact(db, "index")));
  for (const sql of ["SELECT * FROM queues ORDER BY serial", "SELECT * FROM jobs ORDER BY seq", "SELECT * FROM tags ORDER BY pair, seq"]) {
    for (const row of db.prepare(sql).raw().iterate()) hash.update(JSON.stringify(row));
    hash.update("\n");
  }
  return hash.digest("hex");
}
