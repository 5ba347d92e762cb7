import type { FakeServer } from "../fake-server.js";
import { answers as agents } from "./agents.js";
import { answers as auth } from "./auth.js";
import { answers as events } from "./events.js";
import { answers as operations } from "./operations.js";
import { answers as schedules } from "./schedules.js";
import { answers as seed } from "./seed.js";
import { answers as together } from "./together.js";
import { answers as view } from "./view.js";
import { answers as workers } from "./workers.js";

export function areaAnswers(server: FakeServer): void {
  for (const answers of [agents, auth, events, operations, schedules, seed, together, view, workers]) answers(server);
}
