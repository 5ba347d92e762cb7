import type { CommandSpec } from "../command.js";
import { usageFailure } from "../failure.js";

const commonFlags = ["--output", "--output-json", "--server", "--api-key", "--timeout", "--yes", "--quiet", "--verbose", "--color", "--help"];

/** Scripts that complete commands, their flags and, where a queue is meant, live queue names. `all` is the list that this command is part of. */
export function completionCommand(all: () => readonly CommandSpec[]): CommandSpec {
  return {
    name: "completion",
    args: "<shell>",
    usage: "[options] <bash | zsh | fish>",
    group: "Server",
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

const flagsOf = (spec: CommandSpec): string[] => [...(spec.flags ?? []).map((flag) => flag.flags.split(" ")[0]), ...(spec.raw ? [] : commonFlags)];
const takesQueue = (spec: CommandSpec): boolean => /queue/.test(spec.usage ?? spec.args ?? "");

function bash(specs: readonly CommandSpec[]): string {
  const cases = specs.map((spec) => `    ${spec.name}) words="${flagsOf(spec).join(" ")}" queues=${takesQueue(spec) ? 1 : ""} ;;`);
  return `_corvo() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words queues
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${specs.map((spec) => spec.name).join(" ")} help"
  elif [ -n "$queues" ] && [ "\${word#-}" = "$word" ]; then
    words="$("\${COMP_WORDS[0]}" queues -o name --timeout 1s 2>/dev/null)"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _corvo corvo
`;
}

function fish(specs: readonly CommandSpec[]): string {
  const lines = ["complete -c corvo -n __fish_use_subcommand -f"];
  for (const spec of specs) {
    lines.push(`complete -c corvo -n __fish_use_subcommand -a ${spec.name} -d "${spec.summary}"`);
    const here = `-n "__fish_seen_subcommand_from ${spec.name}"`;
    for (const flag of flagsOf(spec)) lines.push(`complete -c corvo ${here} -l ${flag.slice(2)}`);
    if (takesQueue(spec)) lines.push(`complete -c corvo ${here} -f -a "(corvo queues -o name --timeout 1s 2>/dev/null)"`);
  }
  return `${lines.join("\n")}\n`;
}
