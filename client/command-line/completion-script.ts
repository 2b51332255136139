import type { Command } from 'commander';

/** Shells that {@link completionScript} knows. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What can follow a command, as `models fetch`. */
interface Word {
  path: string;
  description: string;
  options: readonly { flags: string[]; description: string }[];
  subcommands: readonly string[];
  /** Whether an argument names a run; others are files. */
  takesRun: boolean;
}

/** A script that completes commands, options, names of runs and files. It starts no program. */
export function completionScript(shell: Shell, program: Command): string {
  const words = [program, ...program.commands.flatMap((one) => [one, ...one.commands])].map(wordOf);
  if (shell === 'fish') return fishScript(words);
  return shell === 'zsh' ? `${ZSH_HEAD}${bashScript(words)}` : bashScript(words);
}

const RUN_ARGUMENTS = ['run', 'before', 'after'];

function wordOf(command: Command): Word {
  const help = command.createHelp();
  const names: string[] = [];
  for (let one: Command | null = command; one?.parent; one = one.parent) names.unshift(one.name());
  return {
    path: names.join(' '),
    description: firstSentence(command.description()),
    options: help.visibleOptions(command).map(({ short, long, description }) => ({
      flags: [short, long].filter((flag) => flag !== undefined),
      description: firstSentence(description),
    })),
    subcommands: help.visibleCommands(command).map((one) => one.name()),
    takesRun: command.registeredArguments.some((argument) => RUN_ARGUMENTS.includes(argument.name())),
  };
}

function firstSentence(text: string): string {
  return text.split(/[;:(]/)[0].trim();
}

/** Zsh runs completions of bash. */
const ZSH_HEAD = `autoload -U +X compinit && (( $+functions[compdef] )) || compinit
autoload -U +X bashcompinit && bashcompinit
`;

const RUNS = '"${SAM_MIL_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/sam-mil}"/runs';

function bashScript(words: readonly Word[]): string {
  const cases = words.map(({ path, options, subcommands, takesRun }) => {
    const flags = options.flatMap((option) => option.flags).join(' ');
    return `    '${path}') options='${flags}' commands='${subcommands.join(' ')}' runs=${takesRun ? 1 : ''} ;;`;
  });
  const parents = words.filter(({ path, subcommands }) => path !== '' && subcommands.length > 0);
  return `# Completion of sam-mil. Written by \`sam-mil completion\`; write it again after an update.
_sam_mil() {
  local current="\${COMP_WORDS[COMP_CWORD]}" verb='' options='' commands='' runs='' file
  if (( COMP_CWORD > 1 )); then verb="\${COMP_WORDS[1]}"; fi
  case "$verb" in
    ${parents.map(({ path }) => path).join('|')})
      if (( COMP_CWORD > 2 )); then
        case " ${parents.flatMap(({ path, subcommands }) => subcommands.map((name) => `${path}:${name}`)).join(' ')} " in
          *" $verb:\${COMP_WORDS[2]} "*) verb="$verb \${COMP_WORDS[2]}" ;;
        esac
      fi ;;
  esac
  case "$verb" in
${cases.join('\n')}
  esac
  COMPREPLY=()
  case "$current" in
    -*) COMPREPLY=( $(compgen -W "$options" -- "$current") ); return ;;
  esac
  # An option before this word may take a value, so files are offered too: see \`complete\` below.
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    --*) return ;;
  esac
  if [ -n "$runs" ]; then
    commands="$commands latest"
    for file in ${RUNS}/*.json; do
      if [ -e "$file" ]; then file="\${file##*/}"; commands="$commands \${file%.json}"; fi
    done
  fi
  COMPREPLY=( $(compgen -W "$commands" -- "$current") )
}
complete -o bashdefault -o default -F _sam_mil sam-mil
`;
}

function fishScript(words: readonly Word[]): string {
  const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;
  const [top, ...commands] = words;
  const within = (path: string) => {
    const seen = path.split(' ').map((name) => `__fish_seen_subcommand_from ${name}`);
    return quoted(path === '' ? '__fish_use_subcommand' : seen.join('; and '));
  };
  const lines = words.flatMap(({ path, options }) =>
    options.map(({ flags, description }) => {
      const names = flags.map((flag) =>
        flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
      );
      return `complete -c sam-mil -n ${within(path)} ${names.join(' ')} -d ${quoted(description)}`;
    }),
  );
  const names = commands.map(({ path, description }) => {
    const parts = path.split(' ');
    return `complete -c sam-mil -n ${within(parts.slice(0, -1).join(' '))} -a ${parts[parts.length - 1]} -d ${quoted(description)}`;
  });
  const runs = commands
    .filter(({ takesRun }) => takesRun)
    .map(({ path }) => `complete -c sam-mil -n ${within(path)} -a '(__sam_mil_runs)'`);
  return `# Completion of sam-mil. Written by \`sam-mil completion\`; write it again after an update.
function __sam_mil_runs
    echo latest
    set -l state $HOME/.local/state/sam-mil
    set -q XDG_STATE_HOME; and set state $XDG_STATE_HOME/sam-mil
    set -q SAM_MIL_STATE; and set state $SAM_MIL_STATE
    for file in $state/runs/*.json
        basename $file .json
    end
end
${[...names, ...lines, ...runs].join('\n')}
${top.subcommands.includes('help') ? "complete -c sam-mil -n __fish_use_subcommand -a help -d 'Display help for command'\n" : ''}`;
}
