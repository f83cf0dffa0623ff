#!/usr/bin/env bash
# Kills a node at its first, second, third ... system call of each kind with which it writes, syncs or answers, while
# somebody says something. Whatever `send` acknowledged must be in both logs once, in order; what it did not, at most once.
#
#   sudo examples/two-organisations/kill.sh [--binaries DIR] [--keep] [--calls "K K ..."]
#
# Exit code 0 if nothing was lost or repeated. Needs root, iproute2 and strace.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

binaries=target/debug
keep=
calls="1 4 9 17 30"
while [ $# -gt 0 ]; do
  case "$1" in
    --binaries) binaries=$2; shift 2 ;;
    --keep) keep=yes; shift ;;
    --calls) calls=$2; shift 2 ;;
    *) echo "usage: $0 [--binaries DIR] [--keep] [--calls 'K K ...']" >&2; exit 2 ;;
  esac
done
# shellcheck source=examples/two-organisations/machines.sh
. "$here/machines.sh"

# Starts Tokyo's node so that it dies at its call number $2 of kind $1. It may die before it serves.
start_doomed() {
  : >"$work/tokyo.out"
  ip netns exec "$tag-tokyo" strace -f -qq -o /dev/null -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" \
    "$binaries/couloir" run --home "$work/tokyo" --passphrase-file "$work/tokyo.passphrase" >"$work/tokyo.out" 2>"$work/tokyo.err" &
  doomed=$!
  started+=("$doomed")
  wait_until "Tokyo serves, or is dead" serves_or_ended tokyo "$doomed"
}

is_alive() { kill -0 "$doomed" 2>/dev/null; }

# Says things until the node is dead; keeps what was acknowledged.
talk_until_dead() {
  local id text
  for number in 1 2 3 4 5 6; do
    is_alive || return 0
    text="$1 call $2, note $number"
    echo "$text" >>"$work/said"
    if id=$(send tokyo "$text" 2>/dev/null) && [ -n "$id" ]; then echo "$id" >>"$work/acknowledged"; fi
  done
}

end_doomed() {
  pkill -KILL -P "$doomed" 2>/dev/null || true
  wait "$doomed" 2>/dev/null || true
}

need_root_and_binaries
command -v strace >/dev/null || { echo "strace is missing: apt-get install strace" >&2; exit 2; }

say "two offices over two relays"
make_network
start_relays
make_sides
start_node beijing
start_node tokyo
tokyo=${started[-1]}
compare_phrase
verify_both
kill "$tokyo"
wait "$tokyo" || true

: >"$work/said"; : >"$work/acknowledged"
deaths=0
for kind in pwrite64 fdatasync sendto,sendmsg,write; do
  for call in $calls; do
    start_doomed "$kind" "$call"
    talk_until_dead "$kind" "$call"
    is_alive || deaths=$((deaths + 1))
    end_doomed
  done
  say "$kind: killed at calls $calls"
done
[ "$deaths" -gt 0 ] || fail "no call killed the node"

say "Tokyo runs again, undisturbed"
start_node tokyo
while read -r id; do
  wait_until "acknowledged, and delivered: $id" is_delivered tokyo "$id"
done <"$work/acknowledged"
for city in tokyo beijing; do
  couloir $city log --json >"$work/$city.log"
  while read -r id; do
    [ "$(grep -c "\"id\":\"$id\"" "$work/$city.log")" = 1 ] || fail "$city does not read once what was acknowledged: $id"
  done <"$work/acknowledged"
  while read -r text; do
    [ "$(grep -cF "\"text\":\"$text\"" "$work/$city.log")" -le 1 ] || fail "$city reads twice: $text"
  done <"$work/said"
done
cmp <(field id <"$work/tokyo.log") <(field id <"$work/beijing.log") || fail "the two logs have another order"

say "killed $deaths times; $(wc -l <"$work/said") said, $(wc -l <"$work/acknowledged") acknowledged, none lost, none twice"
