/**
 * The page at `/docs`: every operation of `openapi.json` with a search, its fields, examples and a line for curl. One file, nothing
 * loaded from elsewhere; it reads `openapi.json` beside itself, so it works behind any base path. Text is only ever set as text.
 */
const style = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--dim:#888;--accent:#2563eb;--code:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media (prefers-color-scheme:dark){:root{--accent:#7aa2f7}}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,sans-serif;display:grid;grid-template-columns:19rem minmax(0,1fr);height:100vh}
nav{border-right:1px solid var(--line);overflow:auto;padding:1rem}
main{overflow:auto;padding:1rem 2rem 50vh;scroll-behavior:smooth}
main>*{max-width:60rem}
h1{font-size:1.2rem;margin:0}h2{font-size:1.05rem;margin:2.2rem 0 .3rem;overflow-wrap:anywhere}h3{font-size:.8rem;margin:1rem 0 .2rem;color:var(--dim);text-transform:uppercase;letter-spacing:.05em}
p{margin:.3rem 0}
input{width:100%;padding:.45rem .6rem;margin:.8rem 0 .4rem;font:inherit;border:1px solid var(--line);border-radius:6px;background:transparent;color:inherit}
nav b{display:block;margin:1rem 0 .2rem;font-size:.8rem;color:var(--dim);text-transform:uppercase;letter-spacing:.05em}
nav a{display:flex;gap:.5rem;padding:.12rem .3rem;color:inherit;text-decoration:none;border-radius:4px;font:12.5px/1.5 var(--code);overflow-wrap:anywhere}
nav a:hover,nav a:focus-visible{background:var(--soft)}
a{color:var(--accent)}
.verb{font:600 11px/1.9 var(--code);min-width:3.4rem;color:var(--dim)}
.GET{color:#059669}.POST{color:var(--accent)}.DELETE{color:#dc2626}.PUT{color:#d97706}
code,pre{font:12.5px/1.5 var(--code)}
p code,td code{background:var(--soft);padding:.05rem .25rem;border-radius:3px;overflow-wrap:anywhere}
pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem;margin:.3rem 0;overflow:auto;position:relative;white-space:pre-wrap;overflow-wrap:anywhere}
pre button{position:absolute;top:.3rem;right:.3rem;font:11px system-ui;padding:.1rem .5rem;border:1px solid var(--line);border-radius:4px;background:Canvas;color:inherit;cursor:pointer}
table{border-collapse:collapse;width:100%}td{border-top:1px solid var(--line);padding:.25rem .6rem .25rem 0;vertical-align:top}td:first-child{white-space:nowrap}
td small,.dim{color:var(--dim)}
details{margin:.2rem 0}summary{cursor:pointer}
@media (max-width:50rem){body{display:block;height:auto}nav{border:0;max-height:45vh}main{padding:1rem}}
`;

// No template literals in here: the script stands inside one.
const script = `
"use strict";
const main = document.querySelector("main"), list = document.querySelector("nav div"), search = document.querySelector("input");
function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v);
  e.append(...children.filter((c) => c !== undefined));
  return e;
}
function prose(tag, text) {
  const e = el(tag);
  (text || "").split("\\x60").forEach((part, i) => e.append(i % 2 ? el("code", {}, part) : part));
  return e;
}
function pre(text, copy) {
  const e = el("pre", {}, text);
  if (!copy) return e;
  const button = el("button", { type: "button" }, "copy");
  button.onclick = () => {
    const area = el("textarea", { style: "position:fixed;opacity:0" });
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    button.textContent = copied ? "copied" : "select it by hand";
    setTimeout(() => (button.textContent = "copy"), 1500);
  };
  e.append(button);
  return e;
}
function show(api) {
  const at = (item) => (item && item.$ref ? item.$ref.slice(2).split("/").reduce((o, k) => o[k], api) : item);
  const typeOf = (s) => {
    if (s.$ref) { const name = s.$ref.split("/").pop(); const target = at(s); return target.enum ? target.enum.join(" | ") : name; }
    if (s.type === "array") return typeOf(s.items) + "[]";
    if (s.additionalProperties) return "{ key: " + typeOf(s.additionalProperties) + " }";
    return s.type ? s.type + (s.format ? " (" + s.format + ")" : "") : "any JSON";
  };
  const inner = (s) => { const t = at(s); return t.type === "array" ? inner(t.items) : t.additionalProperties ? inner(t.additionalProperties) : t; };
  const fields = (schema, depth) => {
    const t = inner(schema);
    if (!t.properties || depth > 4) return undefined;
    const table = el("table");
    for (const [name, s] of Object.entries(t.properties)) {
      const required = (t.required || []).includes(name);
      const cell = prose("td", s.description || at(s).description);
      const deeper = inner(s).properties ? fields(s, depth + 1) : undefined;
      if (deeper) cell.append(el("details", {}, el("summary", {}, el("small", {}, "fields of " + typeOf(s))), deeper));
      table.append(el("tr", {}, el("td", {}, el("code", {}, name), required ? " *" : "", el("br"), el("small", {}, typeOf(s))), cell));
    }
    return table;
  };
  const json = (value) => JSON.stringify(value, null, 2);
  const groups = new Map(api.tags.map((t) => [t.name, { tag: t, items: [] }]));
  for (const [path, verbs] of Object.entries(api.paths))
    for (const [verb, o] of Object.entries(verbs)) groups.get(o.tags[0]).items.push({ path, verb: verb.toUpperCase(), o });
  document.title = api.info.title + " " + api.info.version;
  document.querySelector("h1").textContent = document.title;
  for (const paragraph of api.info.description.split("\\n\\n")) main.append(prose("p", paragraph));
  const all = [];
  for (const { tag, items } of groups.values()) {
    const heading = el("b", {}, tag.name);
    list.append(heading);
    const group = { heading, links: [] };
    for (const { path, verb, o } of items) {
      const link = el("a", { href: "#" + o.operationId }, el("span", { class: "verb " + verb }, verb), path.replace("/api/v1", ""));
      list.append(link);
      const section = el("section", { id: o.operationId }, el("h2", {}, el("span", { class: "verb " + verb }, verb + " "), el("code", {}, path)));
      section.append(prose("p", o.summary));
      if (o.description) section.append(prose("p", o.description));
      if (o["x-rpc"]) section.append(el("p", { class: "dim" }, "RPC ", el("code", {}, o["x-rpc"])));
      const curl = (o["x-curl"] || 'curl "$CORVO_URL' + path.replace(/\\{job_id\\}/, "job_18a2b3c4d5e6f7080000000001").replace(/\\{\\w+\\}/g, "mail") + '"').replace("$CORVO_URL", location.origin);
      section.append(el("h3", {}, "curl"), pre(curl, true));
      const parameters = (o.parameters || []).map(at);
      if (parameters.length) {
        const table = el("table");
        for (const p of parameters) table.append(el("tr", {}, el("td", {}, el("code", {}, p.name), p.required ? " *" : "", el("br"), el("small", {}, p.in)), prose("td", p.description)));
        section.append(el("h3", {}, "path, query and headers"), table);
      }
      const body = o.requestBody && o.requestBody.content["application/json"];
      if (body) {
        section.append(el("h3", {}, "body" + (o.requestBody.required ? "" : " (may be empty)")));
        section.append(fields(body.schema, 0) || prose("p", o.requestBody.description || ""));
      }
      section.append(el("h3", {}, "answers"));
      for (const [status, given] of Object.entries(o.responses)) {
        const answer = at(given), content = answer.content && Object.values(answer.content)[0];
        const good = status < 300;
        const box = el("details", good ? { open: "" } : {}, el("summary", {}, status + " ", prose("span", answer.description)));
        if (content && content.example !== undefined) box.append(pre(json(content.example)));
        const table = good && content && fields(content.schema, 0);
        if (table) box.append(el("details", {}, el("summary", {}, el("small", {}, "fields")), table));
        section.append(box);
      }
      main.append(section);
      group.links.push({ link, section, text: (verb + " " + path + " " + o.operationId + " " + o.summary + " " + (o.description || "")).toLowerCase() });
    }
    all.push(group);
  }
  search.oninput = () => {
    const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    for (const { heading, links } of all) {
      let any = false;
      for (const { link, section, text } of links) {
        const hit = words.every((w) => text.includes(w));
        link.hidden = section.hidden = !hit;
        link.style.display = hit ? "" : "none";
        any = any || hit;
      }
      heading.hidden = !any;
      heading.style.display = any ? "" : "none";
    }
  };
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}
addEventListener("keydown", (e) => { if (e.key === "/" && document.activeElement !== search) { e.preventDefault(); search.focus(); } });
fetch("openapi.json").then((r) => { if (!r.ok) throw new Error("the server answered " + r.status); return r.json(); }).then(show, (e) => main.append(prose("p", "The description of the API cannot be read: " + e.message)));
`;

export const docsPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Corvo API</title><style>${style}</style></head>
<body><nav><h1>Corvo API</h1><p class="dim"><a href="openapi.json">openapi.json</a></p><input type="search" placeholder="Search ( / )" aria-label="Search operations"><div></div></nav><main></main><script>${script}</script></body></html>
`;
