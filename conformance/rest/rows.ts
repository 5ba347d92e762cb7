import type { Row } from "./row.js";
import { authRows, orgRows } from "./rows-auth.js";
import { jobRows } from "./rows-jobs.js";
import { moneyRows } from "./rows-money.js";
import { oursRows } from "./rows-ours.js";
import { queueRows } from "./rows-queues.js";
import { systemRows } from "./rows-system.js";
import { workerRows } from "./rows-worker.js";

/** The tables of the specification of REST, section by section. */
export const sections: readonly { title: string; rows: readonly Row[] }[] = [
  { title: "Producer and worker", rows: workerRows },
  { title: "Jobs", rows: jobRows },
  { title: "Queues", rows: queueRows },
  { title: "System and cluster", rows: systemRows },
  { title: "Budgets, policies, webhooks", rows: moneyRows },
  { title: "Keys, roles, namespaces, audit", rows: [...authRows, ...orgRows] },
  { title: "Beyond Corvo v0.3", rows: oursRows },
];
