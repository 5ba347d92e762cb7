import { join } from "node:path";
import { beginMessage, endMessage, putText, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { PutScheduleRequestTag } from "@corvo/gen/corvo/v1/schedule_fast.js";
import { EnqueueRequestTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { type Bed, type Group, payload, round } from "./bed.js";
import { costOf, halfMs } from "./compare-rates.js";
import { runtimeFacts, ServerProcess } from "./server-process.js";
import { requestHead, UnaryConnection } from "./unary-client.js";

const schedules = 100_000;
const connections = 64;

interface Scheduled {
  /** One without schedules. */
  empty: ServerProcess;
  full: ServerProcess;
  bytesEach: number;
}

/** Many schedules none of which is due: they should cost memory and nothing else. */
export function scheduleGroup(bed: Bed): Group<Scheduled> {
  return {
    flags: ["--read-view=false"],
    prepare: async (full, home) => {
      const before = (await runtimeFacts(full.url))?.heap_inuse_bytes ?? 0;
      const startMs = performance.now();
      await putSchedules(full.url);
      const after = (await runtimeFacts(full.url))?.heap_inuse_bytes ?? 0;
      bed.options.say(`  ${schedules} schedules are in after ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
      const empty = await ServerProcess.start(bed.options.corvo, join(home, "empty"), ["--read-view=false"]);
      await bed.warm(empty);
      await bed.warm(full);
      return { empty, full, bytesEach: (after - before) / schedules };
    },
    end: ({ empty }) => empty.stop(),
    rows: [
      {
        name: "100,000 schedules that are not due, cost of the cycle's rate",
        unit: "%",
        more: false,
        must: 5,
        aim: 2,
        once: true,
        run: ({ empty, full }) =>
          costOf(
            () => bed.stream(empty, { ms: halfMs(bed) }),
            () => bed.stream(full, { ms: halfMs(bed) }),
          ),
      },
      {
        name: "memory of a schedule beside its job's payload",
        unit: "B",
        more: false,
        must: 500,
        aim: 250,
        once: true,
        run: async ({ bytesEach }) => ({ value: round(bytesEach - payload.length), errors: 0, note: `resident memory, ${schedules} schedules` }),
      },
    ],
  };
}

/** Daily ones, so that none is due while they are measured. */
async function putSchedules(url: string): Promise<void> {
  const { hostname, port, host } = new URL(url);
  const head = requestHead(host, "/corvo.v1.ScheduleService/PutSchedule", "application/proto");
  let next = 0;
  const worker = async (): Promise<void> => {
    const connection = new UnaryConnection(hostname, Number(port));
    for (let n = next++; n < schedules; n = next++) {
      const { status, body } = await connection.request(head, putRequest(n));
      if (status !== 200) throw new Error(`PutSchedule: ${status} ${body.toString()}`);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, worker));
}

function putRequest(n: number): Uint8Array {
  const w = new Writer(512);
  putText(w, PutScheduleRequestTag.name, `schedule-${n}`);
  putText(w, PutScheduleRequestTag.cron, "@every 24h");
  const at = beginMessage(w, PutScheduleRequestTag.job, payload.length + 20);
  putText(w, EnqueueRequestTag.queue, "bench.scheduled");
  putText(w, EnqueueRequestTag.payloadJson, payload);
  endMessage(w, at);
  return w.buf.slice(0, w.pos);
}
