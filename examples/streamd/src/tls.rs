//! Certificates and keys on disk.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use tracing::info;

use crate::config::Config;

/// What --rtmps speaks with: the given certificate, or one of our own.
pub fn server(config: &Config) -> anyhow::Result<Arc<ServerConfig>> {
    let (cert, key) = match (&config.cert, &config.key) {
        (Some(cert), Some(key)) => (cert.clone(), key.clone()),
        _ => self_signed(&config.data)?,
    };
    let why = |path: &Path| {
        format!("cannot read {}: is it a PEM file, and may it be read?", path.display())
    };
    let chain = CertificateDer::pem_file_iter(&cert).with_context(|| why(&cert))?;
    let chain = chain.collect::<Result<_, _>>().with_context(|| why(&cert))?;
    let key = PrivateKeyDer::from_pem_file(&key).with_context(|| why(&key))?;
    levada_tls::server_config(chain, key).context("the certificate and the key do not fit together")
}

fn self_signed(data: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let (cert, key) = (data.join("self-signed.pem"), data.join("self-signed.key"));
    if !cert.exists() || !key.exists() {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names)?;
        private(&key, &made.signing_key.serialize_pem())?;
        fs::write(&cert, made.cert.pem())?;
        info!(file = %cert.display(), "made a self-signed certificate, for trying only");
    }
    Ok((cert, key))
}

/// The key that publishers need. Made at the first start.
pub fn publish_key(data: &Path) -> anyhow::Result<String> {
    kept(&data.join("publish.key"))
}

/// The token that callers of the API need. Made at the first start.
pub fn api_token(data: &Path) -> anyhow::Result<String> {
    kept(&data.join("api.token"))
}

fn kept(file: &Path) -> anyhow::Result<String> {
    if let Ok(key) = fs::read_to_string(file) {
        return Ok(key.trim().to_owned());
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).context("the system has no random bytes")?;
    let key: String = random.iter().map(|it| format!("{it:02x}")).collect();
    private(file, &format!("{key}\n"))?;
    Ok(key)
}

/// A file that only its owner reads, from its first moment on.
fn private(file: &Path, text: &str) -> anyhow::Result<()> {
    let why = || format!("cannot write {}: choose another folder with --data", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(why)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).and_then(|mut it| it.write_all(text.as_bytes())).with_context(why)
}

/// Whom relays trust: what browsers trust, and the certificates of a file.
pub fn roots(file: Option<&Path>) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = file {
        let certificates = CertificateDer::pem_file_iter(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        for certificate in certificates {
            roots.add(certificate?)?;
        }
    }
    Ok(roots)
}
