import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { expect, test } from "vitest";
import { docsPage } from "./docs.js";

/** As much of a document as the page's script touches. */
class Element {
  readonly children: (Element | string)[] = [];
  readonly attributes: Record<string, string> = {};
  readonly style: Record<string, string> = {};
  readonly classList: string[] = [];
  hidden = false;
  value = "";
  oninput: (() => void) | undefined;
  constructor(readonly tag: string) {}
  setAttribute(name: string, value: string): void {
    this.attributes[name] = value;
  }
  append(...children: (Element | string)[]): void {
    this.children.push(...children);
  }
  set textContent(text: string) {
    this.children.splice(0, this.children.length, text);
  }
  get textContent(): string {
    return this.children.map((c) => (typeof c === "string" ? c : c.textContent)).join("");
  }
  all(tag: string): Element[] {
    return this.children.flatMap((c) => (typeof c === "string" ? [] : [...(c.tag === tag ? [c] : []), ...c.all(tag)]));
  }
}

async function open(fetch: () => Promise<unknown>) {
  const parts: Record<string, Element> = Object.fromEntries(["main", "nav div", "input", "h1"].map((name) => [name, new Element(name)]));
  const listeners: unknown[] = [];
  const document = {
    title: "",
    querySelector: (name: string) => parts[name],
    createElement: (tag: string) => new Element(tag),
    getElementById: () => undefined,
  };
  const script = /<script>([\s\S]*)<\/script>/.exec(docsPage)?.[1] ?? "";
  vm.runInNewContext(script, {
    document,
    fetch,
    location: { origin: "http://corvo.test", hash: "" },
    addEventListener: (...l: unknown[]) => listeners.push(l),
    setTimeout,
  });
  await new Promise((done) => setImmediate(done));
  return { parts, document };
}

const openapi = JSON.parse(readFileSync(fileURLToPath(new URL("../../../../gen/openapi/openapi.json", import.meta.url)), "utf8"));
const operations = Object.values(openapi.paths as object).flatMap((item) => Object.values(item as object)) as { operationId: string }[];

test("the page shows every operation with its curl line, and the search narrows them", async () => {
  const { parts, document } = await open(async () => ({ ok: true, json: async () => openapi }));
  expect(document.title).toBe(`Corvo ${openapi.info.version}`);
  const sections = parts.main.all("section");
  expect(sections.map((s) => s.attributes.id).sort()).toEqual(operations.map((o) => o.operationId).sort());
  for (const section of sections) expect(section.textContent).toContain("http://corvo.test/");
  const enqueue = sections.find((s) => s.attributes.id === "enqueue")?.textContent;
  for (const part of [
    "POST /api/v1/enqueue",
    "unique_key",
    "queue *",
    "Idempotency-Key",
    '"unique_existing": false',
    `curl "http://corvo.test/api/v1/enqueue" -d '{"queue":"mail"`,
  ])
    expect(enqueue).toContain(part);

  parts.input.value = "throttle DELETE";
  parts.input.oninput?.();
  expect(sections.filter((s) => !s.hidden).map((s) => s.attributes.id)).toEqual(["removeThrottle"]);
  parts.input.value = "";
  parts.input.oninput?.();
  expect(sections.some((s) => s.hidden)).toBe(false);
});

test("without its document the page says so", async () => {
  const { parts } = await open(async () => ({ ok: false, status: 503 }));
  expect(parts.main.textContent).toBe("The description of the API cannot be read: the server answered 503");
});

test("nothing is loaded from elsewhere", () => {
  expect(docsPage.match(/(?:src|href)="[^"]*"|https?:[^"'\s]*|url\([^)]*\)/g)).toEqual(['href="openapi.json"']);
});
