#!/usr/bin/env bash
# Two organisations and two relays, each in a network namespace of its own, as on four machines:
# sets the line up as its people would, cuts relays off one after the other, and checks what each side reads.
#
#   sudo examples/two-organisations/run.sh [--binaries DIR] [--keep]
#
# Exit code 0 if every promise held; otherwise the first broken one is said. Needs root and iproute2.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

binaries=target/debug
keep=
while [ $# -gt 0 ]; do
  case "$1" in
    --binaries) binaries=$2; shift 2 ;;
    --keep) keep=yes; shift ;;
    *) echo "usage: $0 [--binaries DIR] [--keep]" >&2; exit 2 ;;
  esac
done

# shellcheck source=examples/two-organisations/machines.sh
. "$here/machines.sh"

need_root_and_binaries

say "four machines on one network"
make_network

say "two relays, run by two operators"
start_relays

say "two sides, a channel, an invitation"
make_sides

say "both nodes run"
start_node tokyo
start_node beijing

say "the desks compare the phrase"
compare_phrase
code=0; couloir tokyo send 'before the phrase was compared' 2>/dev/null || code=$?
[ "$code" = 3 ] || fail "a note before verification ended with $code, not with 3 (refused)"
verify_both

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
