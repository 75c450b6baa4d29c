//! TLS, with certificates good and bad.

use super::*;

pub(crate) type Tls = rustls::StreamOwned<rustls::ClientConnection, TcpStream>;

pub(crate) fn tls(server: &Server) -> Tls {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(server.ca_pem().unwrap().as_bytes()).unwrap()).unwrap();
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let tcp = TcpStream::connect(server.addr()).unwrap();
    tcp.set_read_timeout(Some(SOON)).unwrap();
    let client = rustls::ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    rustls::StreamOwned::new(client, tcp)
}

pub(crate) fn serve_tls(script: &str, certificate: Certificate) -> Server {
    Server::spawn(ServerOptions { tls: true, certificate, ..ServerOptions::new(Script::parse(script).unwrap()) })
        .unwrap()
}

#[test]
fn tls_works_with_the_named_ca_and_close_notify_is_distinguished() {
    let server = serve_tls("posts 2; end | posts 1; close | posts 1; cut | stall", Certificate::Valid);
    assert!(server.url().starts_with("https://localhost:"));
    let head = format!("GET {STREAM} HTTP/1.1\r\n{TOKEN}connection: close\r\n\r\n");
    let play = || {
        let mut tls = tls(&server);
        tls.write_all(head.as_bytes()).unwrap();
        tls
    };
    let (bytes, error) = read_all(play());
    assert!(error.is_none() && chunks(split_head(&bytes).1).1);
    let (bytes, error) = read_all(play());
    assert!(error.is_none() && !chunks(split_head(&bytes).1).1, "a close sends close_notify");
    assert_eq!(read_all(play()).1.unwrap().kind(), io::ErrorKind::UnexpectedEof, "a cut does not");

    let mut polite = play();
    let _ = server.wait_for_requests(4, SOON);
    assert_eq!(polite.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    polite.conn.send_close_notify();
    polite.flush().unwrap();
    polite.sock.shutdown(Shutdown::Write).unwrap();
    assert_eq!(server.wait_for_endings(4, SOON)[3].ending, Some(Ending::ClientClosed { clean: true }));

    let rude = play();
    let _ = server.wait_for_requests(5, SOON);
    rude.sock.shutdown(Shutdown::Write).unwrap();
    assert_eq!(server.wait_for_endings(5, SOON)[4].ending, Some(Ending::ClientClosed { clean: false }));
}

#[test]
fn wrong_certificates_are_wrong_in_their_own_way() {
    let table = [
        (Certificate::Expired, "expired"),
        (Certificate::WrongHost, "not valid for name"),
        (Certificate::UnknownCa, "UnknownIssuer"),
    ];
    for (certificate, reason) in table {
        let server = serve_tls("end", certificate);
        let mut tls = tls(&server);
        let error = tls.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        let _ = tls.flush(); // the alert, as far as it can be sent
        drop(tls);
        let ending = server.wait_for_endings(1, SOON)[0].ending.clone();
        assert!(matches!(ending, Some(Ending::HandshakeFailed(_))), "{ending:?}");
    }
}
