//! Temporary certificates: a CA made at start, and a leaf that is right or wrong in one way.
//!
//! Made at run time because fixed ones expire, and secret scanners report a committed private key.

use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

/// What is wrong with the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Certificate {
    /// Nothing: it is for `localhost`, `127.0.0.1` and `::1`, signed by the CA the server names.
    #[default]
    Valid,
    /// It expired years ago.
    Expired,
    /// It is for another host.
    WrongHost,
    /// It is signed by a CA other than the one the server names.
    UnknownCa,
}

/// What a TLS server needs, and the CA in PEM that a client is to trust.
pub(crate) fn make(kind: Certificate) -> io::Result<(Arc<ServerConfig>, String)> {
    let (trusted, issuer) = authority("xstream simulator throw-away CA")?;
    let issuer = match kind {
        // Of another name too: with the same name clients report a bad signature instead.
        Certificate::UnknownCa => authority("another throw-away CA")?.1,
        _ => issuer,
    };

    let names: &[&str] = match kind {
        Certificate::WrongHost => &["elsewhere.example.test"],
        _ => &["localhost", "127.0.0.1", "::1"],
    };
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut leaf = CertificateParams::new(names).map_err(io::Error::other)?;
    leaf.distinguished_name.push(DnType::CommonName, "xstream simulator");
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages.push(KeyUsagePurpose::DigitalSignature);
    leaf.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    (leaf.not_before, leaf.not_after) = if kind == Certificate::Expired {
        (rcgen::date_time_ymd(2019, 1, 1), rcgen::date_time_ymd(2020, 1, 1))
    } else {
        // macOS refuses a leaf that lives longer than 825 days, so the dates follow the clock.
        let year = this_year();
        (rcgen::date_time_ymd(year - 1, 12, 1), rcgen::date_time_ymd(year + 1, 2, 1))
    };
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = leaf.signed_by(&key, &issuer).map_err(io::Error::other)?;

    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), trusted))
}

fn authority(name: &str) -> io::Result<(String, Issuer<'static, KeyPair>)> {
    let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    params.key_usages.push(KeyUsagePurpose::CrlSign);
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    Ok((certificate.pem(), Issuer::new(params, key)))
}

fn this_year() -> i32 {
    // Average years are exact enough: the dates above leave a month on either side.
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i32::try_from(1970 + seconds / 31_556_952).unwrap_or(2026)
}
