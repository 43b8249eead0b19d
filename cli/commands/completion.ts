import { InvalidArgumentError, type Command } from "commander";
import type { CommandContext } from "./shared.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

export function addCompletionCommand(program: Command, context: CommandContext): void {
  program
    .command("completion")
    .description('print the completion script of a shell: eval "$(trainyard completion bash)"')
    .argument("<shell>", SHELLS.join(", "), parseShell)
    .action((shell: Shell) => {
      context.terminal.result(false, null, () => completionScript(program, shell));
    });
}

/** Completes commands and their options; made from the commands themselves, so that it cannot fall behind them. */
export function completionScript(program: Command, shell: Shell): string {
  const commands = program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    words: [
      ...command.commands.map((inner) => inner.name()),
      ...command.options
        .concat(...command.commands.map((inner) => [...inner.options]))
        .flatMap((option) => (option.long == null ? [] : [option.long])),
      "--help",
    ].filter((word, index, all) => all.indexOf(word) === index),
  }));
  const names = commands.map((command) => command.name).join(" ");
  if (shell === "fish")
    return [
      ...commands.map(({ name, description }) => `complete -c trainyard -n __fish_use_subcommand -f -a ${name} -d ${quoted(description)}`),
      ...commands.flatMap(({ name, words }) =>
        words.map((word) => {
          const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-f -a ${word}`;
          return `complete -c trainyard -n "__fish_seen_subcommand_from ${name}" ${what}`;
        }),
      ),
    ].join("\n");
  const cases = commands.map(({ name, words }) => `    ${name}) words="${words.join(" ")}" ;;`).join("\n");
  const bash = `_trainyard() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names} --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _trainyard trainyard`;
  return shell === "bash" ? bash : `autoload -U +X bashcompinit && bashcompinit\n${bash}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

function parseShell(text: string): Shell {
  const shell = SHELLS.find((one) => one === text);
  if (shell === undefined) throw new InvalidArgumentError(`one of ${SHELLS.join(", ")} is needed`);
  return shell;
}
