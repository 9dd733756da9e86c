# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for pasidctl(1)

# Calls the daemon; "$@": the remaining arguments.
__pasidctl_ask() {
    # Without this check, every key press while the daemon is down would try to start it. Another host cannot be
    # checked.
    local bus=org.freedesktop.DBus
    [[ $* == *--host=* || $(busctl --system call $bus /org/freedesktop/DBus $bus NameHasOwner s org.pasidd1 2>/dev/null) == 'b true' ]] ||
        return
    # A daemon that hangs must not block the shell.
    SYSTEMD_BUS_TIMEOUT=3s pasidctl "$@" --no-legend 2>/dev/null
}

# Names and UUIDs of running VMs, quoted for the shell. Tenants choose the names, so no code here must expand them, as
# "compgen -W" would. Colons and equals signs end words for readline, so only the UUIDs of VMs with such names can be
# completed. "$@": --host, if given.
__pasidctl_vms() {
    local uuid name
    while read -r uuid name; do
        printf '%s\n' "$uuid"
        [[ $name == *[:=]* ]] || printf '%q\n' "$name"
    done < <(__pasidctl_ask list -o uuid,name "$@")
}

# Offers the lines of the input that begin with $cur.
__pasidctl_offer() {
    local line
    while IFS= read -r line; do
        [[ $line == "$cur"* ]] && COMPREPLY+=("$line")
    done
}

_pasidctl() {
    local print='--json= --no-legend --output= --no-pager --host='
    local change='--json= --runtime --dry-run --no-ask-password --host='
    local -A options=(
        [list]=$print
        [show]=$print
        [explain]='--json= --no-legend --no-pager --host='
        [set-quota]="$change --watermark= --slice="
        [reset-quota]="$change --slice="
        [set-default]=$change
        [reset-default]=$change
        [slices]=$print
        [status]=$print
        [top]='--json= --no-legend --output= --host= --sort= --reverse --delay= --iterations='
        [events]="$print --since="
        [monitor]='--json= --host='
        [metrics]='--host='
        [reload]='--no-ask-password --host='
        [reconcile]="$print --no-ask-password"
        [export]='--json= --no-pager --host= --format='
        [import]='--json= --host= --dry-run --no-ask-password'
        [doctor]="$print --root="
        [test-hook]="$print --root="
    )
    local vm='NAME UUID STATE QUOTA SOURCE ORIGIN INFORCE ERROR WATERMARK ALLOCATED ATTACHED USAGE PEAK DENIED WARNINGS UNIT
              SLICE CGROUP LEADER SETS'
    local -A columns=(
        [list]=$vm
        [show]=$vm
        [top]=$vm
        [status]='STATE STATUS VERSION DEFAULT DEFAULTSOURCE CAPACITY ALLOCATED ATTACHED COMMITTED VMS RESYNCS'
        [slices]='SLICE SOURCE ORIGIN LIMIT COMMITTED ALLOCATED PEAK INFORCE ERROR'
        [events]='SEQUENCE TIME TYPE UUID NAME MESSAGE DETAILS'
        [reconcile]='KIND ID NAME WHAT BEFORE AFTER'
        [doctor]='CHECK RESULT FOUND REMEDY'
        [test-hook]='OPERATION SUBOPERATION ACTION MAYFAIL OUTCOME'
    )
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local verb='' words='' word slice='' host=() i n=0

    # "--json=short" is three words.
    if [[ $cur == = ]]; then
        cur=''
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi

    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
            --json | --output | --watermark | --host | --slice | --sort | --delay | --iterations | --since | --format | \
                --root | -o | -H | -s | -d | -n)
                [[ ${COMP_WORDS[i + 1]-} == = ]] && ((i++))
                ((i++))
                case $word in
                    --host | -H) host=("--host=${COMP_WORDS[i]}") ;;
                    --slice) slice=1 ;;
                esac
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

    case $prev in
        --json)
            mapfile -t COMPREPLY < <(compgen -W 'short pretty off' -- "$cur")
            return
            ;;
        --format)
            mapfile -t COMPREPLY < <(compgen -W 'json nova-provider' -- "$cur")
            return
            ;;
        --since)
            mapfile -t COMPREPLY < <(compgen -W 'today yesterday 1h 24h' -- "$cur")
            return
            ;;
        --sort | -s)
            mapfile -t COMPREPLY < <(compgen -W "${columns[top]}" -- "${cur^^}")
            return
            ;;
        --slice)
            __pasidctl_offer < <(__pasidctl_ask slices -o slice "${host[@]}")
            return
            ;;
        -o | --output)
            local given=''
            [[ $cur == *,* ]] && given=${cur%,*},
            word=${cur##*,}
            mapfile -t COMPREPLY < <(compgen -P "$given" -W "${columns[${verb:-list}]-}" -- "${word^^}")
            compopt -o nospace
            return
            ;;
        --host | -H)
            declare -F _known_hosts_real >/dev/null && _known_hosts_real -- "$cur"
            return
            ;;
        --root)
            mapfile -t COMPREPLY < <(compgen -d -- "$cur")
            return
            ;;
        --watermark | --delay | -d | --iterations | -n)
            return
            ;;
    esac

    if [[ $cur == -* ]]; then
        words="--help --version ${options[$verb]-}"
    elif [[ -z $verb ]]; then
        words="${!options[*]}"
    elif [[ $n == 0 && -z $slice && $verb =~ ^(show|explain|set-quota|reset-quota)$ ]]; then
        __pasidctl_offer < <(__pasidctl_vms "${host[@]}")
        return
    elif [[ $verb == set-quota && ($n == 1 || -n $slice) || $n == 0 && $verb == set-default ]]; then
        words=max
    elif [[ $n == 0 && $verb =~ ^(import|test-hook|metrics)$ ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
    fi

    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}

complete -F _pasidctl pasidctl
