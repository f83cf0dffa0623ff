# Machines, people and promises of the examples: sourced by run.sh and cover.sh, which set `binaries` and `keep`.
#
# Each machine is a network namespace; all of them hang on one bridge.

tag=couloir-$$
work=$(mktemp -d)
started=()
declare -A pid_of
machines=(tokyo beijing relay1 relay2)
# What is carried within a second by one relay must not take longer than this, even on a loaded machine.
patience_s=60

say() { printf '\n== %s\n' "$*"; }
fail() { printf '\nBROKEN: %s\n' "$*" >&2; exit 1; }
on() { local machine=$1; shift; ip netns exec "$tag-$machine" "$@"; }

clean_up() {
  local code=$?
  set +e
  # What runs under strace, which itself takes no signal, is its child.
  for pid in "${started[@]}"; do pkill -TERM -P "$pid"; kill "$pid" 2>/dev/null; done
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
  pid_of[$machine]=$!
  started+=("${pid_of[$machine]}")
  wait_until "$machine serves" serves_or_ended "$machine" "${pid_of[$machine]}"
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

# --- the set-up, as two sides would do it ---------------------------------------------------------

need_root_and_binaries() {
  [ "$(id -u)" = 0 ] || { echo "network namespaces need root: run this with sudo" >&2; exit 2; }
  if ! [ -x "$binaries/couloir" ] || ! [ -x "$binaries/couloir-relay" ]; then
    cargo build -p couloir -p couloir-relay --bins
  fi
}

start_relays() {
  local number=0 relay
  for relay in relay1 relay2; do
    start "$relay" "$binaries/couloir-relay" run --data "$work/$relay" --listen "$(address "$relay"):7443" --ruler "$number"
    route_of "$relay"
    number=$((number + 1))
  done
}

make_sides() {
  echo 'eight words that only Tokyo would ever choose' >"$work/tokyo.passphrase"
  echo 'other words that Beijing keeps to itself' >"$work/beijing.passphrase"
  couloir tokyo init --side Japan --post 'Director, Liaison Division' --holder '佐藤'
  couloir tokyo channel create --name Standby --route "$(route_of relay1)" --route "$(route_of relay2)" --window 200ms
  couloir tokyo invite --for China --out "$work/invitation"
  couloir beijing init --side China --post 'Director, Liaison Division' --holder '李'
  couloir beijing join "$work/invitation"
}

start_node() {
  start "$1" "$binaries/couloir" run --home "$work/$1" --passphrase-file "$work/$1.passphrase"
}

# Ends what serves on a machine, in order; under strace that is strace's child.
stop() {
  local pid=${pid_of[$1]} child
  child=$(pgrep -P "$pid" || true)
  kill -TERM "${child:-$pid}"
  wait "$pid" || true
}

is_verified() { couloir "$1" status --json | grep -q '"verified":true'; }

compare_phrase() {
  local tokyo_reads beijing_reads
  tokyo_reads=$(couloir tokyo phrase --wait --json)
  beijing_reads=$(couloir beijing phrase --wait --json)
  field digits <<<"$tokyo_reads"
  [ -n "$tokyo_reads" ] && [ "$tokyo_reads" = "$beijing_reads" ] || fail "the two desks read different phrases"
}

verify_both() {
  couloir tokyo verify
  couloir beijing verify
  wait_until "both sides are verified" is_verified tokyo
  wait_until "both sides are verified" is_verified beijing
}
