//! The connection to a server step by step: DNS, TCP, TLS, or a proxy tunnel instead of the first two.
//!
//! A dial performs all steps at once and reports what failed; a probe also reports what worked and how long it took.
//! It sends no request, so it costs no budget. Resolver, proxy and certificates are those of a dial.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower_service::Service as _;

use super::base_url::BaseUrl;
use super::error::{chain, find};
use super::proxy::{Connector, Proxy, with_port};
use super::resolve::Resolver;
use super::trust::describe_certificate_error;
use crate::clock::Clock;
use crate::protocol::disconnect::LocalCause;
use crate::session::Failure;

/// Which server to probe, and the time limit.
#[derive(Debug, Clone, Copy)]
pub struct Probe<'a> {
    /// The server.
    pub base: &'a BaseUrl,
    /// The longest time for each step.
    pub timeout: Duration,
    /// Measures that time.
    pub clock: Clock,
}

/// A TCP connection.
#[derive(Debug)]
pub struct Connected {
    /// The socket.
    pub tcp: TcpStream,
    /// The address that accepted it.
    pub address: IpAddr,
    /// The addresses tried before, and why they failed.
    pub failed: Vec<(IpAddr, String)>,
}

/// The result of a TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSession {
    /// The version: `TLSv1_3`.
    pub version: &'static str,
    /// When the server's certificate expires, if that can be read.
    pub expires: Option<Timestamp>,
}

impl Probe<'_> {
    fn host(&self) -> &str {
        self.base.uri().host().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// The address, if the host is one and needs no DNS.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host().parse().ok()
    }

    /// Looks up the host's name.
    ///
    /// # Errors
    /// It has no address, or none that may be used.
    pub async fn resolve(&self) -> Result<Vec<IpAddr>, Failure> {
        let failed = |why: &str| failure(LocalCause::Dns, format!("{}: {why}", self.host()));
        let name = Name::from_str(self.host()).map_err(|error| failed(&error.to_string()))?;
        let mut resolver = Resolver::new(self.base.is_plain() && self.base.is_loopback());
        let found = self.within("no answer from the resolver", resolver.call(name)).await?;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in found.map_err(|error| failed(&error.to_string()))? {
            if !addresses.contains(&address.ip()) {
                addresses.push(address.ip());
            }
        }
        Ok(addresses)
    }

    /// Connects to the first address that accepts. All of them share the time of one step.
    ///
    /// # Errors
    /// None of them accepts.
    pub async fn connect(&self, addresses: &[IpAddr]) -> Result<Connected, Failure> {
        let share = self.timeout / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
        let mut failed = Vec::new();
        let mut in_time = true;
        for &address in addresses {
            match self.clock.timeout(share, TcpStream::connect(SocketAddr::new(address, self.base.port()))).await {
                Ok(Ok(tcp)) => return Ok(Connected { tcp, address, failed }),
                Ok(Err(error)) => failed.push((address, error.to_string())),
                Err(_) => {
                    in_time = false;
                    failed.push((address, format!("no answer within {:.1} s", share.as_secs_f64())));
                }
            }
        }
        let port = self.base.port();
        let reasons: Vec<String> =
            failed.iter().map(|(address, why)| format!("{address} port {port}: {why}")).collect();
        Err(failure(if in_time { LocalCause::Tcp } else { LocalCause::ConnectTimeout }, reasons.join("; ")))
    }

    /// Connects through a proxy.
    ///
    /// # Errors
    /// The proxy cannot be reached, refuses, or cannot reach the host.
    pub async fn tunnel(&self, proxy: &Proxy) -> Result<TcpStream, Failure> {
        let failed = |why: &str| failure(LocalCause::Proxy, format!("through {}: {why}", proxy.name()));
        let target = with_port(self.base.uri(), self.base.port()).ok_or_else(|| failed("the URL names no host"))?;
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new(false));
        tcp.enforce_http(false);
        let connecting = Connector { tcp, proxy: Some(proxy.clone()) }.call(target);
        let connected = self.within(&format!("through {}: no tunnel", proxy.name()), connecting).await?;
        Ok(connected.map_err(|error| failed(&chain(error.as_ref())))?.into_inner())
    }

    /// Performs a TLS handshake and closes at once.
    ///
    /// # Errors
    /// The handshake fails, or the certificate is not trusted.
    pub async fn secure(&self, tcp: TcpStream, config: ClientConfig) -> Result<TlsSession, Failure> {
        let name = ServerName::try_from(self.host().to_owned())
            .map_err(|error| failure(LocalCause::Tls, format!("{}: {error}", self.host())))?;
        let shaking = TlsConnector::from(Arc::new(config)).connect(name, tcp);
        let mut stream =
            self.within("no TLS handshake", shaking).await?.map_err(|error| self.handshake_failure(&error))?;
        let tls = stream.get_ref().1;
        let leaf = tls.peer_certificates().and_then(|chain| chain.first());
        let secured = TlsSession {
            version: tls.protocol_version().and_then(|version| version.as_str()).unwrap_or("TLS"),
            expires: leaf.and_then(|leaf| expiry(leaf)),
        };
        // The handshake gave all the facts; a close that fails changes none of them.
        let _ = stream.shutdown().await;
        Ok(secured)
    }

    async fn within<T>(&self, what: &str, step: impl Future<Output = T>) -> Result<T, Failure> {
        self.clock.timeout(self.timeout, step).await.map_err(|_| {
            failure(LocalCause::ConnectTimeout, format!("{what} within {:.1} s", self.timeout.as_secs_f64()))
        })
    }

    fn handshake_failure(&self, error: &io::Error) -> Failure {
        let host = self.base.host();
        match find::<rustls::Error>(error) {
            Some(rustls::Error::InvalidCertificate(why)) => failure(
                LocalCause::Certificate,
                format!("the certificate of {host} {}", describe_certificate_error(why)),
            ),
            Some(tls) => failure(LocalCause::Tls, format!("TLS with {host}: {tls}")),
            None => failure(LocalCause::Tls, format!("{host} ended the TLS handshake: {}", chain(error))),
        }
    }
}

fn failure(cause: LocalCause, detail: String) -> Failure {
    Failure { cause, detail, sent: false }
}

/// When a certificate expires (RFC 5280 section 4.1). Only the path to that one date is parsed: a whole X.509 parser
/// for one line of output would be out of proportion. A certificate that is not understood has no date.
fn expiry(certificate: &[u8]) -> Option<Timestamp> {
    const SEQUENCE: u8 = 0x30;
    let (_, certificate, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, mut fields, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    // The version is optional; number, algorithm and issuer come before the two dates.
    let (first, _, rest) = element(fields)?;
    if first == 0xa0 {
        fields = rest;
    }
    for _ in 0..3 {
        fields = element(fields)?.2;
    }
    let (_, validity, _) = element(fields).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (kind, until, _) = element(element(validity)?.2)?;
    let text = std::str::from_utf8(until).ok()?.strip_suffix('Z')?;
    let text = match kind {
        // UTCTime: years from 1950 to 2049.
        0x17 => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        0x18 => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", &text).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// The first element of DER: its tag, its contents, and what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&short, mut rest) = rest.split_first()?;
    let mut length = usize::from(short);
    if short >= 0x80 {
        let count = usize::from(short & 0x7f);
        // Four bytes of length are four gigabytes.
        let digits = rest.get(..count).filter(|digits| (1..=4).contains(&digits.len()))?;
        length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        rest = &rest[count..];
    }
    Some((tag, rest.get(..length)?, &rest[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn certificate(year: i32) -> Vec<u8> {
        let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(year, 2, 28);
        let key = rcgen::KeyPair::generate().expect("a key");
        parameters.self_signed(&key).expect("a certificate").der().to_vec()
    }

    #[test]
    fn the_expiry_of_a_certificate_is_read_in_both_encodings() {
        for year in [2031, 2049, 2050, 2999] {
            let want = format!("{year}-02-28T00:00:00Z").parse::<Timestamp>().expect("a time");
            assert_eq!(expiry(&certificate(year)), Some(want), "{year}");
        }
    }

    #[test]
    fn half_a_certificate_has_no_expiry() {
        let whole = certificate(2031);
        for length in 0..whole.len() {
            assert_eq!(expiry(&whole[..length]), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = expiry(&bytes);
        }
    }
}
