import type { ChildProcess, spawn } from "node:child_process";

/**
 * What a process that is killed cannot do any more: end what it has started. The guard is told of each process group; when its input ends,
 * which only the end of the other side can bring about, it sends SIGTERM to those that are left, and SIGKILL after 5 s.
 */
const script = `
groups=' '
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
signal() { for group in $groups; do kill -s "$1" -- "-$group" && alive=1; done 2>/dev/null; }
alive=; signal TERM
for second in 1 2 3 4 5; do
  [ "$alive" ] || exit 0
  sleep 1
  alive=; signal 0
done
signal KILL
`;

/** A guard that dies is replaced; one that cannot live at all, as where there is no shell, is not. */
const replacementsMax = 3;

/** One small process beside this one, made with the first program and there until this one ends. */
export class ProgramGuard {
  private readonly groups = new Set<number>();
  private guard: ChildProcess | undefined;
  private replaced = 0;

  constructor(private readonly spawnProcess: typeof spawn) {}

  add(group: number): void {
    this.groups.add(group);
    if (this.guard) this.tell(`+ ${group}\n`);
    else this.start();
  }

  delete(group: number): void {
    if (this.groups.delete(group)) this.tell(`- ${group}\n`);
  }

  private start(): void {
    if (this.replaced > replacementsMax) return;
    // A session of its own: Ctrl-C in the terminal is not for it. Nothing waits for it, it holds no folder.
    const guard = this.spawnProcess("/bin/sh", ["-c", script], { stdio: ["pipe", "ignore", "ignore"], detached: true, cwd: "/" });
    this.guard = guard;
    guard.unref();
    (guard.stdin as unknown as { unref(): void }).unref();
    const gone = (): void => {
      if (this.guard !== guard) return;
      this.guard = undefined;
      this.replaced++;
      if (this.groups.size > 0) this.start();
    };
    guard.once("error", gone);
    guard.once("exit", gone);
    guard.stdin?.on("error", () => {});
    for (const group of this.groups) this.tell(`+ ${group}\n`);
  }

  private tell(line: string): void {
    this.guard?.stdin?.write(line);
  }
}
