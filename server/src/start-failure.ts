import type { ServerOptions } from "./options.js";

/** Why a server could not start, for a person: a sentence, and what to do next. */
export interface StartFailure {
  message: string;
  hint: string;
}

/** What the system says about a call that failed. */
type SystemError = NodeJS.ErrnoException & { address?: string; port?: number; hostname?: string };

const lookInto = (dir: string): string => `keep a copy of ${dir}, then see what is damaged: corvo verify ${dir}`;
const anotherPlace = "take another directory with --data-dir";

export function startFailure(cause: Error, options: Pick<ServerOptions, "dataDir">): StartFailure {
  return (
    ofAddress(cause) ??
    ofDirectory(cause, options.dataDir) ??
    ofContent(cause, options.dataDir) ?? { message: cause.message, hint: "the lines above say more; --log-level debug says all" }
  );
}

function ofAddress({ code, syscall, address, port, hostname }: SystemError): StartFailure | undefined {
  if (syscall === "getaddrinfo")
    return { message: `--bind: there is no host "${hostname}" (${code})`, hint: "name an address of this machine, or only the port: --bind :8080" };
  if (syscall !== "listen") return undefined;
  const where = `${address?.includes(":") ? `[${address}]` : address}:${port}`;
  switch (code) {
    case "EADDRINUSE":
      return { message: `${where} is in use (${code})`, hint: "another program listens there: stop it, or take another address with --bind" };
    case "EADDRNOTAVAIL":
      return { message: `this machine has no address ${address} (${code})`, hint: "name one that it has, or only the port: --bind :8080" };
    case "EACCES":
      return { message: `this user may not listen on ${where} (${code})`, hint: "ports below 1024 are kept for root: take another with --bind" };
  }
  return undefined;
}

function ofDirectory({ code, path, syscall }: SystemError, dataDir: string): StartFailure | undefined {
  if (code === undefined || syscall === undefined) return undefined;
  const place = path === undefined || path === dataDir ? `the data directory ${dataDir}` : path;
  switch (code) {
    case "EEXIST":
    case "ENOTDIR":
      return { message: `${place} cannot be made: a file is in its way (${code})`, hint: anotherPlace };
    case "ENOENT":
      return { message: `${place} cannot be made (${code})`, hint: anotherPlace };
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return { message: `${place} cannot be written by this user (${code})`, hint: `give it to the user of the server, or ${anotherPlace}` };
    case "ENOSPC":
    case "EDQUOT":
      return { message: `there is no room for ${place} (${code})`, hint: `free space on its disk, or ${anotherPlace}` };
    case "EMFILE":
    case "ENFILE":
      return { message: `too many files are open (${code})`, hint: "raise the limit: ulimit -n 65536" };
    case "EIO":
      return { message: `the disk below ${place} fails (${code})`, hint: "look into the system's log; do not go on with this disk" };
  }
  return undefined;
}

const ofData = new Set(["DataDirectoryError", "LogDamaged", "ArchiveDamaged", "SnapshotDamaged", "RecoveryError"]);

function ofContent({ name, message }: Error, dataDir: string): StartFailure | undefined {
  if (!ofData.has(name)) return undefined;
  if (/ in use by process /.test(message)) return { message, hint: `stop that server, or ${anotherPlace}` };
  if (/its format is \d+|version \d+ is not known here|is not one of a snapshot of this version/.test(message))
    return { message, hint: "a newer Corvo wrote it: start that version, or restore a backup" };
  if (/--durable=false/.test(message)) return { message, hint: "restore a backup, or go on without what is lost: corvo server --durable=false, once" };
  return { message, hint: lookInto(dataDir) };
}
