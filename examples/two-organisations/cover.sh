#!/usr/bin/env bash
# Whether an observer next to a node, or at a relay, sees if something is said: captures what both nodes exchange with a
# relay, idle and then talking as much as the line carries, and compares sizes, numbers and instants of the exchanges.
#
#   sudo examples/two-organisations/cover.sh [--binaries DIR] [--keep] [--seconds N] [--all]
#
# With --all also across a restart of both nodes and the change of keys a minute later, and with disks whose syncs take
# one and a half windows: nine minutes. Exit code 0 if nothing tells them apart. Needs root, iproute2 and tcpdump, and
# strace for --all.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

binaries=target/debug
keep=
seconds=30
all=
while [ $# -gt 0 ]; do
  case "$1" in
    --binaries) binaries=$2; shift 2 ;;
    --keep) keep=yes; shift ;;
    --seconds) seconds=$2; shift 2 ;;
    --all) all=yes; shift ;;
    *) echo "usage: $0 [--binaries DIR] [--keep] [--seconds N] [--all]" >&2; exit 2 ;;
  esac
done
# shellcheck source=examples/two-organisations/machines.sh
. "$here/machines.sh"

window_ms=200
# What a node that stops and its relay say at the end of a connection, in octets: no exchange.
tls_goodbye='24 24'

# Captures at relay1 for some seconds while the rest of the arguments run; writes PHASE.TOKYO and PHASE.BEIJING.
capture() {
  local phase=$1; shift
  ip netns exec "$tag-relay1" tcpdump -i eth0 -n -q -tt --immediate-mode -w "$work/$phase.pcap" tcp port 7443 2>"$work/tcpdump.err" &
  local capturing=$!
  started+=("$capturing")
  wait_until "tcpdump listens" grep -q listening "$work/tcpdump.err"
  "$@"
  kill -INT "$capturing"
  wait "$capturing" || true
  for office in tokyo beijing; do
    tcpdump -n -q -tt -r "$work/$phase.pcap" host "$(address $office)" 2>/dev/null | exchanges "$(address $office)" >"$work/$phase.$office"
  done
}

# One line per whole exchange: instant in seconds, octets of the request, octets of the answer. The first exchange of a
# connection travels with the end of TLS' handshake and is marked `new`; the handshake itself is left out.
exchanges() {
  awk -v node="$1." '
    $NF == 0 || $(NF - 1) != "tcp" { next }
    index($3, node) == 1 {
      if ($3 != connection || answer > 0) finish()
      if ($3 != connection) { connection = $3; groups = first_seen ? 0 : 9; first_seen = 1; request = answer = 0 }
      if (request == 0) begin = $1
      request += $NF; next
    }
    $5 == connection ":" { answer += $NF }
    function finish() {
      if (request > 0 && answer > 0) { if (groups > 0) print begin, request, answer, (groups == 1 ? "new" : ""); groups++ }
      request = answer = 0
    }'
}

be_silent() { sleep "$seconds"; }

# Notes both ways as fast as a person never would, and a file.
talk_much() {
  local end=$((SECONDS + seconds)) number=0
  head -c 100000 /dev/urandom >"$work/annex"
  couloir tokyo send --file "$work/annex" >/dev/null
  while [ $SECONDS -lt $end ]; do
    couloir tokyo send "note $number: 東京から北京へ" >/dev/null
    couloir beijing send "note $number: 北京致东京" >/dev/null
    number=$((number + 1))
  done
  echo "$number notes each way, and a file"
}

sizes() { grep -v new "$1" | cut -d' ' -f2,3 | sort -u; }

# Greatest distance between the distributions of two phases' instants within their window, and its bound: one chance in
# ten thousand that equal distributions lie farther apart.
instants_agree() {
  awk -v window="$window_ms" '
    { offset = ($1 * 1000) % window; kind = FILENAME == ARGV[1] ? "a" : "b"; count[kind]++; print offset, kind }
  ' "$1" "$2" | sort -n | awk '
    { total[$2]++; kind[NR] = $2 }
    END {
      for (i = 1; i <= NR; i++) {
        seen[kind[i]]++
        distance = seen["a"] / total["a"] - seen["b"] / total["b"]
        if (distance < 0) distance = -distance
        if (distance > most) most = distance
      }
      bound = 2.23 * sqrt((total["a"] + total["b"]) / (total["a"] * total["b"]))
      printf "greatest distance of the distributions %.3f, bound %.3f\n", most, bound
      exit most > bound
    }'
}

# The exchanges after the last second without any.
last_stretch() { awk 'NR > 1 && $1 - last > 1 { count = 0 } { last = $1; line[count++] = $0 } END { for (i = 0; i < count; i++) print line[i] }' "$1"; }

# The number of windows that passed since the last pause, give or take the two at the ends and a machine that stumbles.
count_agrees() {
  last_stretch "$1" | awk '{ if (NR == 1) first = $1; last = $1 } END { print NR, last - first }' | awk -v window="$window_ms" '
    { expected = $2 * 1000 / window + 1; off = $1 - expected; if (off < 0) off = -off
      printf "%d exchanges in %.1f s, one per window would be %.0f\n", $1, $2, expected; exit off > 2 + expected / 50 }'
}

# Captures a circumstance idle and busy, and compares.
compare() {
  local name=$1 circumstance=$2 office idle busy phase
  say "$name: idle"
  capture "$name-idle" "$circumstance" be_silent
  say "$name: busy"
  capture "$name-busy" "$circumstance" talk_much
  for office in tokyo beijing; do
    say "$name: $office, as seen at relay1"
    idle=$(sizes "$work/$name-idle.$office"); busy=$(sizes "$work/$name-busy.$office")
    echo "octets of request and answer, idle: $idle; busy: $busy"
    [ -n "$idle" ] && [ "$idle" = "$busy" ] && [ "$(grep -vcx "$tls_goodbye" <<<"$idle")" = 1 ] || fail "the sizes of $office's exchanges differ"
    for phase in idle busy; do
      count_agrees "$work/$name-$phase.$office" || fail "$office, $phase, does not make one exchange per window"
    done
    instants_agree "$work/$name-idle.$office" "$work/$name-busy.$office" || fail "the instants of $office's exchanges differ"
  done
}

# --- circumstances ------------------------------------------------------------------------------

undisturbed() { "$1"; }

# Both nodes are started again, and their keys change a minute later.
across_a_restart() {
  local whole=$seconds
  seconds=8 "$1"
  restart start_node
  seconds=100 "$1"
  seconds=$whole
}

restart() {
  stop tokyo
  stop beijing
  "$1" tokyo
  "$1" beijing
}

# Every sync of the node's disk takes one and a half windows.
start_slow_node() {
  local syncs=fsync,fdatasync
  start "$1" strace -f --seccomp-bpf -qq -o /dev/null -e trace=$syncs -e inject=$syncs:delay_exit=300000 \
    "$binaries/couloir" run --home "$work/$1" --passphrase-file "$work/$1.passphrase"
}

command -v tcpdump >/dev/null || { echo "tcpdump is missing: apt-get install tcpdump" >&2; exit 2; }
[ -z "$all" ] || command -v strace >/dev/null || { echo "strace is missing: apt-get install strace" >&2; exit 2; }
need_root_and_binaries
make_network
start_relays
make_sides
start_node tokyo
start_node beijing
compare_phrase
verify_both
sleep 3

compare undisturbed undisturbed
if [ -n "$all" ]; then
  compare restart across_a_restart
  restart start_slow_node
  sleep 10
  compare slow-disk undisturbed
fi

say "idle and busy look the same"
