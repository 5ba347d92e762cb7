import { commands } from "./commands.js";
import { nodeIo } from "./node-io.js";
import { run } from "./program.js";

/** The process `corvo`. Sets the exit code and ends when its last output is written. */
process.exitCode = await run(commands, process.argv.slice(2), nodeIo());
