#!/bin/sh
# How much faster than jq `replay --where` is, on a generated capture and one predicate on one field.
#
#   benches/where.sh [MEGABYTES]     default 200
#
# Needs target/release/xstream. Each program runs three times and its best run counts, because other work on the
# machine can only slow a run down.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
xstream=$here/target/release/xstream
megabytes=${1:-200}
predicate='.data.lang=="en"'
[ -x "$xstream" ] || { echo "where.sh: no $xstream; run cargo build --release" >&2; exit 1; }

folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

# Ten thousand different posts, again and again.
"$xstream" simulate --script 'posts 10000; end' >"$folder/address" &
server=$!
until [ -s "$folder/address" ]; do sleep 0.1; done
url=$(sed 's/.*"\(http:[^"]*\)".*/\1/' "$folder/address")
"$xstream" tail --base-url "$url" --bearer x --max 10000 --no-reconnect -q >"$folder/posts"
kill "$server"
server=
while :; do
    cat "$folder/posts" >>"$folder/capture"
    bytes=$(wc -c <"$folder/capture")
    [ "$bytes" -lt "$((megabytes * 1000000))" ] || break
done

# Seconds of the best of three runs.
best() {
    for _ in 1 2 3; do
        began=$(date +%s.%N)
        "$@" >"$folder/out"
        ended=$(date +%s.%N)
        echo "$began $ended"
    done | awk '{ t = $2 - $1; if (NR == 1 || t < best) best = t } END { printf "%.3f\n", best }'
}

ours=$(best "$xstream" replay -q --only post --where "$predicate" "$folder/capture")
kept=$(wc -l <"$folder/out")
echo "$((bytes / 1000000)) MB, predicate $predicate, $kept posts kept"
echo "xstream replay --where   $ours s"
general=$(best "$xstream" replay -q --only post --where "($predicate) | ." "$folder/capture")
echo "  by the interpreter     $general s"
none=$(best "$xstream" replay -q --only post "$folder/capture")
echo "  without a condition    $none s"
if ! command -v jq >/dev/null; then
    echo "jq is not installed: no ratio"
    exit 0
fi
theirs=$(best jq -c "select($predicate)" "$folder/capture")
[ "$kept" = "$(wc -l <"$folder/out")" ] || { echo "where.sh: jq keeps other posts" >&2; exit 1; }
echo "jq -c 'select(...)'      $theirs s"
echo "$theirs $ours" | awk '{ printf "ratio %.1f\n", $1 / $2 }'
