#!/usr/bin/env bash
# How `xstream tail` compares with `curl -sN`, and with `curl -sN | jq`, on a stream from this very machine.
#
#   benches/compare.sh [ROUNDS [POSTS [MINUTES]]]     default 5 rounds of 200000 posts, memory watched for 1 minute
#
# Needs target/release/xstream and curl; the rows that need jq or perl are left out where those are missing. Only
# ratios are printed: the runs of a round follow each other closely, each gives one ratio to curl's run of that
# round, and the median over the rounds counts. So other work on the machine does little harm.
#
# Each tool writes into a pipe that `wc -l` empties. CPU time is that of the tool alone.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
xstream=${XSTREAM:-$here/target/release/xstream}
rounds=${1:-5}
posts=${2:-200000}
minutes=${3:-1}
path=/2/tweets/search/stream
TIMEFORMAT='%R %U %S'

[ -x "$xstream" ] || { echo "compare.sh: no $xstream; run cargo build --release" >&2; exit 1; }
command -v curl >/dev/null || { echo "curl is not installed, and everything is compared with it: no ratios"; exit 0; }

folder=$(mktemp -d)
servers=
trap 'kill $servers 2>/dev/null || true; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

# serve NAME SCRIPT [OPTION...]: starts a server; its URL is in $folder/NAME.url.
serve() {
    local name=$1 script=$2
    shift 2
    "$xstream" simulate --script "$script" "$@" >"$folder/$name" &
    servers="$servers $!"
    until [ -s "$folder/$name" ]; do sleep 0.1; done
    sed 's/.*"url":"\([^"]*\)".*/\1/' "$folder/$name" >"$folder/$name.url"
}
url() { cat "$folder/$1.url"; }

serve plain "flood $posts; end"
serve tls "flood $posts; end" --tls "$folder/ca.pem"
serve gzip "flood $posts; end" --gzip
serve lines "flood-lines $posts; end"
serve endless "flood"
serve steady "posts every 200us"

ours() {
    local server=$1
    shift
    local ca=()
    [ "$server" != tls ] || ca=(--cacert "$folder/ca.pem")
    # A stream that ends is a failure to a run that may not connect again.
    "$xstream" tail --base-url "$(url "$server")" --bearer x --no-reconnect -q ${ca[@]+"${ca[@]}"} "$@" || true
}
curls() {
    local server=$1
    shift
    local ca=()
    [ "$server" != tls ] || ca=(--cacert "$folder/ca.pem")
    curl -sN ${ca[@]+"${ca[@]}"} -H 'Authorization: Bearer x' "$@" "$(url "$server")$path"
}
curl_jq() { curls "$1" | jq -c 'select(.data)'; }

# measure COMMAND...: its seconds, its CPU seconds, and how many lines it wrote.
measure() {
    local lines
    lines=$({ time "$@" 2>"$folder/said"; } 2>"$folder/time" | wc -l)
    awk -v lines="$lines" '{ print $1, $2 + $3, lines }' "$folder/time"
}

# note NAME FILE_OF_OURS FILE_OF_THEIRS: one ratio of lines per second and one of CPU time per line.
note() {
    echo "$(cat "$2") $(cat "$3")" | awk -v name="$1" '{
        if ($3 == 0 || $6 == 0) exit
        print name, "speed", ($3 / $1) / ($6 / $4)
        print name, "cpu", ($2 / $3) / ($5 / $6)
    }' >>"$folder/ratios"
}

has() { command -v "$1" >/dev/null; }

# median NAME WHAT
median() {
    awk -v name="$1" -v what="$2" '$1 == name && $2 == what { print $3 }' "$folder/ratios" | sort -g |
        awk '{ v[NR] = $1 } END { if (NR) printf "%.2f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2; else printf "-" }'
}

# memory SERVER TOOL: the most memory the tool used within three seconds, in KiB.
memory() {
    local shell most=0 now child
    rm -f "$folder/pipe"
    mkfifo "$folder/pipe"
    wc -l <"$folder/pipe" >/dev/null &
    "$2" "$1" >"$folder/pipe" 2>/dev/null &
    shell=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        sleep 0.2
        child=$(pgrep -P "$shell" | head -n 1) || true
        [ -n "$child" ] || continue
        if [ -r "/proc/$child/status" ]; then
            now=$(awk '/^VmHWM/ { print $2 }' "/proc/$child/status")
        else
            now=$(ps -o rss= -p "$child")
        fi
        [ "${now:-0}" -le "$most" ] || most=$now
    done
    [ -z "$child" ] || kill "$child" 2>/dev/null || true
    wait "$shell" 2>/dev/null || true
    echo "$most"
}

# growth: how much its memory grew, in KiB, from the first twentieth of the time to the end, in a flood whose server
# hangs up again and again. The clock of its waits runs a hundred times as fast, so that it hardly waits.
growth() {
    local ours early late
    rm -f "$folder/pipe"
    mkfifo "$folder/pipe"
    wc -l <"$folder/pipe" >/dev/null &
    XSTREAM_TEST_SPEED=100 "$xstream" tail --base-url "$(url plain)" --bearer x -q >"$folder/pipe" 2>/dev/null &
    ours=$!
    sleep "$((minutes * 3))"
    early=$(ps -o rss= -p "$ours")
    sleep "$((minutes * 57))"
    late=$(ps -o rss= -p "$ours")
    kill "$ours"
    wait "$ours" 2>/dev/null || true
    echo $((late - early))
}

# latency TOOL: the median time from the making of a post to its arrival, in milliseconds. The id states when it
# was made, to the millisecond, so half a millisecond is added to both sides.
latency() {
    "$1" steady 2>/dev/null | perl -MTime::HiRes=time -ne '
        if (/"edit_history_tweet_ids":\["(\d+)"/) {
            push @took, time * 1000 - (($1 >> 22) + 1288834974657) if $seen++ > 1000;
            last if @took == 5000;
        }
        END { @took = sort { $a <=> $b } @took; printf "%.3f\n", $took[@took / 2] }' 2>/dev/null
}

# first_byte TOOL: the time from start to the first byte, in milliseconds.
first_byte() {
    "$1" endless 2>/dev/null | perl -MTime::HiRes=time -e '
        sysread STDIN, $byte, 1; printf "%.3f\n", (time - $ARGV[0]) * 1000' "$2"
}

echo "xstream tail against curl -sN; $rounds rounds of $posts posts, medians of the ratios of each round"
for round in $(seq "$rounds"); do
    # Who goes first changes, since the second may find warm caches.
    for name in plain tls lines; do
        if [ $((round % 2)) = 0 ]; then
            measure ours "$name" >"$folder/ours"
            measure curls "$name" >"$folder/theirs"
        else
            measure curls "$name" >"$folder/theirs"
            measure ours "$name" >"$folder/ours"
        fi
        note "$name" "$folder/ours" "$folder/theirs"
        cp "$folder/ours" "$folder/ours.$name"
        cp "$folder/theirs" "$folder/theirs.$name"
    done
    note chunks "$folder/ours.lines" "$folder/ours.plain"
    note chunks-curl "$folder/theirs.lines" "$folder/theirs.plain"
    measure curls gzip --compressed >"$folder/theirs"
    measure ours gzip >"$folder/ours"
    note gzip "$folder/ours" "$folder/theirs"
    # A reader that throws everything away shows how fast the server is.
    { time curls plain -o /dev/null; } 2>"$folder/time"
    awk -v lines="$posts" '{ print $1, $2 + $3, lines }' "$folder/time" >"$folder/bare"
    note bare "$folder/bare" "$folder/theirs.plain"
    note bare-ours "$folder/bare" "$folder/ours.plain"
    { time curls tls -o /dev/null; } 2>"$folder/time"
    awk -v lines="$posts" '{ print $1, $2 + $3, lines }' "$folder/time" >"$folder/bare"
    note bare-tls "$folder/bare" "$folder/ours.tls"
    if has jq; then
        measure curl_jq plain >"$folder/theirs"
        measure ours plain >"$folder/ours"
        # jq drops the posts of v1.1, which have no `data`: what was read is the same.
        awk -v lines="$posts" '{ print $1, $2, lines }' "$folder/theirs" >"$folder/time"
        note jq "$folder/ours" "$folder/time"
    fi
    if has perl; then
        for tool in ours curls; do
            first_byte $tool "$(perl -MTime::HiRes=time -e 'print time')" >"$folder/$tool.first"
        done
        echo "first ms $(awk 'NR == FNR { a = $1; next } { print a / $1 }' "$folder/ours.first" "$folder/curls.first")" >>"$folder/ratios"
        latency ours >"$folder/ours.took"
        latency curls >"$folder/curls.took"
        echo "latency ms $(awk 'NR == FNR { a = $1; next } { print a / $1 }' "$folder/ours.took" "$folder/curls.took")" >>"$folder/ratios"
    fi
done
if has pgrep; then
    for server in endless steady; do
        echo "$server kib $(memory "$server" ours) $(memory "$server" curls)" |
            awk '{ if ($4 > 0) print $1, $2, $3 / $4 }' >>"$folder/ratios"
    done
    [ "$minutes" = 0 ] || echo "growth kib $(growth)" >>"$folder/ratios"
fi

row() { printf '%-58s %6s %6s\n' "$1" "$2" "${3:-}"; }
row '' 'lines/s' 'CPU/GB'
row 'flood, 16 KiB chunks, plain' "$(median plain speed)" "$(median plain cpu)"
row 'flood, 16 KiB chunks, TLS' "$(median tls speed)" "$(median tls cpu)"
row 'flood, a chunk for each post, plain' "$(median lines speed)" "$(median lines cpu)"
row 'flood, gzip, against curl --compressed' "$(median gzip speed)" "$(median gzip cpu)"
if has jq; then
    row "flood, plain, against curl | jq -c 'select(.data)'" "$(median jq speed)" "$(median jq cpu)"
else
    echo "jq is not installed: no ratio to curl | jq"
fi
row 'a chunk for each post against 16 KiB chunks: xstream' "$(median chunks speed)" "$(median chunks cpu)"
row '                                             curl' "$(median chunks-curl speed)" "$(median chunks-curl cpu)"
if has perl; then
    row 'start to first byte, time' "$(median first ms)"
    row 'median latency at 5000 posts a second' "$(median latency ms)"
else
    echo "perl is not installed: no ratio of latency and of the time to the first byte"
fi
if has pgrep; then
    row 'peak memory, flood' "$(median endless kib)"
    row 'peak memory, 5000 posts a second' "$(median steady kib)"
    [ "$minutes" = 0 ] || printf '%-57s %7.0f\n' "growth of memory in a flood, minutes: $minutes, KiB" "$(median growth kib)"
else
    echo "pgrep is not installed: no ratio of peak memory"
fi
row 'the server, read by curl -o /dev/null, against curl -sN' "$(median bare speed)"
for limit in "bare-ours plain" "bare-tls TLS"; do
    if awk -v n="$(median "${limit% *}" speed)" 'BEGIN { exit !(n + 0 > 0 && n < 1.1) }'; then
        echo "${limit#* }: the server is hardly faster than xstream here, so it may be the limit of the ratio above"
    fi
done
