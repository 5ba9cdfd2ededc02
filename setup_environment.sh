#!/usr/bin/env bash
# Makes .venv from requirements.lock with a Python that fits this machine; where that is done already, does nothing.
#
#   ./setup_environment.sh                  make or renew the environment
#   ./setup_environment.sh --print-python   only say which interpreter would be used
#   ./setup_environment.sh --print-uv       say where uv is, after installing it where it is missing
#
# DARKROOM_PYTHON=/path/to/python names the interpreter instead of looking for one.

set -euo pipefail
CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

stamp=.venv/.installed
requested=${DARKROOM_PYTHON:-}
network_hint="Where the package index is only reached through a proxy or mirror, set HTTPS_PROXY or PIP_INDEX_URL."

say() { printf '%s\n' "$*" >&2; }

fail() { say "setup_environment.sh: $*" && exit 1; }

# A running interpreter answers "3.X /its/path"; a pyenv shim whose version is not active answers nothing.
# The base interpreter is asked for, because .venv may be the active environment, and it may be rebuilt.
ask_version() {
    "$1" -I -c 'import os, sys
if sys.implementation.name == "cpython" and "t" not in sys.abiflags:
    print("%d.%d" % sys.version_info[:2], os.path.realpath(sys._base_executable))' 2>/dev/null </dev/null
}

candidates() {
    type -ap "python3.$1" || true
    local root
    for root in "${PYENV_ROOT:-}" "$pyenv_root" "${HOME:-}/.pyenv"; do
        printf '%s\n' "$root/versions/3.$1".*/bin/"python3.$1"
    done
}

# Sets python and version to the first running interpreter among the minor versions given.
find_python() {
    local minor candidate answer
    for minor in "$@"; do
        while read -r candidate; do
            answer=$(ask_version "$candidate") || continue
            [[ $answer == "3.$minor "* ]] || continue
            version=${answer%% *} python=${answer#* }
            return 0
        done < <(candidates "$minor")
    done
    return 1
}

choose_python() {
    local machine libc minor answer minors=() found=()
    local needed="needed is x86-64 Linux with glibc 2.39 or later and Python 3.11 to 3.13, or glibc 2.17 or later and Python 3.10"
    machine="$(uname -s) $(uname -m)"
    libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || libc="no glibc"
    if [[ $machine == "Linux x86_64" && $libc =~ ^glibc\ 2\.([0-9]+) ]]; then
        if ((BASH_REMATCH[1] >= 39)); then
            minors=(13 12 11 10)
        elif ((BASH_REMATCH[1] >= 17)); then
            minors=(10)
        fi
    fi
    ((${#minors[@]})) || fail "found $machine with $libc; $needed: use such a machine, or a container of one."
    if [[ -n $requested ]]; then
        answer=$(ask_version "$requested") || fail "DARKROOM_PYTHON=$requested does not run as a CPython 3: name one that does, or unset it."
        version=${answer%% *} python=${answer#* }
        [[ " ${minors[*]} " == *" ${version#3.} "* ]] ||
            fail "found Python $version in DARKROOM_PYTHON=$requested on $libc; $needed: name one that fits."
        return
    fi
    pyenv_root=$(pyenv root 2>/dev/null) || pyenv_root=
    find_python "${minors[@]}" && return
    for minor in 14 13 12 11 10 9 8; do
        find_python "$minor" && found+=("$version")
    done
    fail "found $libc and Python ${found[*]:-none}; $needed:" \
        "install Python 3.${minors[0]} (say, by 'pyenv install 3.${minors[0]}') or name one by DARKROOM_PYTHON=/path/to/python."
}

# pyfarmhash, which TensorFlow Data Validation needs, has no wheels for Linux.
check_compiler() {
    local missing
    missing=$("$python" -c '
import os, shutil, sysconfig
header = os.path.join(sysconfig.get_path("include"), "Python.h")
compiler = os.environ.get("CXX") or sysconfig.get_config_var("CXX") or "c++"
lacking = [] if os.path.exists(header) else ["the header " + header]
lacking += [] if shutil.which(compiler.split()[0]) else ["the C++ compiler " + compiler.split()[0]]
print(" and ".join(lacking))')
    [[ -z $missing ]] ||
        fail "one package is compiled here, and $missing is missing: install it (in Debian and Ubuntu: g++ python$version-dev)."
}

find_uv() {
    # By itself uv reads neither pip's index nor the machine's certificates, which may hold a company's own.
    [[ -z ${PIP_INDEX_URL:-} ]] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}"
    [[ ! -e /etc/ssl/certs/ca-certificates.crt ]] || export UV_NATIVE_TLS="${UV_NATIVE_TLS:-1}"
    for uv in uv "$PWD/.uv/bin/uv"; do
        "$uv" --version >/dev/null 2>&1 && return
    done
    say "Installing uv into .uv"
    "$python" -c 'import ensurepip' 2>/dev/null ||
        fail "uv is missing, and $python cannot make the environment to install it in: install uv, or ensurepip (in Debian and Ubuntu: python$version-venv)."
    rm -rf .uv
    if ! { "$python" -m venv .uv && .uv/bin/python -m pip install --quiet 'uv>=0.8'; }; then
        fail "pip could not install uv, see above. $network_hint"
    fi
}

is_ready() {
    [[ -x .venv/bin/python && -r $stamp ]] || return 1
    local installed installed_for running
    { read -r installed && read -r installed_for; } <"$stamp" || return 1
    running=$(.venv/bin/python -I -S -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || return 1
    [[ $installed == "$digest $running $PWD" && ( -z $requested || $requested == "$installed_for" ) ]]
}

install() {
    choose_python
    check_compiler
    say "Python $version ($python)"
    find_uv
    say "Installing the packages of requirements.lock into .venv (minutes, and about 1 GB to download the first time)"
    rm -rf .venv
    "$uv" venv --quiet --python "$python" .venv || fail "uv could not make .venv, see above."
    # Some packages are built from source here, by a setuptools that the lock does not hold.
    "$uv" pip sync --quiet --require-hashes --compile-bytecode --build-constraints <(echo 'setuptools<85') \
        --python .venv/bin/python requirements.lock || fail "uv could not install the packages, see above. $network_hint"
    printf '%s\n' "$digest $version $PWD" "$requested" >"$stamp"
    say "Environment ready after $SECONDS s"
}

case "$*" in
    '') ;;
    --print-python) choose_python && printf '%s\n' "$python" && exit ;;
    --print-uv) choose_python && find_uv && printf '%s\n' "$uv" && exit ;;
    *) fail "unknown arguments: $*; known are --print-python and --print-uv." ;;
esac

read -r digest _ < <(sha256sum requirements.lock)
is_ready && exit
exec 9<.
if command -v flock >/dev/null && ! flock --nonblock 9; then
    say "Waiting for another setup to finish"
    flock 9
fi
is_ready || install
