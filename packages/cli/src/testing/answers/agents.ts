import type { FakeServer } from "../fake-server.js";

/** What the made-up server answers to the commands of `commands/agents.ts`: the examples in their help run against it. */
export function answers(_server: FakeServer): void {}
