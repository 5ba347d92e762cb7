import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RunTools, runs, until } from "./run-tools.js";

const tools = new RunTools();
const { folder } = tools;
const corvo = tools.corvo.bind(tools);
const added = tools.added.bind(tools);
const jobIs = tools.jobIs.bind(tools);
const script = tools.script.bind(tools);

test("the payload goes in as it was typed, and JSON that comes out is the result", async () => {
  const id = await added("echo", { payload: { n: 1, deep: { ü: [1.5] } } });
  const { code, out } = await corvo("run -q echo --limit 1 -- cat");
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`^ready: echo, 1 at a time, worker run@testhost:\\d+\\n\\S+ {2}completed {2}${id} {2}echo {2}\\S+\\n$`));
  expect(await jobIs(id)).toMatchObject({ state: "completed", result: { n: 1, deep: { ü: [1.5] } } });
});

test("numbers beyond 2^53 come through; what is not JSON is no result", async () => {
  const big = await added("exact");
  await corvo(`run -q exact --limit 1 -- echo 12345678901234567890`);
  expect((await tools.server.rest.get(`jobs/${big}`)).text).toContain('"result":12345678901234567890');
  const words = await added("exact");
  expect((await corvo("run -q exact --limit 1 -- echo done, all fine")).code).toBe(0);
  const job = await jobIs(words);
  expect([job.state, job.result]).toEqual(["completed", undefined]);
});

test("another exit code fails the attempt: the last line of standard error is the error, what was before it the backtrace", async () => {
  const id = await added("fails", { max_retries: 1 });
  const { code, out, err } = await corvo(`run -q fails --limit 1 -o json -- ${script("fail.sh", "echo connecting >&2\necho 'SMTP 535' >&2\nexit 75")}`);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ job_id: id, queue: "fails", outcome: "dead", why: "exit code 75: SMTP 535" });
  expect(err).toBe("connecting\nSMTP 535\n");
  expect(await jobIs(id)).toMatchObject({ state: "dead", errors: [{ error: "SMTP 535", backtrace: "exit code 75\nconnecting\nSMTP 535\n" }] });
  const silent = await added("fails", { max_retries: 1 });
  await corvo("run -q fails --limit 1 -- false");
  expect(await jobIs(silent)).toMatchObject({ errors: [{ error: "exit code 1" }] });
  const killed = await added("fails", { max_retries: 1 });
  await corvo(`run -q fails --limit 1 -- ${script("suicide.sh", "kill -9 $$")}`);
  expect(await jobIs(killed)).toMatchObject({ errors: [{ error: "ended by SIGKILL" }] });
});

test("of a long standard error the last 16 KiB are kept, whole characters only", async () => {
  const id = await added("loud", { max_retries: 1 });
  await corvo(`run -q loud --limit 1 -- ${script("loud.sh", "i=0; while [ $i -lt 500 ]; do echo 'äöü äöü äöü äöü äöü äöü' >&2; i=$((i+1)); done; exit 1")}`);
  const [{ error, backtrace }] = (await jobIs(id)).errors as { error: string; backtrace: string }[];
  expect(error).toBe("äöü äöü äöü äöü äöü äöü");
  expect(Buffer.byteLength(backtrace)).toBeGreaterThan(16_300);
  expect(Buffer.byteLength(backtrace)).toBeLessThan(16_500);
  expect(backtrace).not.toContain("\ufffd");
});

test("a result that the server refuses fails the attempt and says why; output without end is no result", async () => {
  const long = await added("much", { max_retries: 1 });
  const { out } = await corvo(`run -q much --limit 1 -- ${script("long.sh", `printf '"'; head -c 300000 /dev/zero | tr '\\0' x; printf '"'`)}`);
  expect(out).toContain("its result was refused: ");
  expect(await jobIs(long)).toMatchObject({ state: "dead", errors: [{ error: expect.stringMatching(/^its result was refused: .*262144/) }] });
  const endless = await added("much");
  const { err } = await corvo(`run -q much --limit 1 -- ${script("endless.sh", "head -c 17000000 /dev/zero")}`);
  expect(err).toBe(`job ${endless}: more than 16 MiB on standard output are no result\n`);
  expect(await jobIs(endless)).toMatchObject({ state: "completed" });
});

test("the program knows its job, and runs in the folder of corvo run", async () => {
  const id = await added("knows", { tags: { tenant: "acme" }, checkpoint: { page: 3 } });
  const print = script(
    "env.sh",
    `printf '["%s","%s","%s",%s,%s,"%s"]' "$CORVO_JOB_ID" "$CORVO_QUEUE" "$CORVO_ATTEMPT" "$CORVO_TAGS" "$CORVO_CHECKPOINT" "$(pwd)"`,
  );
  await corvo(`run -q knows --limit 1 -- ${print}`);
  expect((await jobIs(id)).result).toEqual([id, "knows", "1", { tenant: "acme" }, { page: 3 }, process.cwd()]);
});

test("a checkpoint that no environment holds fails the attempt with a sentence, and the next job is taken", async () => {
  const wide = await added("wide", { max_retries: 1, checkpoint: { text: "x".repeat(200_000) } });
  const next = await added("wide");
  expect((await corvo("run -q wide --limit 2 -- cat")).code).toBe(0);
  expect(await jobIs(wide)).toMatchObject({
    state: "dead",
    errors: [{ error: "cat cannot be started: tags and checkpoint are too long for its environment" }],
  });
  expect((await jobIs(next)).state).toBe("completed");
});

test("several run at a time: each waits until the other has begun", async () => {
  const ids = [await added("pair", { payload: "a" }), await added("pair", { payload: "b" })];
  const meet = script(
    "meet.sh",
    `me=$(cat | tr -d '"')\ntouch ${folder}/begun-$me\nwhile [ ! -e ${folder}/begun-a ] || [ ! -e ${folder}/begun-b ]; do sleep 0.05; done`,
  );
  expect((await corvo(`run -q pair -c 2 --limit 2 -- ${meet}`)).code).toBe(0);
  for (const id of ids) expect((await jobIs(id)).state).toBe("completed");
});

test("what a program leaves behind does not keep its job: what it had to say is heard, then it is ended", async () => {
  const id = await added("leaves");
  const leave = script("leave.sh", `(while [ ! -e ${folder}/never ]; do sleep 0.05; done) &\necho $! > ${folder}/left\necho 1`);
  expect((await corvo(`run -q leaves --limit 1 -- ${leave}`)).code).toBe(0);
  expect(await jobIs(id)).toMatchObject({ state: "completed", result: 1 });
  await until(() => !runs(Number(readFileSync(join(folder, "left"), "utf8"))));
});

test("a program that is not there is told before a job is taken", async () => {
  const id = await added("absent");
  const plain = join(folder, "plain.txt");
  writeFileSync(plain, "");
  expect(await corvo("run -q absent -- /no/such/program")).toMatchObject({ code: 2, err: expect.stringContaining('there is no program "/no/such/program"') });
  expect(await corvo("run -q absent -- no-such-program-anywhere")).toMatchObject({ code: 2, err: expect.stringContaining("PATH") });
  expect(await corvo(["run", "-q", "absent", "--", "echo hello"])).toMatchObject({ code: 2, err: expect.stringContaining("sh -c 'echo hello'") });
  expect(await corvo(`run -q absent -- ${plain}`, { files: { [plain]: "" } })).toMatchObject({ code: 2, err: expect.stringContaining(`chmod +x ${plain}`) });
  expect(await corvo(`run -q absent -- ${folder}`)).toMatchObject({ code: 2 });
  expect(await jobIs(id)).toMatchObject({ state: "pending", attempt: 0 });
});

test("a program that goes away ends the worker, and its job is as before", async () => {
  const [first, second] = [await added("vanishes"), await added("vanishes")];
  const vanish = script("vanish.sh", 'rm "$0"');
  const { code, err } = await corvo(`run -q vanishes -- ${vanish}`);
  expect(code).toBe(1);
  expect(err).toContain(`job ${second} given back\n`);
  expect(err).toMatch(/error: \S+vanish.sh cannot be started: .*ENOENT\nhint: /);
  expect([(await jobIs(first)).state, await jobIs(second)]).toMatchObject(["completed", { state: "pending", attempt: 0 }]);
});

test("@last is the job that was added here", async () => {
  const home = join(folder, "home");
  mkdirSync(home);
  const file: Record<string, string> = {};
  const env = { HOME: home };
  const enqueued = await corvo(["enqueue", "hello", '{"hi":1}', "-o", "name"], { env });
  Object.assign(file, enqueued.files);
  expect((await corvo("run -q hello --limit 1 -- cat", { env, files: file })).code).toBe(0);
  const { out } = await corvo("inspect @last -o json", { env, files: file });
  expect(JSON.parse(out)).toMatchObject({ id: enqueued.out.trim(), state: "completed", result: { hi: 1 } });
});

test("what is wrong is said at once: no queue, no server, no program", async () => {
  expect(await corvo("run -- cat")).toMatchObject({ code: 2, err: expect.stringContaining("no queue is named") });
  expect(await corvo("run -q q")).toMatchObject({ code: 2, err: expect.stringContaining("missing required argument") });
  expect(await corvo("run -q q --lease 1s -- cat")).toMatchObject({ code: 2, err: expect.stringContaining("--lease") });
  expect(await corvo("run -q q -- cat", { env: { CORVO_SERVER: "http://127.0.0.1:1" } })).toMatchObject({ code: 6, out: "" });
});
