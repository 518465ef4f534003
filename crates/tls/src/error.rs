use thiserror::Error;

/// Why an endpoint behind TLS ended. Sticky.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum TlsError<E> {
    /// The peer broke TLS, or is not trusted. It was told in an alert.
    #[error("TLS: {0}")]
    Tls(rustls::Error),
    /// The peer said in order that nothing more comes.
    #[error("the peer closed TLS")]
    Closed,
    /// The inner endpoint ended.
    #[error(transparent)]
    Inner(E),
}
