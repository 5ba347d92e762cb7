// Checks proto/: `node tools/lint-proto.mjs`. House rules and comments (buf lint), layout (buf format), and that nothing which clients of
// Corvo v0.3 have on the wire has changed (buf breaking against proto/baseline/corvo-v0.3.binpb).
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const buf = fileURLToPath(new URL("../node_modules/.bin/buf", import.meta.url));

const checks = [
  { args: ["lint"], help: "the rules are in buf.yaml" },
  { args: ["format", "proto", "-d", "--exit-code"], help: "run `npx buf format proto -w`" },
  { args: ["breaking", "proto", "--against", "proto/baseline/corvo-v0.3.binpb"], help: "clients of Corvo v0.3 would break; take a new field number instead" },
];

let failed = false;
for (const { args, help } of checks) {
  const { status, stdout, stderr, error } = spawnSync(buf, args, { cwd: root, encoding: "utf8" });
  if (error === undefined && status === 0) continue;
  failed = true;
  console.error(`buf ${args.join(" ")}: ${help}\n${error?.message ?? ""}${stdout}${stderr}`);
}
if (!failed) console.log("proto: lint, format and compatibility with v0.3 are fine");
process.exit(failed ? 1 : 0);
