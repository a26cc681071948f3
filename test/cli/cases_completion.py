"""completion: what can stand at the cursor, told to real shells."""

import os
import shutil
import subprocess

from kit import Failed, Skipped, check, stored, transcript

# As readline calls it: words cut at '@' and '=', which is where the script has to be careful.
BASH = r"""
set -u
eval "$(iwanto completion bash)"
try() {
    COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=${2:-9}
    local rest=${1//[@=]/ & }
    read -ra COMP_WORDS <<<"$rest"
    [[ $1 == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _iwanto
    echo "[$1]"
    printf '  %s\n' "${COMPREPLY[@]}"
}
try 'iwanto pa'
try 'iwanto do'
try 'iwanto do' 63
try 'iwanto help ex'
try 'iwanto --col'
try 'iwanto --color a'
try 'iwanto status --color=n'
try 'iwanto search --ty'
try 'iwanto search --type d'
try 'iwanto start --limit-'
try 'iwanto set links '
try 'iwanto set never-lead y'
try 'iwanto download @'
try 'iwanto download @1'
try 'iwanto download abc'
try 'iwanto download to '
try 'iwanto share Pu'
try 'iwanto view '
try 'iwanto completion '
type -t _iwanto
complete -p iwanto
"""

ROWS = ('{"search":"x","rows":{"1":["abc%061d","one.mkv"],"2":["abd%061d","two \\u202e\\u001b[2J.mkv"],"10":["%064d","ten"]}}'
        % (1, 2, 3))


def shell(box, *words):
    path = os.path.dirname(box.world.program)
    p = subprocess.run([*box.world.prefix, *words], env={**box.env(), "PATH": path + ":" + os.environ["PATH"]}, cwd=box.home,
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    if p.returncode:
        raise Failed(f"{words[0]}: {p.returncode}\n{p.stdout.decode()}{p.stderr.decode()}")
    return p.stdout.decode() + p.stderr.decode()


def full(w):
    box = w.box("a")
    os.makedirs(os.path.join(box.home, "Pub lic"))
    box.write("Pub.txt", b"")
    box.write(".iwant/last-search", ROWS.encode())
    return box


def case_completion(w):
    """completion: wrong words; in a real bash, without a service"""
    box = full(w)
    text = transcript(box, ["completion"], ["completion", "tcsh"], ["completion", "bash", "zsh"],
                      ["completion", "--", "download", "@"], ["completion", "--", "search", "--peer", ""])
    stored(w, "completion", text + shell(box, "bash", "-c", BASH))


def case_completion_service(w):
    """completion knows the peers and the queue of a running service"""
    a, b = w.pair()
    done = a.run("completion", "--", "search", "--peer", "")
    check({line.split("\t")[0] for line in done.out.splitlines()} == {"a", "b"}, done)
    row = a.run("search", "--json", "--type", "video", "cap table").rows()[0]
    check(a.run("download", "-q", row["hash"]).code == 0, "download")
    check(row["hash"] in a.run("completion", "--", "cancel", "").out, "the queue")
    check("@1\t" in a.run("completion", "--", "download", "").out, "the last search")


def case_completion_zsh(w):
    """completion in a real zsh"""
    if not shutil.which("zsh"):
        raise Skipped("no zsh")
    box = full(w)
    script = ('autoload -Uz compinit; compinit -u -D; eval "$(iwanto completion zsh)"; print -r -- $_comps[iwanto]; '
              'compset() { :; }; _files() { print files "$@"; }; _describe() { print -rl -- $items; }; '
              'words=(iwanto do); CURRENT=2; _iwanto; words=(iwanto download to ""); CURRENT=4; _iwanto; '
              'words=(iwanto download "@1"); CURRENT=3; _iwanto')
    stored(w, "completion-zsh", shell(box, "zsh", "-fc", script))


def case_completion_fish(w):
    """completion in a real fish"""
    if not shutil.which("fish"):
        raise Skipped("no fish")
    box = full(w)
    script = ("iwanto completion fish | source; for l in 'iwanto do' 'iwanto download @1' 'iwanto --color=a' 'iwanto share Pu'; "
              "echo \"[$l]\"; complete -C \"$l\"; end")
    stored(w, "completion-fish", shell(box, "fish", "--no-config", "-c", script))
