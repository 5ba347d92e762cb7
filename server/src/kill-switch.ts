import { setFailpointHook } from "@corvo/protocol";

let passed: (name: string) => void = () => {};

/** `CORVO_FAILPOINT=name:n`: the durability tests kill this process at the n-th time it passes the named place. */
export function killAtFailpoint(wish: string | undefined): void {
  if (wish === undefined || wish === "") return;
  const [name, hit] = wish.split(":");
  let left = Number(hit ?? 1);
  passed = (at) => {
    if (at === name && --left <= 0) process.kill(process.pid, "SIGKILL");
  };
  setFailpointHook(passed);
}

/** Places of the storage have names of their own. */
export function atStorageFailpoint(name: string): void {
  passed(name);
}
