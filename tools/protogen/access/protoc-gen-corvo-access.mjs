// protoc plugin: checks that every method of Corvo says who may call it, and with `opt: table=true` writes gen/access/permissions.md, the table
// of permissions. What a rule means is read by packages/transport/src/access.ts, the same file that the server's guard reads.
// Runs with tsx (`node --import tsx`), because that file is TypeScript. `strategy: all`: one table of all files.

import { createEcmaScriptPlugin, runNodeJs } from "@bufbuild/protoplugin";
import { accessOf, builtInRoles, namesIn, Scope } from "../../../packages/transport/src/access.ts";
import { restBindings } from "../../../packages/transport/src/rest/rules.ts";

runNodeJs(
  createEcmaScriptPlugin({
    name: "protoc-gen-corvo-access",
    version: "v1",
    parseOptions: (options) => ({ table: options.some(({ key }) => key === "table") }),
    generateTs(schema) {
      const declared = schema.allFiles.flatMap((file) => file.extensions);
      const extension = (typeName) => {
        const found = declared.find((e) => e.typeName === typeName);
        if (found === undefined) throw new Error(`no file declares ${typeName}`);
        return found;
      };
      const services = schema.files.flatMap((file) => file.services).filter((service) => service.typeName.startsWith("corvo."));
      if (services.length === 0) return;
      const extensions = {
        http: extension("google.api.http"),
        field: extension("corvo.options.v1.field"),
        method: extension("corvo.options.v1.method"),
        access: extension("corvo.options.v1.access"),
      };
      const rules = [];
      const faults = [];
      for (const method of services.flatMap((service) => service.methods)) {
        try {
          namesIn(method.input, extensions);
          namesIn(method.output, extensions);
          rules.push(accessOf(method, extensions));
        } catch (cause) {
          faults.push(cause.message);
        }
      }
      if (faults.length > 0) throw new Error(`\n${faults.join("\n")}\n`);
      if (schema.options.table) schema.generateFile("permissions.md").print(table(rules, extensions));
    },
  }),
);

const scopes = Object.fromEntries(Object.entries(Scope).map(([name, value]) => [value, name]));

function table(rules, extensions) {
  const rows = rules.map((rule) => {
    const rest = restBindings(rule.method, extensions).map((b) => `\`${b.verb} ${b.template}\``);
    const may = builtInRoles.map((role) => (rule.caller === 1 ? "anybody" : rule.roles.includes(role) ? "yes" : "–"));
    return [
      `\`${rule.method.parent.name}/${rule.method.name}\``,
      rest.join("<br>") || "–",
      `\`${rule.resource}:${rule.action}\``,
      scopes[rule.scope],
      ...may,
      rule.audited ? "yes" : "–",
    ];
  });
  return [
    "<!-- @generated from the rules in proto/ (corvo.options.v1.access) by `npm run generate`. Do not edit. -->",
    "# Who may call what",
    "",
    "Every method with what it needs. The same rule holds over Connect, gRPC, gRPC-Web and REST. A custom role grants by `resource:action`;",
    "what a method touches (queue, job, namespace, cluster) is checked against the caller's namespace and queue scope.",
    "",
    `| method | REST | permission | touches | ${builtInRoles.join(" | ")} | audited |`,
    `|---|---|---|---|${builtInRoles.map(() => "---|").join("")}---|`,
    ...rows.map((row) => `| ${row.join(" | ")} |`),
    "",
  ].join("\n");
}
