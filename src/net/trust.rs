//! Which certificates are trusted, and why one is not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// The certificates to trust: `--cacert`, else `$SSL_CERT_FILE`, else the operating system's, else Mozilla's.
///
/// # Errors
/// The file named cannot be read or holds no certificate.
pub fn trust(cacert: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let variable = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let (source, path) = match (cacert, variable) {
        (Some(path), _) => ("--cacert", path.to_owned()),
        (None, Some(path)) => ("$SSL_CERT_FILE", path),
        (None, None) => return system_trust(),
    };
    let unreadable = |why: String| anyhow::anyhow!("reading certificates from {} ({source}): {why}", path.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&path).map_err(|error| unreadable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        // A certificate that rustls rejects must not cost the others of its bundle.
        let _ = roots.add(certificate);
    }
    if roots.is_empty() {
        return Err(unreadable("no usable certificate in it".to_owned()));
    }
    tls_config(roots)
}

fn system_trust() -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    match rustls_platform_verifier::Verifier::new(provider.clone()) {
        Ok(verifier) => Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth()),
        // A minimal container has no roots; the bundled ones replace them.
        Err(_) => tls_config(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()),
    }
}

/// A TLS configuration that trusts `roots`.
///
/// # Errors
/// The TLS library refuses its own defaults.
pub fn tls_config(roots: RootCertStore) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// What is wrong with a certificate and what to do about it, as the end of a sentence.
#[must_use]
pub fn describe_certificate_error(why: &CertificateError) -> String {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired; check this machine's clock".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet; check this machine's clock".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "is signed by a CA that this machine does not trust; behind a TLS proxy, pass its CA with --cacert"
                .to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another host".to_owned()
        }
        CertificateError::Revoked => "is revoked".to_owned(),
        other if other.to_string().contains("CaUsedAsEndEntity") => {
            "is a CA certificate; a server needs its own, signed by the CA (basicConstraints CA:FALSE)".to_owned()
        }
        other => format!("is not acceptable: {other}"),
    }
}
