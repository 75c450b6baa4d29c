//! Why connecting failed: certificate, TLS, proxy, DNS or TCP, found in the error of the connector.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

use crate::net::base_url::BaseUrl;
use crate::net::error::{chain, find, innermost};
use crate::net::proxy::Proxy;
use crate::net::resolve::{DnsError, Resolver};
use crate::net::trust::describe_certificate_error;
use crate::protocol::disconnect::LocalCause;
use crate::session::Failure;

/// The failure that a connector's `error` means.
pub fn from_connect(
    error: &(dyn StdError + 'static),
    base: &BaseUrl,
    proxy: Option<&Proxy>,
    resolver: &Resolver,
) -> Failure {
    let host = base.host();
    let unsent = |cause, detail| Failure { cause, detail, sent: false };
    if let Some(tls) = find::<rustls::Error>(error) {
        return match tls {
            rustls::Error::InvalidCertificate(why) => unsent(
                LocalCause::Certificate,
                format!("the certificate of {host} {}", describe_certificate_error(why)),
            ),
            tls => unsent(LocalCause::Tls, format!("TLS with {host}: {tls}")),
        };
    }
    let io = innermost(error);
    // The host accepted the connection and then closed it: that is TLS, which begins with the first byte.
    let closed = matches!(io.map(io::Error::kind), Some(ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset));
    let text = chain(error);
    if let Some(proxy) = proxy.filter(|_| !closed || text.contains("tunnel") || text.contains("SOCKS")) {
        return unsent(LocalCause::Proxy, format!("through {}: {text}", proxy.name()));
    }
    if closed && !base.is_plain() {
        return unsent(LocalCause::Tls, format!("{host} closed the connection during the TLS handshake"));
    }
    if let Some(dns) = find::<DnsError>(error) {
        return unsent(LocalCause::Dns, format!("{host}: {dns}"));
    }
    let why = io.map_or(text, ToString::to_string);
    unsent(LocalCause::Tcp, format!("{host}: {why}{}", resolver.tried()))
}
