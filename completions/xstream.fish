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
complete -c xstream -n "__fish_xstream_needs_command" -f -a "simulate" -d 'Serve a stream on loopback that plays a fault script'
complete -c xstream -n "__fish_xstream_needs_command" -f -a "generate" -d 'Write man pages and completions'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l partition -d 'The stream\'s partition, for streams that are split' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l bearer -d 'Bearer token; it is taken off the process list at once' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l bearer-file -d 'File that holds the bearer token, `-` for stdin' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l base-url -d 'Server to connect to [default: the stream\'s own host, <https://api.x.com> for all of v2]' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l proxy -d 'Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l cacert -d 'PEM file with the certificates to trust instead of the system\'s' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l connect-timeout -d 'Longest time for DNS, TCP and TLS together' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l stall-timeout -d 'Silence after which a connection counts as dead [default: 30s, v1.1 streams 90s]' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l max-retries -d 'Retries allowed until a stream stands again; then exit status 4 [default: no limit]' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l state -d 'File that shares the connection budget between runs and processes of one app' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l only -d 'Print only these kinds or groups (data, compliance, control, all)' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l skip -d 'Do not print these kinds or groups' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l tag -d 'Print only posts found by a rule whose tag fits (* is any text, ? any character)' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l where -d 'Print only messages for which a jq expression is true' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l jq -d 'Print the results of a jq expression, one a line, instead of the message' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l max -d 'Stop after this many printed messages' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l max-line -d 'Longest line that is kept; longer ones are skipped and reported' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l for -d 'Stop after this time, counted from the start' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l buffer -d 'Bytes that may wait for a slow reader; when full the stream is not read' -r
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l status -d 'Status row' -r -f -a "auto\t'A row at the bottom if stderr is a terminal'
off\t'No status'"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l color -d 'Colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l demo -d 'Tail the embedded simulator: no token, no network'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l insecure-http -d 'Send the token in clear text to a host that is not this machine'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l no-gzip -d 'Do not ask for compression'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l no-reconnect -d 'Stop when the connection ends, with exit status 5'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -s r -l raw-output -d 'Print results of --jq that are strings as bare text'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -l annotate -d 'Wrap each message in an envelope that names its kind, dialect and arrival'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -s q -l quiet -d 'Tell nothing on stderr but the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand tail" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l only -d 'Print only these kinds or groups (data, compliance, control, all)' -r
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l skip -d 'Do not print these kinds or groups' -r
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l tag -d 'Print only posts found by a rule whose tag fits (* is any text, ? any character)' -r
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l where -d 'Print only messages for which a jq expression is true' -r
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l jq -d 'Print the results of a jq expression, one a line, instead of the message' -r
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l max -d 'Stop after this many printed messages' -r
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l max-line -d 'Longest line that is kept; longer ones are skipped and reported' -r
complete -c xstream -n "__fish_xstream_using_subcommand replay" -s r -l raw-output -d 'Print results of --jq that are strings as bare text'
complete -c xstream -n "__fish_xstream_using_subcommand replay" -l annotate -d 'Wrap each message in an envelope that names its kind, dialect and arrival'
complete -c xstream -n "__fish_xstream_using_subcommand replay" -s q -l quiet -d 'Tell nothing on stderr but the line that explains a failure'
complete -c xstream -n "__fish_xstream_using_subcommand replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l script -d 'Script: steps separated by `;`, connections by `|` [default: the endless demo]' -r
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l script-file -d 'File that holds the script, one step a line' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l port -d 'Port on 127.0.0.1, 0 for any free one' -r
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l tls -d 'Serve https with a throw-away CA, written to this file' -r -F
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l token -d 'Accept only this bearer token' -r
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l list -d 'List the steps a script can have'
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -l gzip -d 'Compress streams for clients that accept it'
complete -c xstream -n "__fish_xstream_using_subcommand simulate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c xstream -n "__fish_xstream_using_subcommand generate" -s h -l help -d 'Print help'
