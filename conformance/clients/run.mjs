#!/usr/bin/env node
// Proves that the generated code and common tools work against the server: each adds, fetches and completes one job.
//   node conformance/clients/run.mjs [--url http://127.0.0.1:8080] [--only go,python,grpcurl,buf,curl] [--prepare]
// Without --url it starts a server of its own (needs a build). Programs are built once into node_modules/.cache/corvo-clients.
// What a machine lacks is skipped with a sentence; with CI=true that is a failure. --prepare only builds.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import * as tools from "./tools.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const cache = join(root, "node_modules", ".cache", "corvo-clients");
const exec = promisify(execFile);
const grpcurlVersion = "v1.9.4";

/** What a client needs, how it is made ready, and how it does its jobs. `run` resolves with a list of [way, job id]. */
const clients = {
  go: {
    needs: "go",
    async prepare() {
      const program = join(cache, "go-client");
      if (!fresh(program, [join(here, "go"), join(root, "gen", "go"), join(root, "gen", "go.mod")]))
        await exec("go", ["build", "-buildvcs=false", "-o", program, "."], { cwd: join(here, "go") });
      return program;
    },
    run: (program, url, prefix) => printed(program, [url, `${prefix}-go`]),
  },
  python: {
    needs: "python3",
    async prepare() {
      const python = join(cache, "python", "bin", "python");
      const done = join(cache, "python", "pyvenv.cfg");
      const requirements = join(here, "python", "requirements.txt");
      if (!existsSync(python) || !fresh(done, [requirements])) {
        rmSync(join(cache, "python"), { recursive: true, force: true });
        await exec("python3", ["-m", "venv", join(cache, "python")]);
        await exec(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]);
      }
      return python;
    },
    run: (python, url, prefix) =>
      printed(python, [join(here, "python", "client.py"), url, `${prefix}-py`], {
        PYTHONPATH: [join(root, "gen", "python"), process.env.PYTHONPATH].filter(Boolean).join(delimiter),
        PYTHONDONTWRITEBYTECODE: "1",
      }),
  },
  grpcurl: {
    needs: "go",
    async prepare() {
      const program = join(cache, "grpcurl");
      if (!existsSync(program))
        await exec("go", ["install", `github.com/fullstorydev/grpcurl/cmd/grpcurl@${grpcurlVersion}`], { env: { ...process.env, GOBIN: cache } });
      return program;
    },
    run: tools.grpcurl,
  },
  buf: { needs: join(root, "node_modules", ".bin", "buf"), prepare: async () => join(root, "node_modules", ".bin", "buf"), run: tools.buf },
  curl: { needs: "curl", prepare: async () => "curl", run: tools.curl },
};

/** Newer than everything that it is made of. */
function fresh(file, sources) {
  return existsSync(file) && statSync(file).mtimeMs > Math.max(...sources.map(newest));
}
function newest(path) {
  const facts = statSync(path);
  return facts.isDirectory() ? Math.max(facts.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name)))) : facts.mtimeMs;
}

async function printed(program, args, env = {}) {
  const { stdout } = await exec(program, args, { env: { ...process.env, ...env }, timeout: 60_000 });
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.split(" "));
}

async function isThere(program) {
  try {
    await exec(program, [program === "go" ? "version" : "--version"]);
    return true;
  } catch (cause) {
    return cause.code !== "ENOENT";
  }
}

/** A server of our own on a free port. */
async function startServer() {
  const dir = mkdtempSync(join(tmpdir(), "corvo-clients-"));
  const args = [join(root, "packages", "cli", "bin", "corvo.mjs"), "server", "--bind", "127.0.0.1:0", "--data-dir", dir, "--log-segment-size", "1MiB"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const lines = [];
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      lines.push(line);
      const ready = /corvo server ready.* bind=(\S+)/.exec(line);
      if (ready) resolve(`http://${ready[1]}`);
    });
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}:\n${lines.join("\n")}`)));
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  return { url, stop };
}

/** The job was done as the client says. */
async function examine(url, way, id) {
  const answer = await fetch(`${url}/api/v1/jobs/${id}`);
  const job = await answer.json();
  if (job.state !== "completed" || job.result !== "done") throw new Error(`${way}: job ${id} is ${JSON.stringify(job)}`);
}

const { values } = parseArgs({ options: { url: { type: "string" }, only: { type: "string" }, prepare: { type: "boolean", default: false } } });
const wanted = values.only?.split(",") ?? Object.keys(clients);
mkdirSync(cache, { recursive: true });
let failed = false;
const ready = await Promise.all(
  wanted.map(async (name) => {
    const client = clients[name];
    if (!client) throw new Error(`there is no client ${name}; there are ${Object.keys(clients).join(", ")}`);
    if (await isThere(client.needs)) return [name, await client.prepare()];
    console.log(`skipped: ${name} needs ${client.needs} on the PATH`);
    if (process.env.CI === "true") failed = true;
    return undefined;
  }),
);
if (!values.prepare) {
  const server = values.url === undefined ? await startServer() : { url: values.url, stop: async () => {} };
  try {
    for (const [name, program] of ready.filter((each) => each !== undefined)) {
      const prefix = `clients-${process.pid}-${Date.now()}`;
      try {
        const done = await clients[name].run(program, server.url, prefix);
        for (const [way, id] of done) await examine(server.url, way, id);
        console.log(`ok: ${name}: ${done.map(([way]) => way).join(", ")}`);
      } catch (cause) {
        failed = true;
        console.log(`FAILED: ${name}: ${cause.message}\n${cause.stderr ?? ""}`);
      }
    }
  } finally {
    await server.stop();
  }
}
process.exitCode = failed ? 1 : 0;
