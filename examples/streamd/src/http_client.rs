//! Requests to other servers: a connection each, no redirects, and only to addresses that may be called.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::connect::{self, Lost};

/// How long it may take until the head of the answer is there.
const HEAD: Duration = Duration::from_secs(10);
/// The largest head of an answer.
const HEAD_SIZE: usize = 64 * 1024;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoAnswer {
    /// It is no URL of HTTP or HTTPS.
    Url,
    /// The name was not resolved.
    Name,
    /// The name has no address that this server calls.
    Forbidden,
    /// No connection.
    Connect,
    /// TLS failed.
    Tls,
    /// The connection ended, or what came is no HTTP.
    Broken,
    /// It took too long.
    TimedOut,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Url => "the URL is none of HTTP",
            Self::Name => "the name was not resolved",
            Self::Forbidden => "its address is private: --private-targets allows that",
            Self::Connect => "no connection",
            Self::Tls => "TLS failed: is its certificate good, or in --relay-ca?",
            Self::Broken => "the connection ended, or what came is no HTTP",
            Self::TimedOut => "it took too long",
        })
    }
}

impl std::error::Error for NoAnswer {}

/// Speaks HTTP/1.1, plain and over TLS.
#[derive(Clone)]
pub struct HttpClient(TlsConnector);

impl fmt::Debug for HttpClient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("HttpClient")
    }
}

/// The head of an answer, and its body as it comes. The connection ends with it.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: BodyDataStream,
    _line: Line,
}

impl Answer {
    /// The next piece of the body, or none after the last.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, NoAnswer> {
        self.body.next().await.transpose().map_err(|_| NoAnswer::Broken)
    }
}

/// The task that moves a connection's bytes.
#[derive(Debug)]
struct Line(AbortHandle);

impl Drop for Line {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl HttpClient {
    pub fn new(tls: Arc<ClientConfig>) -> Self {
        Self(TlsConnector::from(tls))
    }

    /// Asks for what is at a URL.
    pub async fn get(
        &self,
        url: &str,
        headers: HeaderMap,
        allowed: impl Fn(&str, u16, IpAddr) -> bool,
    ) -> Result<Answer, NoAnswer> {
        self.send(Method::GET, url, headers, Body::empty(), allowed).await
    }

    /// Brings a body to a URL.
    pub async fn post(
        &self,
        url: &str,
        headers: HeaderMap,
        body: impl Into<Body>,
        allowed: impl Fn(&str, u16, IpAddr) -> bool,
    ) -> Result<Answer, NoAnswer> {
        self.send(Method::POST, url, headers, body.into(), allowed).await
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Body,
        allowed: impl Fn(&str, u16, IpAddr) -> bool,
    ) -> Result<Answer, NoAnswer> {
        let url: Uri = url.parse().map_err(|_| NoAnswer::Url)?;
        let request = request(method, &url, headers, body)?;
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
        let secure = url.scheme_str() == Some("https");
        let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let answer = async {
            let socket = dial(host, port, |it| allowed(host, port, it)).await?;
            if !secure {
                return exchange(socket, request).await;
            }
            let name = ServerName::try_from(host.to_owned()).map_err(|_| NoAnswer::Url)?;
            let socket = self.0.connect(name, socket).await.map_err(|_| NoAnswer::Tls)?;
            exchange(socket, request).await
        };
        timeout(HEAD, answer).await.unwrap_or(Err(NoAnswer::TimedOut))
    }
}

/// Connects to an address of a name. The one that is checked is the one that is connected to.
async fn dial(
    host: &str,
    port: u16,
    allowed: impl Fn(IpAddr) -> bool,
) -> Result<TcpStream, NoAnswer> {
    let addresses = connect::resolve(host, port, allowed).await.map_err(|why| match why {
        Lost::Forbidden => NoAnswer::Forbidden,
        _ => NoAnswer::Name,
    })?;
    connect::call(&addresses).await.map_err(|_| NoAnswer::Connect)
}

fn request(
    method: Method,
    url: &Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Request<Body>, NoAnswer> {
    let known = matches!(url.scheme_str(), Some("http" | "https"));
    let authority = url.authority().filter(|_| known).ok_or(NoAnswer::Url)?;
    let (user, host) = match authority.as_str().rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority.as_str()),
    };
    let path = url.path_and_query().map_or("/", |it| it.as_str());
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().map_err(|_| NoAnswer::Url)?;
    *request.headers_mut() = headers;
    let host = HeaderValue::from_str(host).map_err(|_| NoAnswer::Url)?;
    request.headers_mut().insert(header::HOST, host);
    request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    let agent = HeaderValue::from_static(concat!("streamd/", env!("CARGO_PKG_VERSION")));
    request.headers_mut().insert(header::USER_AGENT, agent);
    if let Some(user) = user {
        request.headers_mut().insert(header::AUTHORIZATION, basic(user)?);
    }
    Ok(request)
}

/// `USER:PASSWORD`, as it stands in a URL, in a header.
fn basic(user: &str) -> Result<HeaderValue, NoAnswer> {
    let user: Vec<u8> = percent_decode_str(user).collect();
    let mut value = HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(user)))
        .map_err(|_| NoAnswer::Url)?;
    value.set_sensitive(true);
    Ok(value)
}

async fn exchange<S>(socket: S, request: Request<Body>) -> Result<Answer, NoAnswer>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_SIZE)
        .handshake(TokioIo::new(socket))
        .await
        .map_err(|_| NoAnswer::Broken)?;
    let line = Line(tokio::spawn(connection).abort_handle());
    let answer = sender.send_request(request).await.map_err(|_| NoAnswer::Broken)?;
    let (head, body) = answer.into_parts();
    let body = Body::new(body).into_data_stream();
    Ok(Answer { status: head.status, headers: head.headers, body, _line: line })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_host_and_path_and_keeps_the_password_out_of_them() {
        let url: Uri = "https://us%40er:pa%3Ass@host.example:8443/a/b?c=d".parse().unwrap();
        let request = request(Method::GET, &url, HeaderMap::new(), Body::empty()).unwrap();
        assert_eq!(
            (request.uri().to_string().as_str(), request.method()),
            ("/a/b?c=d", &Method::GET)
        );
        assert_eq!(request.headers()[header::HOST], "host.example:8443");
        let basic = &request.headers()[header::AUTHORIZATION];
        assert_eq!(
            (basic.to_str().unwrap(), basic.is_sensitive()),
            ("Basic dXNAZXI6cGE6c3M=", true)
        );
        for url in ["ftp://h/a", "/a", "rtmp://h/a"] {
            let refused =
                super::request(Method::GET, &url.parse().unwrap(), HeaderMap::new(), Body::empty());
            assert_eq!(refused.err(), Some(NoAnswer::Url), "{url}");
        }
    }
}
