# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for pasidctl(1)

# Names with blanks cannot be completed; their UUIDs can.
__pasidctl_vms() {
    pasidctl list --no-legend -o name 2>/dev/null | grep -v ' '
    pasidctl list --no-legend -o uuid 2>/dev/null
}

# Without this, every key press while the daemon is down would try to start it.
__pasidctl_daemon_runs() {
    busctl --system --no-pager status org.pasidd1 &>/dev/null
}

_pasidctl() {
    local -A options=(
        [list]='--json= --no-legend --output= --no-pager'
        [show]='--json= --no-legend --output= --no-pager'
        [set-quota]='--json= --runtime --dry-run --watermark= --no-ask-password'
        [reset-quota]='--json= --runtime --dry-run --no-ask-password'
        [set-default]='--json= --runtime --dry-run --no-ask-password'
        [reset-default]='--json= --runtime --dry-run --no-ask-password'
        [status]='--json= --no-legend --output= --no-pager'
        [monitor]='--json='
        [reload]='--no-ask-password'
    )
    local columns='NAME UUID STATE QUOTA SOURCE ORIGIN INFORCE ERROR WATERMARK ALLOCATED PEAK DENIED UNIT SLICE
                   CGROUP LEADER SETS'
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local verb='' words='' word i n=0

    # "--json=short" comes as three words.
    if [[ $cur == = ]]; then
        cur=''
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi

    case $prev in
        --json)
            mapfile -t COMPREPLY < <(compgen -W 'short pretty off' -- "$cur")
            return
            ;;
        -o | --output)
            local given='' column=${cur##*,}
            [[ $cur == *,* ]] && given=${cur%,*},
            mapfile -t COMPREPLY < <(compgen -P "$given" -W "$columns" -- "${column^^}")
            compopt -o nospace
            return
            ;;
        --watermark)
            return
            ;;
    esac

    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
            --json | --output | --watermark | -o)
                [[ ${COMP_WORDS[i + 1]-} == = ]] && ((i++))
                ((i++))
                ;;
            -*) ;;
            *)
                if [[ -z $verb ]]; then
                    verb=$word
                else
                    ((n++))
                fi
                ;;
        esac
    done

    if [[ $cur == -* ]]; then
        words="--help --version ${options[$verb]-}"
    elif [[ -z $verb ]]; then
        words="${!options[*]}"
    elif [[ $n == 0 && $verb =~ ^(show|set-quota|reset-quota)$ ]] && __pasidctl_daemon_runs; then
        words=$(__pasidctl_vms)
    elif [[ $n == 1 && $verb == set-quota || $n == 0 && $verb == set-default ]]; then
        words=max
    fi

    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}

complete -F _pasidctl pasidctl
