#!/bin/sh
# How fast `scrub` reads and rewrites a plain archive with a million effects, against `grep -v` and `jq`.
#
#   benches/scrub.sh [MEGABYTES]     default 1000
#
# Needs target/dist/xstream (cargo build --profile dist) or target/release/xstream. Each program runs three times and
# its best run counts, because other work on the machine can only slow a run down. jq gets a tenth of the archive.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
xstream=$here/target/dist/xstream
[ -x "$xstream" ] || xstream=$here/target/release/xstream
xstream=${XSTREAM:-$xstream}
megabytes=${1:-1000}
[ -x "$xstream" ] || { echo "scrub.sh: no $xstream; run cargo build --profile dist" >&2; exit 1; }

folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

# Ten thousand different posts, again and again.
"$xstream" simulate --script 'posts 10000; end' >"$folder/address" &
server=$!
until [ -s "$folder/address" ]; do sleep 0.1; done
url=$(sed 's/.*"\(http:[^"]*\)".*/\1/' "$folder/address")
"$xstream" tail --base-url "$url" --bearer x --all-fields --max 10000 --no-reconnect -q >"$folder/posts"
kill "$server"
server=
while :; do
    cat "$folder/posts" >>"$folder/archive.ndjson"
    bytes=$(wc -c <"$folder/archive.ndjson")
    [ "$bytes" -lt "$((megabytes * 1000000))" ] || break
done
# A million effects: every twentieth post is deleted, the other effects are about posts of other archives.
awk '
    function event(id) {
        printf "{\"data\":{\"delete\":{\"tweet\":{\"id\":\"%s\",\"author_id\":\"1\"},\"event_at\":\"2026-11-24T00:00:00.000Z\"}}}\n", id
    }
    NR % 20 == 0 && match($0, /"edit_history_tweet_ids":\["[0-9]+/) {
        id = substr($0, RSTART, RLENGTH)
        sub(/.*"/, "", id)
        event(id)
        n++
    }
    END { for (; n < 1000000; n++) event(sprintf("19%017d", n * 7919)) }
' "$folder/posts" >"$folder/events"
deleted=$(head -n 1 "$folder/events" | sed 's/.*"id":"\([0-9]*\)".*/\1/')

# Seconds of the best of three runs; `prepare` is not measured.
prepare=:
best() {
    for _ in 1 2 3; do
        $prepare
        began=$(date +%s.%N)
        "$@" >"$folder/out"
        ended=$(date +%s.%N)
        echo "$began $ended"
    done | awk '{ t = $2 - $1; if (NR == 1 || t < best) best = t } END { printf "%.3f\n", best }'
}
row() { echo "$2 $3" | awk -v name="$1" '{ printf "%-52s %6.2f s %6.0f MB/s\n", name, $2, $1 / $2 / 1e6 }'; }
copy() { cp "$folder/archive.ndjson" "$folder/copy.ndjson"; sync "$folder/copy.ndjson"; }

events=$(wc -c <"$folder/events")
echo "$((bytes / 1000000)) MB of posts, $(wc -l <"$folder/events") effects in $((events / 1000000)) MB; best of 3 runs"
row "scrub --dry-run, events included" "$((bytes + events))" \
    "$(best "$xstream" scrub -q --dry-run --events "$folder/events" "$folder/archive.ndjson")"
row "scrub --dry-run, without an effect" "$bytes" "$(best "$xstream" scrub -q --dry-run "$folder/archive.ndjson")"
prepare=copy
row "scrub, rewriting and syncing, events included" "$((bytes + events))" \
    "$(best "$xstream" scrub -q --events "$folder/events" "$folder/copy.ndjson")"
left=$(wc -l <"$folder/copy.ndjson")
prepare=:
row "grep -v of one id, to /dev/null through cat" "$bytes" \
    "$(best sh -c 'LC_ALL=C grep -v "\"id\":\"$1\"" "$2" | cat >/dev/null' sh "$deleted" "$folder/archive.ndjson")"
head -c "$((bytes / 10))" "$folder/archive.ndjson" >"$folder/part"
if command -v jq >/dev/null; then
    # The last line may be cut, which ends jq with a message.
    row "jq -c 'select(.data.id != \"…\")' of a tenth" "$((bytes / 10))" \
        "$(best sh -c 'jq -c "select(.data.id != \"$1\")" "$2" 2>/dev/null || :' sh "$deleted" "$folder/part")"
else
    echo "jq is not installed: no row"
fi
lines=$(wc -l <"$folder/archive.ndjson")
echo "$left of $lines lines are left after the rewrite"

# The peak of memory, while the process lives.
copy
"$xstream" scrub -q --events "$folder/events" "$folder/copy.ndjson" >/dev/null &
child=$!
peak=0
while now=$(awk '/^VmHWM/ { print $2 }' "/proc/$child/status" 2>/dev/null) && [ -n "$now" ]; do
    peak=$now
    sleep 0.05
done
wait "$child"
echo "peak memory $((peak / 1024)) MiB"
