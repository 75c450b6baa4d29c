//! How fast a flood is.

use super::sealed::{serve_tls, tls};
use super::*;

/// Run with `--release -- --ignored --nocapture` to see what the server can give.
#[test]
#[ignore = "a measurement, not a test"]
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn flood_speed() {
    for (name, script, headers, secure) in [
        ("flood", "flood", "", false),
        ("flood-lines", "flood-lines", "", false),
        ("flood, gzip", "gzip; flood", "accept-encoding: gzip\r\n", false),
        ("flood, TLS", "flood", "", true),
    ] {
        let server = if secure {
            serve_tls(script, Certificate::Valid)
        } else {
            serve(script)
        };
        let mut plain = (!secure).then(|| request(&server, STREAM, &format!("{TOKEN}{headers}")));
        let mut sealed = secure.then(|| tls(&server));
        if let Some(tls) = &mut sealed {
            tls.write_all(format!("GET {STREAM} HTTP/1.1\r\n{TOKEN}\r\n").as_bytes())
                .unwrap();
        }
        let mut buffer = vec![0; 1 << 18];
        let (mut total, begun) = (0, Instant::now());
        while begun.elapsed() < Duration::from_secs(3) {
            total += match (&mut plain, &mut sealed) {
                (Some(tcp), _) => tcp.read(&mut buffer).unwrap(),
                (_, Some(tls)) => tls.read(&mut buffer).unwrap(),
                _ => 0,
            };
        }
        let posts = server.delivered();
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{name}: {:.2} GB/s on the wire, {:.0} posts/s",
            total as f64 / seconds / 1e9,
            posts as f64 / seconds
        );
    }
}
