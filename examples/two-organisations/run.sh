#!/usr/bin/env bash
# Two organisations and two relays, each in a network namespace of its own, as on four machines:
# sets the line up as its people would, cuts relays off one after the other, and checks what each side reads.
#
#   sudo examples/two-organisations/run.sh [--binaries DIR] [--keep]
#
# Exit code 0 if every promise held; otherwise the first broken one is said. Needs root and iproute2.
set -euo pipefail
cd "$(dirname "$0")/../.."

binaries=target/debug
keep=
while [ $# -gt 0 ]; do
  case "$1" in
    --binaries) binaries=$2; shift 2 ;;
    --keep) keep=yes; shift ;;
    *) echo "usage: $0 [--binaries DIR] [--keep]" >&2; exit 2 ;;
  esac
done

tag=couloir-$$
work=$(mktemp -d)
started=()
machines=(tokyo beijing relay1 relay2)
# What is carried within a second by one relay must not take longer than this, even on a loaded machine.
patience_s=60

say() { printf '\n== %s\n' "$*"; }
fail() { printf '\nBROKEN: %s\n' "$*" >&2; exit 1; }
on() { local machine=$1; shift; ip netns exec "$tag-$machine" "$@"; }

clean_up() {
  local code=$?
  set +e
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null; done
  for machine in "${machines[@]}" net; do ip netns delete "$tag-$machine" 2>/dev/null; done
  if [ "$code" -ne 0 ]; then tail -n 20 "$work"/*.err >&2; fi
  if [ -n "$keep" ]; then echo "kept: $work"; else rm -rf "$work"; fi
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# --- the machines -------------------------------------------------------------------------------

address() {
  case "$1" in tokyo) echo 10.77.0.1 ;; beijing) echo 10.77.0.2 ;; relay1) echo 10.77.0.3 ;; relay2) echo 10.77.0.4 ;; esac
}

make_network() {
  ip netns add "$tag-net"
  ip -n "$tag-net" link add bridge type bridge
  ip -n "$tag-net" link set bridge up
  for machine in "${machines[@]}"; do
    ip netns add "$tag-$machine"
    ip link add "$machine" netns "$tag-net" type veth peer name eth0 netns "$tag-$machine"
    ip -n "$tag-net" link set "$machine" master bridge up
    ip -n "$tag-$machine" link set lo up
    ip -n "$tag-$machine" address add "$(address "$machine")/24" dev eth0
    ip -n "$tag-$machine" link set eth0 up
  done
}

cut_off() { ip -n "$tag-net" link set "$1" down; }
bring_back() { ip -n "$tag-net" link set "$1" up; }

# Starts a program on a machine and waits for its line `ready`, which it prints.
start() {
  local machine=$1; shift
  : >"$work/$machine.out"
  ip netns exec "$tag-$machine" "$@" >"$work/$machine.out" 2>"$work/$machine.err" &
  started+=($!)
  wait_until "$machine serves" serves_or_ended "$machine" $!
  grep -q ready "$work/$machine.out" || fail "$machine ended instead of serving: $(tail -n 1 "$work/$machine.err")"
}

serves_or_ended() { grep -q ready "$work/$1.out" || ! kill -0 "$2" 2>/dev/null; }

# The route that a relay printed when it served.
route_of() { sed -n 's/^ready //p' "$work/$1.out"; }

wait_until() {
  local what=$1 deadline=$((SECONDS + patience_s)); shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || fail "after $patience_s s not so: $what"
    sleep 0.1
  done
}

# --- the people ---------------------------------------------------------------------------------

couloir() {
  local machine=$1 verb=$2; shift 2
  on "$machine" "$binaries/couloir" "$verb" --home "$work/$machine" --passphrase-file "$work/$machine.passphrase" "$@"
}

# Sends a note; prints its id.
send() { couloir "$1" send --json "$2" | field id; }

# The value of a text field of the JSON lines that come in.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

is_in_state() {
  couloir "$1" log --json | grep "\"id\":\"$2\"" | grep -q "\"state\":\"$3\""
}

is_delivered() { is_in_state "$1" "$2" delivered || is_in_state "$1" "$2" shown; }

has_text_once() { [ "$(couloir "$1" log --json | grep -cF "\"text\":\"$2\"")" = 1 ]; }

# Says a text on one side and checks that it is delivered, and read once on the other.
talk() {
  local from=$1 to=$2 text=$3 id begin=$SECONDS
  id=$(send "$from" "$text")
  wait_until "$from's note is delivered: $text" is_delivered "$from" "$id"
  has_text_once "$to" "$text" || fail "$to does not read once: $text"
  echo "$from -> $to  $((SECONDS - begin)) s  $text"
}

# What one side reads, in its order, by one author: ids and texts.
read_by() { couloir "$1" log --json | grep "\"side\":\"$2\"" | sed -n 's/.*"id":"\([^"]*\)".*"text":"\([^"]*\)".*/\1 \2/p'; }

# --- the story ----------------------------------------------------------------------------------

[ "$(id -u)" = 0 ] || { echo "network namespaces need root: run this with sudo" >&2; exit 2; }
if ! [ -x "$binaries/couloir" ] || ! [ -x "$binaries/couloir-relay" ]; then
  cargo build -p couloir -p couloir-relay --bins
fi

say "four machines on one network"
make_network

say "two relays, run by two operators"
start relay1 "$binaries/couloir-relay" run --data "$work/relay1" --listen "$(address relay1):7443" --ruler 0
start relay2 "$binaries/couloir-relay" run --data "$work/relay2" --listen "$(address relay2):7443" --ruler 1
route_of relay1; route_of relay2

say "two sides, a channel, an invitation"
echo 'eight words that only Tokyo would ever choose' >"$work/tokyo.passphrase"
echo 'other words that Beijing keeps to itself' >"$work/beijing.passphrase"
couloir tokyo init --side Japan --post 'Director, Liaison Division' --holder '佐藤'
couloir tokyo channel create --name Standby --route "$(route_of relay1)" --route "$(route_of relay2)" --window 200ms
couloir tokyo invite --for China --out "$work/invitation"
couloir beijing init --side China --post 'Director, Liaison Division' --holder '李'
couloir beijing join "$work/invitation"

say "both nodes run"
start tokyo "$binaries/couloir" run --home "$work/tokyo" --passphrase-file "$work/tokyo.passphrase"
start beijing "$binaries/couloir" run --home "$work/beijing" --passphrase-file "$work/beijing.passphrase"

say "the desks compare the phrase"
tokyo_reads=$(couloir tokyo phrase --wait --json)
beijing_reads=$(couloir beijing phrase --wait --json)
echo "$tokyo_reads" | field digits
[ -n "$tokyo_reads" ] && [ "$tokyo_reads" = "$beijing_reads" ] || fail "the two desks read different phrases"
code=0; couloir tokyo send 'before the phrase was compared' 2>/dev/null || code=$?
[ "$code" = 3 ] || fail "a note before verification ended with $code, not with 3 (refused)"
couloir tokyo verify
couloir beijing verify
is_verified() { couloir "$1" status --json | grep -q '"verified":true'; }
wait_until "both sides are verified" is_verified tokyo
wait_until "both sides are verified" is_verified beijing

say "both talk over two relays"
talk tokyo beijing 'こちらは東京です。聞こえますか。'
talk beijing tokyo '这里是北京。听得到。'

say "relay1 is cut off"
cut_off relay1
talk tokyo beijing 'Relay 1 is gone; this goes over relay 2.'
talk beijing tokyo '通过二号中继收到。'

say "relay1 is back, relay2 is cut off"
bring_back relay1
cut_off relay2
talk tokyo beijing '第二中継も切れました。'
talk beijing tokyo 'Still here, over relay 1.'

say "both are cut off: what is said is kept, and arrives when one is back"
cut_off relay1
kept=$(send tokyo 'Said while nothing worked.')
is_delivered tokyo "$kept" && fail "a note counts as delivered although no route works"
bring_back relay2
wait_until "the kept note is delivered" is_delivered tokyo "$kept"
has_text_once beijing 'Said while nothing worked.' || fail "the kept note is not read once in Beijing"

say "both logs hold the same, in the same order, once"
for side in Japan China; do
  there=$(read_by beijing "$side"); here=$(read_by tokyo "$side")
  [ -n "$here" ] && [ "$here" = "$there" ] || fail "the logs differ on what $side said: [$here] [$there]"
  [ -z "$(cut -d' ' -f1 <<<"$here" | sort | uniq -d)" ] || fail "something that $side said is there twice"
  echo "$side said $(wc -l <<<"$here"): same on both sides"
done

say "every promise held"
