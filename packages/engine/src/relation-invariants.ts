import { EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { BatchNumber, openBatches } from "./batch.js";
import { EdgeNumber, HeadNumber } from "./dependencies.js";
import { FamilyNumber } from "./family.js";
import { ensure } from "./invariant.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { JobFlag, JobState } from "./tables/job-table.js";

const request = new EnqueueRequestReader();
const decoder = new TextDecoder();

/** Counts the members of batches and families and the edges of dependencies anew, and compares. Throws InvariantBroken. */
export function checkRelations(s: State): void {
  const { entities, jobs } = s;
  const members = new Map<number, number>();
  const children = new Map<string, number>();
  const waits = checkEdges(s);
  for (let row = 0; row < jobs.rows; row++) {
    if (jobs.state(row) === 0) continue;
    const batch = jobs.batch(row);
    if (batch !== 0) members.set(batch, (members.get(batch) ?? 0) + 1);
    ensure(jobs.waits(row) === (waits.get(jobs.seq(row)) ?? 0), `row ${row} waits for ${jobs.waits(row)} jobs, ${waits.get(jobs.seq(row)) ?? 0} edges`);
    ensure(jobs.waits(row) === 0 || jobs.state(row) !== JobState.active, `row ${row} is active and waits for others`);
    waits.delete(jobs.seq(row));
    if ((jobs.flags(row) & JobFlag.hasParent) === 0) continue;
    const address = jobs.request(row);
    const start = s.arena.start(address);
    const r = request.read(s.arena.memory(address), start, start + s.arena.length(address));
    const parent = decoder.decode(r.buf.subarray(r.parentIdStart, r.parentIdEnd));
    children.set(parent, (children.get(parent) ?? 0) + 1);
  }
  ensure(waits.size === 0, "an edge of a job that is not there");
  for (let e = entities.first(EntityKind.batch); e !== -1; e = entities.following(e)) {
    const live = members.get(entities.serial(e)) ?? 0;
    checkSum(s, e, BatchNumber.deleted, `batch ${decoder.decode(entities.keyOf(e))}`);
    ensure(entities.num(e, BatchNumber.pending) === live, `batch ${decoder.decode(entities.keyOf(e))} counts ${entities.num(e, 1)} members, there are ${live}`);
  }
  const open = openBatches(s);
  for (const owner of new Set([...open.keys(), ...s.openBatches.keys()])) {
    ensure((open.get(owner) ?? 0) === (s.openBatches.get(owner) ?? 0), `namespace ${owner} has another number of open batches`);
  }
  for (let e = entities.first(EntityKind.child); e !== -1; e = entities.following(e)) {
    const parent = decoder.decode(entities.keyOf(e));
    checkSum(s, e, FamilyNumber.deleted, `family of ${parent}`);
    ensure(entities.num(e, FamilyNumber.pending) === (children.get(parent) ?? 0), `family of ${parent}: children are miscounted`);
  }
  ensure(s.follow.wanted.length === 0, "a job was called for and not added");
}

/** The first number is the sum of the others up to this one. */
function checkSum(s: State, e: number, last: number, what: string): void {
  let sum = 0;
  for (let i = 1; i <= last; i++) {
    ensure(s.entities.num(e, i) >= 0, `${what}: number ${i} is below 0`);
    sum += s.entities.num(e, i);
  }
  ensure(s.entities.num(e, 0) === sum, `${what}: ${s.entities.num(e, 0)} in total, ${sum} counted`);
}

/** Number of edges by sequence of the job that waits. */
function checkEdges(s: State): Map<number, number> {
  const { entities } = s;
  const waits = new Map<number, number>();
  let edges = 0;
  for (let head = entities.first(EntityKind.dependency); head !== -1; head = entities.following(head)) {
    let before = 0;
    let count = 0;
    for (let serial = entities.num(head, HeadNumber.first); serial !== 0; ) {
      const edge = entities.bySerial(serial);
      ensure(edge !== -1 && entities.num(edge, EdgeNumber.head) === entities.serial(head), `edge ${serial} is in the wrong list`);
      ensure(entities.num(edge, EdgeNumber.prev) === before, `edge ${serial} does not know its neighbour`);
      const seq = entities.num(edge, EdgeNumber.seq);
      waits.set(seq, (waits.get(seq) ?? 0) + 1);
      before = serial;
      serial = entities.num(edge, EdgeNumber.next);
      count++;
    }
    ensure(entities.num(head, HeadNumber.last) === before && entities.num(head, HeadNumber.count) === count && count > 0, "a head miscounts its edges");
    edges += count;
  }
  ensure(edges === entities.count(EntityKind.dependencyEdge), "an edge is in no list");
  return waits;
}
