import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { sampleIdentity, seededRandom } from "./exercise.js";
import { exerciseLogStore } from "./exercise-log-store.js";
import { nodeDisk } from "./node-disk.js";
import { createSegmentLog, openSegmentLog } from "./segment-log-open.js";
import { SimulatedDisk } from "./simulated-disk.js";

const suite = { describe, it };

exerciseLogStore(
  "segments",
  async () => {
    const root = await mkdtemp(join(tmpdir(), "corvo-log-"));
    const options = { disk: nodeDisk(root), identity: sampleIdentity, segmentBytes: 16 * 1024 };
    await createSegmentLog(options);
    return { open: (more) => openSegmentLog({ ...options, ...more }), done: () => rm(root, { recursive: true }) };
  },
  suite,
);

exerciseLogStore(
  "segments, small records synced on the calling thread",
  async () => {
    const options = { disk: new SimulatedDisk({ random: seededRandom(1) }), identity: sampleIdentity, segmentBytes: 16 * 1024, inlineSyncMsMax: 1 };
    await createSegmentLog(options);
    return { open: (more) => openSegmentLog({ ...options, ...more }) };
  },
  suite,
);

exerciseLogStore(
  "segments, simulated disk",
  async () => {
    const options = { disk: new SimulatedDisk({ random: seededRandom(1) }), identity: sampleIdentity, segmentBytes: 16 * 1024 };
    await createSegmentLog(options);
    return { open: (more) => openSegmentLog({ ...options, ...more }) };
  },
  suite,
);
