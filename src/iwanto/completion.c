#include "iwanto/completion.h"

#include <string.h>

/* readline cuts words at '=' as well (and says that it does at '@'): the words are taken from the
 * line itself, and of --color=a only what is behind the '=' is completed. What a word is is shown
 * in the list only (COMP_TYPE 63). */
static const char BASH[] =
    "# bash: eval \"$(iwanto completion bash)\"\n"
    "_iwanto() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} word own\n"
    "    local -a words found=()\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line == *[[:space:]] ]] && words+=('')\n"
    "    word=${words[${#words[@]} - 1]}\n"
    "    own=${word##*=}\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r line; do\n"
    "        found+=(\"$line\")\n"
    "    done < <(\"${words[0]/#\\~/$HOME}\" completion -- \"${words[@]:1}\" 2>/dev/null)\n"
    "    case ${found[0]-} in\n"
    "    :files | :dirs)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        line=-f\n"
    "        [[ ${found[0]} == :dirs ]] && line=-d\n"
    "        while IFS= read -r word; do COMPREPLY+=(\"$word\"); done < <(compgen $line -- "
    "\"$own\")\n"
    "        return\n"
    "        ;;\n"
    "    esac\n"
    "    for line in \"${found[@]}\"; do\n"
    "        word=${line%%$'\\t'*}\n"
    "        if [[ ${COMP_TYPE-} == 63 && ${#found[@]} -gt 1 ]]; then\n"
    "            COMPREPLY+=(\"$word  (${line#*$'\\t'})\")\n"
    "        else\n"
    "            COMPREPLY+=(\"$word\")\n"
    "        fi\n"
    "    done\n"
    "}\n"
    "complete -o nosort -F _iwanto iwanto 2>/dev/null || complete -F _iwanto iwanto\n";

static const char ZSH[] =
    "#compdef iwanto\n"
    "# zsh: eval \"$(iwanto completion zsh)\" after compinit\n"
    "_iwanto() {\n"
    "    local line\n"
    "    local -a found items\n"
    "    compset -P '--*='\n"
    "    found=(\"${(@f)$(iwanto completion -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
    "    case $found[1] in\n"
    "    '') return 1 ;;\n"
    "    :files) _files; return ;;\n"
    "    :dirs) _files -/; return ;;\n"
    "    esac\n"
    "    for line in $found; do\n"
    "        items+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
    "    done\n"
    "    _describe -V iwanto items\n"
    "}\n"
    "if [[ $funcstack[1] == _iwanto ]]; then\n"
    "    _iwanto \"$@\"\n"
    "elif (( $+functions[compdef] )); then\n"
    "    compdef _iwanto iwanto\n"
    "fi\n";

static const char FISH[] = "# fish: iwanto completion fish | source\n"
                           "function __iwanto_complete\n"
                           "    set -l words (commandline -opc)\n"
                           "    set -e words[1]\n"
                           "    set -l part (commandline -ct)\n"
                           "    set -l found (iwanto completion -- $words \"$part\" 2>/dev/null)\n"
                           "    switch \"$found[1]\"\n"
                           "        case :files\n"
                           "            __fish_complete_path \"$part\"\n"
                           "        case :dirs\n"
                           "            __fish_complete_directories \"$part\" ''\n"
                           "        case '*'\n"
                           "            set -l before (string match -r -- '^--[^=]*=' \"$part\")\n"
                           "            for line in $found\n"
                           "                printf '%s%s\\n' \"$before\" $line\n"
                           "            end\n"
                           "    end\n"
                           "end\n"
                           "complete -c iwanto -f -a '(__iwanto_complete)'\n";

const char *completion_script(const char *shell)
{
    static const struct {
        const char *shell, *script;
    } scripts[] = {{"bash", BASH}, {"zsh", ZSH}, {"fish", FISH}};

    for (unsigned i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (!strcmp(scripts[i].shell, shell))
            return scripts[i].script;
    return NULL;
}
