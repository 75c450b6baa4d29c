# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_xstream_global_optspecs
    string join \n h/help V/version
end

function __fish_xstream_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_xstream_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_xstream_using_subcommand
    set -l cmd (__fish_xstream_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c xstream -n "__fish_xstream_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_needs_command" -s V -l version -d 'Print version'
complete -c xstream -n "__fish_xstream_needs_command" -f -a "tail" -d 'Connect to a stream, follow it, print its messages'
complete -c xstream -n "__fish_xstream_needs_command" -f -a "replay" -d 'Classify, filter and print captured streams'
complete -c xstream -n "__fish_xstream_needs_command" -f -a "scrub" -d 'Apply deletions, scrubs and withholding to archives'
complete -c xstream -n "__fish_xstream_needs_command" -f -a "connections" -d 'List or end the app\'s connections'
complete -c xstream -n "__fish_xstream_needs_command" -f -a "rules" -d 'List or change the rules of the filtered stream'
complete -c xstream -n "__fish_xstream_needs_command" -f -a "usage" -d 'Show what X counted as consumed, and what this machine metered'
complete -c xstream -n "__fish_xstream_needs_command" -f -a "doctor" -d 'Check step by step what a stream needs, and name what is wrong'
complete -c xstream -n "__fish_xstream_needs_command" -f -a "explain" -d 'Explain a code that ends or refuses a stream'
complete -c xstream -n "__fish_xstream_needs_command" -f -a "simulate" -d 'Serve a stream on loopback that plays a fault script'
complete -c xstream -n "__fish_xstream_needs_command" -f -a "generate" -d 'Write man pages and completions'
complete -c xstream -n "__fish_xstream_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l partition -d 'The stream\'s partition, for streams that are split' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l backfill-minutes -d 'Request the last minutes again, 0 to 5, mixed into the stream' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l start -d 'Recover from this time on: 2h (ago), 2026-11-22T10:00Z; the run ends when the range is delivered' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l end -d 'Recover up to this time' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l tweet-fields -d 'Fields of posts' -r -f -a "article\t''
attachments\t''
author_id\t''
card_uri\t''
community_id\t''
context_annotations\t''
conversation_id\t''
created_at\t''
display_text_range\t''
edit_controls\t''
edit_history_tweet_ids\t''
entities\t''
geo\t''
id\t''
in_reply_to_user_id\t''
lang\t''
matched_media_notes\t''
media_metadata\t''
note_request_suggestions\t''
note_tweet\t''
paid_partnership\t''
possibly_sensitive\t''
public_metrics\t''
referenced_tweets\t''
reply_settings\t''
scopes\t''
source\t''
suggested_source_links\t''
suggested_source_links_with_counts\t''
text\t''
withheld\t''"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l expansions -d 'Objects to include with posts' -r -f -a "article.cover_media\t''
article.media_entities\t''
attachments.media_keys\t''
attachments.media_source_tweet\t''
attachments.poll_ids\t''
author_id\t''
edit_history_tweet_ids\t''
entities.mentions.username\t''
entities.note.mentions.username\t''
geo.place_id\t''
in_reply_to_user_id\t''
referenced_tweets.id\t''
referenced_tweets.id.attachments.media_keys\t''
referenced_tweets.id.author_id\t''"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l user-fields -d 'Fields of included users' -r -f -a "affiliation\t''
confirmed_email\t''
connection_status\t''
created_at\t''
description\t''
entities\t''
id\t''
is_identity_verified\t''
location\t''
most_recent_tweet_id\t''
name\t''
parody\t''
pinned_tweet_id\t''
profile_banner_url\t''
profile_image_url\t''
protected\t''
public_metrics\t''
receives_your_dm\t''
subscription\t''
subscription_type\t''
url\t''
username\t''
verified\t''
verified_followers_count\t''
verified_type\t''
withheld\t''"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l media-fields -d 'Fields of included media' -r -f -a "alt_text\t''
duration_ms\t''
height\t''
media_key\t''
preview_image_url\t''
public_metrics\t''
type\t''
url\t''
variants\t''
width\t''"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l poll-fields -d 'Fields of included polls' -r -f -a "duration_minutes\t''
end_datetime\t''
id\t''
options\t''
voting_status\t''"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l place-fields -d 'Fields of included places' -r -f -a "contained_within\t''
country\t''
country_code\t''
full_name\t''
geo\t''
id\t''
name\t''
place_type\t''"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l like-fields -d 'Fields of likes, on like streams' -r -f -a "attachments_media_keys\t''
created_at\t''
id\t''
liked_tweet_author_id\t''
liked_tweet_id\t''
timestamp_ms\t''"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -s p -l param -d 'Any other parameter, sent as it is' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l track -d 'v1-filter: phrases to track' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l follow -d 'v1-filter: ids of users to follow' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l locations -d 'v1-filter: boxes as west,south,east,north' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l language -d 'v1.1: languages, as BCP 47 tags' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l filter-level -d 'v1.1: how much to filter' -r -f -a "none\t''
low\t''
medium\t''"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l bearer -d 'Bearer token; it is removed from the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l stall-timeout -d 'Silence after which a connection counts as dead [default: 30s, v1.1 streams 90s]' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l max-retries -d 'Retries allowed until a stream is established again; then exit status 4 [default: no limit]' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l state -d 'File that shares the connection budget, the count of posts and the deletions between runs and processes of one app' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l only -d 'Print only these kinds or groups (data, compliance, control, all)' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l skip -d 'Do not print these kinds or groups' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l tag -d 'Print only posts found by a rule whose tag matches (* is any text, ? any character)' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l where -d 'Print only messages for which a jq expression is true' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l jq -d 'Print the results of a jq expression, one per line, instead of the message' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l max -d 'Stop after this many printed messages' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l max-line -d 'Longest line that is kept; longer ones are skipped and reported' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l for -d 'Stop after this time, counted from the start' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l quota -d 'Stop, with exit status 3, when this many posts were delivered in a UTC day or month: 5000/day, 2M/month' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l buffer -d 'Bytes that may wait for a slow reader; when full the stream is not read' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l archive -d 'Also write what is printed to files in this folder, one per hour of UTC: STREAM-2026-11-24T15.ndjson' -r -f -a "(__fish_complete_directories)"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l archive-every -d 'Time per file: whole minutes that divide a day, such as 15m, 6h or 1d' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l compress -d 'Compression of the files' -r -f -a "none\t''
gzip\t''"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l archive-scrub -d 'Whether deletions that arrive later are applied to the files of this run' -r -f -a "on\t''
off\t''"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l journal -d 'Append every event to this file, as NDJSON' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l status -d 'Status' -r -f -a "auto\t'A row at the bottom if stderr is a terminal'
line\t'A line on stderr every 10 s'
json\t'A JSON record on stderr every 10 s'
off\t'No status'"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l all-fields -d 'Every field and expansion that an app-only token may request'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l local-dc-only -d 'Powerstream: only posts of the data centre that answers'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l stall-warnings -d 'v1.1: request warnings when this client is lagging'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l delimited -d 'v1.1: request messages framed by their length'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l demo -d 'Tail STREAM of the embedded simulator: no token, no network'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l no-gzip -d 'Do not request compression'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l take-over -d 'When X refuses for too many connections, end those that hold this stream\'s slot, once'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l no-reconnect -d 'Stop when the connection ends, with exit status 5'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -s r -l raw-output -d 'Print results of --jq that are strings as bare text'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l keep-deleted -d 'Print posts although X has reported them deleted, withheld or hidden, with all locations'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l annotate -d 'Wrap each message in an envelope that names its kind, dialect and arrival'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l quota-wait -d 'When the quota is spent, close the connection and resume when its period turns'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l no-stdout -d 'Print nothing on stdout: write the archive alone, synced to the disk every second'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l summary -d 'End with a summary of five lines, even if stderr is not a terminal'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -s v -l verbose -d 'Also report decisions, host names and addresses; -vv also HTTP heads (the token redacted) and TLS'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l only -d 'Print only these kinds or groups (data, compliance, control, all)' -r
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l skip -d 'Do not print these kinds or groups' -r
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l tag -d 'Print only posts found by a rule whose tag matches (* is any text, ? any character)' -r
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l where -d 'Print only messages for which a jq expression is true' -r
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l jq -d 'Print the results of a jq expression, one per line, instead of the message' -r
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l max -d 'Stop after this many printed messages' -r
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l max-line -d 'Longest line that is kept; longer ones are skipped and reported' -r
complete -c xstream -n "__fish_xstream_using_subcommand replay" -s r -l raw-output -d 'Print results of --jq that are strings as bare text'
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l keep-deleted -d 'Print posts although X has reported them deleted, withheld or hidden, with all locations'
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l annotate -d 'Wrap each message in an envelope that names its kind, dialect and arrival'
complete -c xstream -n "__fish_xstream_using_subcommand replay" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand scrub" -l events -d 'File of compliance messages to apply as well, plain or gzip; `-` for stdin; repeatable' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand scrub" -l withheld-in -d 'Remove what is withheld in this country, a code of two letters; repeatable, or a comma list. What is withheld everywhere (XX, XY) is always removed' -r
complete -c xstream -n "__fish_xstream_using_subcommand scrub" -l edits -d 'Which versions of edited posts to keep' -r -f -a "all\t'All that are in the archives'
latest\t'The newest that is in the archives'"
complete -c xstream -n "__fish_xstream_using_subcommand scrub" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand scrub" -l dry-run -d 'Show what would change, and change nothing'
complete -c xstream -n "__fish_xstream_using_subcommand scrub" -l check -d 'Change nothing; exit status 7 if anything would change'
complete -c xstream -n "__fish_xstream_using_subcommand scrub" -l salvage -d 'Replace a damaged archive by what can be read of it'
complete -c xstream -n "__fish_xstream_using_subcommand scrub" -l json -d 'Print NDJSON, also on a terminal'
complete -c xstream -n "__fish_xstream_using_subcommand scrub" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand scrub" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -l status -d 'Which connections [default: the active ones, then the last ten inactive]' -r -f -a "active\t'Open'
inactive\t'Ended'
all\t'Both'"
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -l endpoint -d 'Only those of a stream, by our name or X\'s; may be repeated' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -l max -d 'Print at most this many' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -l since -d 'Only those opened since: 2h (ago), 2026-11-22T10:00Z' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -l bearer -d 'Bearer token; it is removed from the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -l json -d 'Print NDJSON, also on a terminal'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -f -a "list" -d 'List connections: the open ones, then the last ten that ended'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -f -a "kill" -d 'End connections: those with these ids, those of a stream, or all'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and not __fish_seen_subcommand_from list kill help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -l status -d 'Which connections [default: the active ones, then the last ten inactive]' -r -f -a "active\t'Open'
inactive\t'Ended'
all\t'Both'"
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -l endpoint -d 'Only those of a stream, by our name or X\'s; may be repeated' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -l max -d 'Print at most this many' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -l since -d 'Only those opened since: 2h (ago), 2026-11-22T10:00Z' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -l bearer -d 'Bearer token; it is removed from the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -l json -d 'Print NDJSON, also on a terminal'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from kill" -l endpoint -d 'All of a stream, by our name or X\'s; may be repeated' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from kill" -l bearer -d 'Bearer token; it is removed from the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from kill" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from kill" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from kill" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from kill" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from kill" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from kill" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from kill" -l all -d 'All of the app, whichever client opened them'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from kill" -s y -l yes -d 'Do not ask for confirmation'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from kill" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from kill" -l json -d 'Print NDJSON, also on a terminal'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from kill" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from kill" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from help" -f -a "list" -d 'List connections: the open ones, then the last ten that ended'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from help" -f -a "kill" -d 'End connections: those with these ids, those of a stream, or all'
complete -c xstream -n "__fish_xstream_using_subcommand connections; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -l tag -d 'Only those whose tag matches (* is any text, ? any character)' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -l bearer -d 'Bearer token; it is removed from the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -l json -d 'Print NDJSON, also on a terminal'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -f -a "list" -d 'List the rules'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -f -a "add" -d 'Add rules, from arguments, a file or stdin'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -f -a "delete" -d 'Delete rules, by id, value or tag, or all'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -f -a "sync" -d 'Make the app\'s rules equal to a file'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -f -a "test" -d 'Have rules checked, here and by X, without adding them'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -f -a "count" -d 'Show how many rules there are, and the caps'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -f -a "export" -d 'Write the rules as a file that `rules sync` reads'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and not __fish_seen_subcommand_from list add delete sync test count export help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from list" -l tag -d 'Only those whose tag matches (* is any text, ? any character)' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from list" -l bearer -d 'Bearer token; it is removed from the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from list" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from list" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from list" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from list" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from list" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from list" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from list" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from list" -l json -d 'Print NDJSON, also on a terminal'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -l file -d 'File with rules, `-` for stdin; may be repeated' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -l tag -d 'Tag for the rules that have none' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -l access -d 'Access level, for the length of rules [default: a rule may be as long as any level allows]' -r -f -a "pay-per-use\t'Rules of 1,024 characters'
enterprise\t'Rules of 2,048 characters'"
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -l bearer -d 'Bearer token; it is removed from the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -l no-lint -d 'Send rules even if they look wrong'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -l json -d 'Print NDJSON, also on a terminal'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -l value -d 'The rule with exactly this value; may be repeated' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -l tag -d 'All rules whose tag matches (* is any text, ? any character; a rule without a tag never does); may be repeated' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -l bearer -d 'Bearer token; it is removed from the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -l all -d 'All rules of the app'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -s n -l dry-run -d 'Only show what would be deleted'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -s y -l yes -d 'Do not ask for confirmation'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -l json -d 'Print NDJSON, also on a terminal'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -l access -d 'Access level, for the length of rules [default: a rule may be as long as any level allows]' -r -f -a "pay-per-use\t'Rules of 1,024 characters'
enterprise\t'Rules of 2,048 characters'"
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -l bearer -d 'Bearer token; it is removed from the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -s n -l dry-run -d 'Only print the difference'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -s y -l yes -d 'Do not ask for confirmation'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -l allow-empty -d 'Accept a file without any rule, and delete all rules'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -l no-lint -d 'Send rules even if they look wrong'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -l json -d 'Print NDJSON, also on a terminal'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from sync" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -l file -d 'File with rules, `-` for stdin; may be repeated' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -l tag -d 'Tag for the rules that have none' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -l access -d 'Access level, for the length of rules [default: a rule may be as long as any level allows]' -r -f -a "pay-per-use\t'Rules of 1,024 characters'
enterprise\t'Rules of 2,048 characters'"
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -l bearer -d 'Bearer token; it is removed from the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -l no-lint -d 'Send rules even if they look wrong'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -l json -d 'Print NDJSON, also on a terminal'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from count" -l bearer -d 'Bearer token; it is removed from the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from count" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from count" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from count" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from count" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from count" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from count" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from count" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from count" -l json -d 'Print NDJSON, also on a terminal'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from count" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from count" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from export" -l form -d 'Form of the file' -r -f -a "ndjson\t'One JSON object per line'
tab\t'One rule per line, its tag after a tab'"
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from export" -l tag -d 'Only rules whose tag matches (* is any text, ? any character)' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from export" -l bearer -d 'Bearer token; it is removed from the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from export" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from export" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from export" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from export" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from export" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from export" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from export" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from export" -l json -d 'Print NDJSON, also on a terminal'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the rules'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add rules, from arguments, a file or stdin'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Delete rules, by id, value or tag, or all'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "sync" -d 'Make the app\'s rules equal to a file'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "test" -d 'Have rules checked, here and by X, without adding them'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "count" -d 'Show how many rules there are, and the caps'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "export" -d 'Write the rules as a file that `rules sync` reads'
complete -c xstream -n "__fish_xstream_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xstream -n "__fish_xstream_using_subcommand usage" -l days -d 'How many days, today among them' -r
complete -c xstream -n "__fish_xstream_using_subcommand usage" -l state -d 'File of `tail --state`, which holds what this machine metered' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand usage" -l bearer -d 'Bearer token; it is removed from the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand usage" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand usage" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand usage" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand usage" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand usage" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand usage" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand usage" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand usage" -l json -d 'Print NDJSON, also on a terminal'
complete -c xstream -n "__fish_xstream_using_subcommand usage" -s q -l quiet -d 'Print nothing on stderr except the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand usage" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -l state -d 'File of `tail --state`: shows how much of the connection budget is spent; --listen counts there' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -l bearer -d 'Bearer token; it is removed from the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -l listen -d 'Open the stream for five seconds, unless another connection to it is listed'
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -l no-listen -d 'Open no stream; this is the default, and overrides an earlier --listen'
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -l force -d 'Listen even if another connection is listed, or the list failed; X may end one of the two'
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -l json -d 'Print each check as a JSON object (name, state, ms, text, cure), one per line'
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -s q -l quiet -d 'Print only warnings and failures'
complete -c xstream -n "__fish_xstream_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand explain" -l journal -d 'Show what happened in the last run of a journal, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l script -d 'Script: steps separated by `;`, connections by `|` [default: the endless demo]' -r
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l script-file -d 'File that holds the script, one step per line' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l port -d 'Port on 127.0.0.1, 0 for any free one' -r
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l tls -d 'Serve https with a throw-away CA, written to this file' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l token -d 'Accept only this bearer token' -r
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l connections -d 'Streams of one endpoint open at once; one more is refused with `TooManyConnections` [default: no limit]' -r
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l foreign -d 'Connection of another client: it counts, is listed and can be killed; may be repeated' -r
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l rules -d 'Filter by these rules from the start: a file with a rule or a JSON object (`value`, `tag`) per line, or `none`' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l api -d 'How the first API requests fail: each plays one connection of this script, such as `status 503 | rate-limit 5`' -r
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l list -d 'List the steps a script can have'
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l gzip -d 'Compress streams for clients that accept it'
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand generate" -s h -l help -d 'Print help'
complete -c xstream -n "__fish_xstream_using_subcommand help; and not __fish_seen_subcommand_from tail replay scrub connections rules usage doctor explain simulate generate help" -f -a "tail" -d 'Connect to a stream, follow it, print its messages'
complete -c xstream -n "__fish_xstream_using_subcommand help; and not __fish_seen_subcommand_from tail replay scrub connections rules usage doctor explain simulate generate help" -f -a "replay" -d 'Classify, filter and print captured streams'
complete -c xstream -n "__fish_xstream_using_subcommand help; and not __fish_seen_subcommand_from tail replay scrub connections rules usage doctor explain simulate generate help" -f -a "scrub" -d 'Apply deletions, scrubs and withholding to archives'
complete -c xstream -n "__fish_xstream_using_subcommand help; and not __fish_seen_subcommand_from tail replay scrub connections rules usage doctor explain simulate generate help" -f -a "connections" -d 'List or end the app\'s connections'
complete -c xstream -n "__fish_xstream_using_subcommand help; and not __fish_seen_subcommand_from tail replay scrub connections rules usage doctor explain simulate generate help" -f -a "rules" -d 'List or change the rules of the filtered stream'
complete -c xstream -n "__fish_xstream_using_subcommand help; and not __fish_seen_subcommand_from tail replay scrub connections rules usage doctor explain simulate generate help" -f -a "usage" -d 'Show what X counted as consumed, and what this machine metered'
complete -c xstream -n "__fish_xstream_using_subcommand help; and not __fish_seen_subcommand_from tail replay scrub connections rules usage doctor explain simulate generate help" -f -a "doctor" -d 'Check step by step what a stream needs, and name what is wrong'
complete -c xstream -n "__fish_xstream_using_subcommand help; and not __fish_seen_subcommand_from tail replay scrub connections rules usage doctor explain simulate generate help" -f -a "explain" -d 'Explain a code that ends or refuses a stream'
complete -c xstream -n "__fish_xstream_using_subcommand help; and not __fish_seen_subcommand_from tail replay scrub connections rules usage doctor explain simulate generate help" -f -a "simulate" -d 'Serve a stream on loopback that plays a fault script'
complete -c xstream -n "__fish_xstream_using_subcommand help; and not __fish_seen_subcommand_from tail replay scrub connections rules usage doctor explain simulate generate help" -f -a "generate" -d 'Write man pages and completions'
complete -c xstream -n "__fish_xstream_using_subcommand help; and not __fish_seen_subcommand_from tail replay scrub connections rules usage doctor explain simulate generate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c xstream -n "__fish_xstream_using_subcommand help; and __fish_seen_subcommand_from connections" -f -a "list" -d 'List connections: the open ones, then the last ten that ended'
complete -c xstream -n "__fish_xstream_using_subcommand help; and __fish_seen_subcommand_from connections" -f -a "kill" -d 'End connections: those with these ids, those of a stream, or all'
complete -c xstream -n "__fish_xstream_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "list" -d 'List the rules'
complete -c xstream -n "__fish_xstream_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "add" -d 'Add rules, from arguments, a file or stdin'
complete -c xstream -n "__fish_xstream_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "delete" -d 'Delete rules, by id, value or tag, or all'
complete -c xstream -n "__fish_xstream_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "sync" -d 'Make the app\'s rules equal to a file'
complete -c xstream -n "__fish_xstream_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "test" -d 'Have rules checked, here and by X, without adding them'
complete -c xstream -n "__fish_xstream_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "count" -d 'Show how many rules there are, and the caps'
complete -c xstream -n "__fish_xstream_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "export" -d 'Write the rules as a file that `rules sync` reads'
