// Makes gen/ from proto/: `node tools/generate.mjs [target…] [--check]`. Targets: ts, go, python, openapi, access; none named: all.
// --check makes everything in a temporary folder and compares; it changes nothing and exits with 1 on any difference. What was found equal is
// remembered under node_modules/.cache, and not made again until one of the files that it depends on, or a toolchain, changes.
// Where a toolchain is missing, the committed code is kept with a warning; it is an error when CI=true or when the target was named.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const venv = join(root, "node_modules/.cache/protogen-venv");
const venvBin = join(venv, process.platform === "win32" ? "Scripts" : "bin");

/** What each target needs, and what `clean: true` in its template empties: nothing written by hand may be in there. */
const targets = {
  ts: { template: "buf.gen.yaml", folder: "gen/ts/src", prepare: () => undefined },
  go: { template: "buf.gen.go.yaml", folder: "gen/go", prepare: prepareGo },
  python: { template: "buf.gen.python.yaml", folder: "gen/python", prepare: preparePython },
  openapi: { template: "buf.gen.openapi.yaml", folder: "gen/openapi", prepare: () => undefined },
  access: { template: "buf.gen.access.yaml", folder: "gen/access", prepare: () => undefined },
};

const named = process.argv.slice(2).filter((word) => word !== "--check");
const check = process.argv.includes("--check");
const wrong = named.filter((name) => !(name in targets));
if (wrong.length > 0) stop(`unknown target ${wrong.join(", ")}; there are ${Object.keys(targets).join(", ")}`);

let failed = false;
for (const [name, target] of Object.entries(targets)) {
  if (named.length > 0 && !named.includes(name)) continue;
  if (!existsSync(join(root, target.template)) && !named.includes(name)) continue;
  const missing = existsSync(join(root, target.template)) ? target.prepare() : `${target.template} is not there`;
  if (missing !== undefined) {
    const must = process.env.CI === "true" || named.includes(name);
    console.error(`${name}: ${missing}${must ? "" : "; the committed code stays"}`);
    failed ||= must;
  } else if (check && remembered(name, target)) {
    console.log(`${name}: ${target.folder} is what proto/ says (remembered: nothing has changed since)`);
  } else if (!(check ? compare(name, target) : generate(target.template))) {
    failed = true;
  } else console.log(`${name}: ${target.folder} ${check ? "is what proto/ says" : "written"}`);
}
process.exit(failed ? 1 : 0);

function generate(template, out = ".") {
  return run("buf", ["generate", "--template", template, "-o", out]).ok;
}

function compare(name, { template, folder }) {
  const temporary = mkdtempSync(join(tmpdir(), "corvo-generate-"));
  try {
    if (!generate(template, temporary)) return false;
    const { ok, output } = run("git", ["diff", "--no-index", "--stat", join(temporary, folder), folder], true);
    if (ok) remember(name, folder);
    else console.error(`${name}: ${folder} is not what proto/ says; run \`npm run generate\`\n${output}`);
    return ok;
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/** What decides what is made: protos, templates, generators with what they import, versions. And what was made. */
function fingerprint(folder) {
  const hash = createHash("sha256").update(process.version);
  for (const program of [
    ["go", "version"],
    ["python3", "--version"],
  ])
    hash.update(run(program[0], program.slice(1), true).output);
  const paths = ["proto", "tools/protogen", "tools/generate.mjs", "packages/transport/src", "packages/protocol/src", "package-lock.json", "buf.yaml", folder];
  for (const path of [...paths, ...Object.values(targets).map(({ template }) => template)]) addTo(hash, path);
  return hash.digest("hex");
}

function addTo(hash, path) {
  const full = join(root, path);
  if (!existsSync(full)) return;
  if (statSync(full).isDirectory()) for (const name of readdirSync(full).sort()) addTo(hash, join(path, name));
  else hash.update(`${path}\0`).update(createHash("sha256").update(readFileSync(full)).digest());
}

function stampOf(name) {
  return join(root, "node_modules/.cache/corvo", `generated-${name}`);
}

function remembered(name, { folder }) {
  return existsSync(stampOf(name)) && readFileSync(stampOf(name), "utf8") === fingerprint(folder);
}

function remember(name, folder) {
  mkdirSync(join(root, "node_modules/.cache/corvo"), { recursive: true });
  writeFileSync(stampOf(name), fingerprint(folder));
}

/** Undefined when Go and the plugins are there, otherwise what is missing. */
function prepareGo() {
  if (!run("go", ["version"], true).ok) return "Go is not installed";
  return run("go", ["-C", "tools/protogen", "mod", "download"], true).ok ? undefined : "the Go plugins cannot be downloaded";
}

/** Makes the virtual environment anew when requirements.txt changed. */
function preparePython() {
  if (!run("python3", ["--version"], true).ok) return "Python is not installed";
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "tools/protogen/requirements.txt")))
    .digest("hex");
  const stamp = join(venv, "requirements.sha256");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return undefined;
  rmSync(venv, { recursive: true, force: true });
  if (!run("python3", ["-m", "venv", venv], true).ok) return "python3 -m venv does not work";
  const { ok, output } = run(join(venvBin, "pip"), ["install", "--quiet", "--disable-pip-version-check", "-r", "tools/protogen/requirements.txt"], true);
  if (!ok) return `the Python plugins cannot be installed\n${output}`;
  writeFileSync(stamp, wanted);
  return undefined;
}

/** Runs in the root with the project's own programs first on PATH. */
function run(command, args, quiet = false) {
  const path = [join(root, "node_modules/.bin"), venvBin, process.env.PATH].join(delimiter);
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, PATH: path },
    encoding: "utf8",
    stdio: quiet ? "pipe" : ["ignore", "inherit", "inherit"],
  });
  return { ok: error === undefined && status === 0, output: `${stdout ?? ""}${stderr ?? ""}` };
}

function stop(text) {
  console.error(text);
  process.exit(2);
}
