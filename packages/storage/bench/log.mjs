// Appends per second beside what the disk can sync per second. After a build: node packages/storage/bench/log.mjs [directory]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ArchiveSegments, archiveRecordOverheadBytes, createSegmentLog, nodeDisk, openSegmentLog } from "../dist/index.js";

const identity = { clusterId: "00112233445566778899aabbccddeeff", nodeId: 1, shard: 0, salt: "0123456789abcdef" };
const jobBytes = 300;
const root = await mkdtemp(join(process.argv[2] ?? tmpdir(), "corvo-bench-"));

/** Runs `turn` for `durationMs`; returns turns per second and CPU microseconds per turn. */
async function measure(durationMs, turn) {
  const cpu = process.cpuUsage();
  const began = performance.now();
  let turns = 0;
  while (performance.now() - began < durationMs) {
    await turn();
    turns++;
  }
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: turns / seconds, cpuMicros: (user + system) / turns };
}

function row(what, result, jobs) {
  const figures = [`${Math.round(result.perSecond).toLocaleString("en")}/s`, `${result.cpuMicros.toFixed(1)} µs CPU`];
  if (jobs > 0) figures.push(`${Math.round(result.perSecond * jobs).toLocaleString("en")} jobs/s`, `${(result.cpuMicros / jobs).toFixed(2)} µs CPU a job`);
  console.log(what.padEnd(46), figures.map((figure) => figure.padStart(20)).join(""));
}

async function floor(bytes) {
  const disk = nodeDisk(root);
  const file = await disk.open(`floor-${bytes}`, "create");
  await file.write([Buffer.alloc(32 * 1024 * 1024)], 0);
  await file.sync();
  const block = Buffer.alloc(bytes, 7);
  let at = 0;
  const result = await measure(1000, async () => {
    file.writeSync([block], at);
    at = (at + bytes) % (32 * 1024 * 1024 - bytes);
    await file.sync();
  });
  await file.close();
  row(`write + fdatasync, ${bytes} bytes, preallocated`, result, 0);
}

async function appends(what, durable, entryJobs, inFlight) {
  const disk = nodeDisk(join(root, `log-${durable}-${entryJobs}-${inFlight}`));
  await disk.makeDirectory("");
  const options = { disk, identity, durable };
  await createSegmentLog(options);
  const log = await openSegmentLog(options);
  await log.refill();
  const data = Buffer.alloc(entryJobs * jobBytes, 5);
  let index = 0;
  const one = () => log.append({ entries: [{ index: ++index, term: 1, type: 0, data }], hardState: { term: 1, vote: 1, commit: index } });
  const result = await measure(1500, () => (inFlight === 1 ? one() : Promise.all(Array.from({ length: inFlight }, one))));
  row(what, { perSecond: result.perSecond * inFlight, cpuMicros: result.cpuMicros / inFlight }, entryJobs);
  await log.close();
  if (durable && entryJobs > 1) {
    const began = performance.now();
    const again = await openSegmentLog(options);
    console.log(`  opened again: ${(again.bytes / 1e6).toFixed(0)} MB of records in ${(performance.now() - began).toFixed(0)} ms`);
    await again.close();
  }
  await rm(disk.root, { recursive: true });
}

async function archive() {
  const disk = nodeDisk(join(root, "data"));
  await disk.makeDirectory("archive");
  const store = await ArchiveSegments.open({ disk, identity, reserveBytes: 0 });
  await store.rewindTo({ segment: 1, offset: 0 });
  const bytes = Buffer.alloc(jobBytes, 3);
  let place = { segment: 1, offset: 0 };
  let seq = 0;
  const result = await measure(1000, async () => {
    for (let count = 0; count < 64; count++) {
      if (place.offset + jobBytes + archiveRecordOverheadBytes > 64 * 1024 * 1024) place = { segment: place.segment + 1, offset: 0 };
      store.append(place, ++seq, bytes);
      place = { segment: place.segment, offset: place.offset + jobBytes + archiveRecordOverheadBytes };
    }
    await new Promise((resolve) => setImmediate(resolve));
  });
  row("archive, 64 finished jobs a turn", result, 64);
  const drained = performance.now();
  await store.sync();
  console.log(`  sync of the rest: ${(performance.now() - drained).toFixed(0)} ms`);
  const found = await measure(300, () => store.find(1 + Math.floor(Math.random() * seq)));
  row(`archive, find among ${seq.toLocaleString("en")}`, found, 0);
  await store.close();
}

await floor(4096);
await floor(64 * 1024);
await appends("append, durable, 1 job, 1 in flight", true, 1, 1);
await appends("append, durable, 1 job, 64 in flight", true, 1, 64);
await appends("append, durable, 64 jobs, 1 in flight", true, 64, 1);
await appends("append, durable, 64 jobs, 8 in flight", true, 64, 8);
await appends("append, not durable, 64 jobs", false, 64, 1);
await archive();
await rm(root, { recursive: true });
