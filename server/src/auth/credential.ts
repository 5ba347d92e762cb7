/** spec/rest.md §2.1: the first that is not empty. */
export function credentialOf(header: (name: string) => string | undefined): string {
  const key = header("x-api-key");
  if (key !== undefined && key.trim() !== "") return key;
  const bearer = /^bearer\s+(\S.*)$/i.exec(header("authorization") ?? "");
  if (bearer !== null) return bearer[1];
  const cookies = header("cookie");
  if (cookies === undefined) return "";
  for (const one of cookies.split(";")) {
    const at = one.indexOf("=");
    if (at > 0 && one.slice(0, at).trim() === "corvo_api_key") return one.slice(at + 1).trim();
  }
  return "";
}
