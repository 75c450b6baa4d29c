//! Gzip and floods.

use super::*;

#[test]
fn every_line_can_be_inflated_as_soon_as_it_is_sent() {
    let script = "gzip; posts 3; heartbeat; flood 5000; line {\"last\":1}\nstall";
    let server = serve(script);
    let mut tcp = request(&server, STREAM, &format!("{TOKEN}accept-encoding: deflate, gzip\r\n"));
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    // The stall leaves the gzip member open: all lines must be there without its end.
    let mut inflater = MultiGzDecoder::new(Vec::new());
    let mut head = String::new();
    while !inflater.get_ref().ends_with(b"{\"last\":1}\r\n") {
        let n = tcp.read(&mut buffer).unwrap();
        bytes.extend_from_slice(&buffer[..n]);
        if head.is_empty() {
            head = split_head(&bytes).0;
            bytes.drain(..head.len());
        }
        while let Some(line) = bytes.windows(2).position(|two| two == b"\r\n") {
            let size = usize::from_str_radix(std::str::from_utf8(&bytes[..line]).unwrap(), 16).unwrap();
            if bytes.len() < line + 2 + size + 2 {
                break;
            }
            inflater.write_all(&bytes[line + 2..][..size]).unwrap();
            inflater.flush().unwrap();
            bytes.drain(..line + 2 + size + 2);
        }
    }
    assert!(head.contains("content-encoding: gzip\r\n"));
    let text = inflater.get_ref();
    let lines: Vec<&str> = lines(text);
    assert_eq!(lines.len(), 5005);
    assert_eq!(lines[3], "");
    assert_eq!(lines[5004], "{\"last\":1}");
    for line in &lines[4..] {
        serde_json::from_str::<Value>(line).unwrap();
    }
}

#[test]
fn a_finished_gzip_stream_has_the_right_checksum() {
    for script in ["posts 2; flood 4500; posts 2; end", "flood-lines 4500; gzip-bomb 2MiB; end", "gzip-bomb-lines 1MiB"]
    {
        let options = ServerOptions { gzip: true, ..ServerOptions::new(Script::parse(script).unwrap()) };
        let server = Server::spawn(options).unwrap();
        let headers = format!("{TOKEN}accept-encoding: gzip\r\nconnection: close\r\n");
        let (bytes, _) = read_all(request(&server, STREAM, &headers));
        let (chunks, ended) = chunks(split_head(&bytes).1);
        assert!(ended);
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&*chunks.concat()).read_to_end(&mut text).unwrap();
        assert!(text.len() >= 1 << 20);
        for line in lines(&text) {
            serde_json::from_str::<Value>(line).unwrap();
        }
    }
}

#[test]
fn a_client_that_does_not_offer_gzip_gets_none() {
    let (head, body, _, _) = play("gzip; gzip-bomb 1MiB");
    assert!(!head.contains("gzip"));
    assert_eq!(body.len(), (1 << 20) + 13);
}

#[test]
fn a_flood_delivers_the_requested_number_of_posts() {
    for script in ["flood 5000", "flood-lines 5000", "flood 3"] {
        let (_, body, ended, _) = play(script);
        assert!(ended);
        let lines = lines(&body);
        assert_eq!(lines.len(), script.split(' ').nth(1).unwrap().parse::<usize>().unwrap());
        assert!(lines.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    }
}
