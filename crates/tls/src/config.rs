use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, Error, RootCertStore, ServerConfig};

/// A server's configuration: one certificate for every name, no certificates asked of clients, TLS 1.2 and 1.3.
///
/// # Errors
///
/// When the key does not fit the certificate, or is of a kind that `ring` does not know.
pub fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let config = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
    Ok(Arc::new(config.with_single_cert(chain, key)?))
}

/// A client's configuration: servers must show a certificate that one of the roots vouches for, TLS 1.2 and 1.3.
///
/// # Errors
///
/// Never with this provider; rustls has it in the signature.
pub fn client_config(roots: RootCertStore) -> Result<Arc<ClientConfig>, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let config = builder.with_safe_default_protocol_versions()?.with_root_certificates(roots);
    Ok(Arc::new(config.with_no_client_auth()))
}
