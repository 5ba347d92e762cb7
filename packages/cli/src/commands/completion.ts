import { type AnyCommand, type CommandSpec, isGroup, leaves } from "../command.js";
import { usageFailure } from "../failure.js";

const commonFlags = [
  "--output",
  "--output-json",
  "--server",
  "--api-key",
  "--namespace",
  "--context",
  "--timeout",
  "--yes",
  "--quiet",
  "--verbose",
  "--color",
  "--help",
];
const outputs = "table wide json ndjson yaml csv name";

/** Scripts that complete commands, their flags and, where a queue is meant, live queue names. `all` is the list that this command is part of. */
export function completionCommand(all: () => readonly AnyCommand[]): CommandSpec {
  return {
    name: "completion",
    args: "<shell>",
    usage: "[options] <bash | zsh | fish>",
    group: "This tool",
    summary: "print a script that completes commands in a shell",
    client: false,
    examples: [
      "corvo completion bash > ~/.local/share/bash-completion/completions/corvo",
      "corvo completion zsh > ~/.corvo-completion && echo 'source ~/.corvo-completion' >> ~/.zshrc",
      "corvo completion fish > ~/.config/fish/completions/corvo.fish",
    ],
    async run(session, [shell]) {
      if (shell === "bash") session.io.stdout(bash(all()));
      else if (shell === "zsh") session.io.stdout(`autoload -U +X bashcompinit && bashcompinit\n${bash(all())}`);
      else if (shell === "fish") session.io.stdout(fish(all()));
      else throw usageFailure(`there is no completion for "${shell}"`, "bash, zsh or fish");
    },
  };
}

function flagsOf(spec: CommandSpec): string[] {
  const own = (spec.flags ?? []).map((flag) => flag.flags.split(" ").find((word) => word.startsWith("--")) as string);
  const more = [spec.mutates && "--dry-run", spec.watch && "--watch", spec.list && "--fields", spec.list && "--no-headers"].filter(
    (flag) => typeof flag === "string",
  );
  return [...own, ...more, ...(spec.raw ? [] : commonFlags)];
}

const takesQueue = (spec: CommandSpec): boolean => /queue/.test(spec.usage ?? spec.args ?? "");
const namesOf = (command: AnyCommand): string[] => [command.name, ...(command.aliases ?? [])];

function bash(commands: readonly AnyCommand[]): string {
  const groups = commands.filter(isGroup);
  const subs = groups.map((group) => `    ${namesOf(group).join("|")}) subs="${group.subcommands.map((spec) => spec.name).join(" ")}" ;;`);
  const cases = leaves(commands).map(({ path, spec }) => {
    const first = commands.find((command) => command.name === path[0]) as AnyCommand;
    const heads = path.length === 1 ? namesOf(first) : namesOf(first).flatMap((head) => namesOf(spec).map((name) => `${head} ${name}`));
    return `    ${heads.map((head) => `"${head}"`).join("|")}) words="${flagsOf(spec).join(" ")}" queues=${takesQueue(spec) ? 1 : ""} ;;`;
  });
  return `_corvo() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words queues subs path="\${COMP_WORDS[1]}" at=1
  case "$path" in
${subs.join("\n")}
  esac
  if [ -n "$subs" ]; then path="$path \${COMP_WORDS[2]}"; at=2; fi
  case "$path" in
${cases.join("\n")}
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${commands.map((command) => command.name).join(" ")} help"
  elif [ "$COMP_CWORD" -eq 2 ] && [ -n "$subs" ]; then
    words="$subs"
  elif [ "$before" = "-o" ] || [ "$before" = "--output" ]; then
    words="${outputs}"
  elif [ "$before" = "--context" ]; then
    words="$("\${COMP_WORDS[0]}" context list -o name 2>/dev/null)"
  elif [ -n "$queues" ] && [ "\${word#-}" = "$word" ]; then
    words="$("\${COMP_WORDS[0]}" queues -o name --timeout 1s 2>/dev/null)"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _corvo corvo
`;
}

function fish(commands: readonly AnyCommand[]): string {
  const lines = ["complete -c corvo -n __fish_use_subcommand -f"];
  for (const command of commands) {
    lines.push(`complete -c corvo -n __fish_use_subcommand -a ${command.name} -d "${command.summary}"`);
    if (!isGroup(command)) continue;
    const names = command.subcommands.map((spec) => spec.name).join(" ");
    lines.push(`complete -c corvo -f -n "__fish_seen_subcommand_from ${command.name}; and not __fish_seen_subcommand_from ${names}" -a "${names}"`);
  }
  for (const { path, spec } of leaves(commands)) {
    const here = `-n "${path.map((name) => `__fish_seen_subcommand_from ${name}`).join("; and ")}"`;
    for (const flag of flagsOf(spec)) lines.push(`complete -c corvo ${here} -l ${flag.slice(2)}${flag === "--output" ? ` -x -a "${outputs}"` : ""}`);
    if (takesQueue(spec)) lines.push(`complete -c corvo ${here} -f -a "(corvo queues -o name --timeout 1s 2>/dev/null)"`);
  }
  return `${lines.join("\n")}\n`;
}
