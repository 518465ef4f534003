//! The PROXY protocol: where a client really comes from when a balancer stands before us. Versions 1 and 2 of the
//! specification by HAProxy.
//!
//! Only peers that were named are believed. From anybody else the header is what it looks like: no RTMP.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use levada_control::Network;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// How long the header may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// What version 2 begins with. §2.2
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1 with its end. §2.1
const LINE: usize = 107;
/// Addresses and all extensions that we read over. Longer ones are nonsense.
const BLOCK: usize = 4096;

/// Whether a peer's word about its clients is taken.
pub fn is_trusted(peer: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|it| it.contains(peer))
}

/// Where the client of a trusted peer is. `None`: the peer speaks for itself.
pub async fn client(socket: &mut TcpStream) -> io::Result<Option<IpAddr>> {
    tokio::time::timeout(PATIENCE, header(socket)).await?
}

/// Reads the header and nothing behind it.
async fn header(socket: &mut TcpStream) -> io::Result<Option<IpAddr>> {
    let mut head = [0; 16];
    socket.read_exact(&mut head).await?;
    if head[..12] == SIGNATURE {
        let length = usize::from(u16::from_be_bytes([head[14], head[15]]));
        if length > BLOCK {
            return Err(wrong("its header is too long"));
        }
        let mut block = vec![0; length];
        socket.read_exact(&mut block).await?;
        return binary(head[12], head[13], &block);
    }
    let mut line = head.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() >= LINE {
            return Err(wrong("its line does not end"));
        }
        line.push(socket.read_u8().await?);
    }
    text(&line)
}

fn wrong(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("no PROXY header: {why}"))
}

/// `PROXY TCP4 192.0.2.1 198.51.100.1 56324 1935\r\n`. §2.1
fn text(line: &[u8]) -> io::Result<Option<IpAddr>> {
    let line = std::str::from_utf8(line).map_err(|_| wrong("its line is no text"))?;
    let mut words = line.trim_end().split(' ');
    if words.next() != Some("PROXY") {
        return Err(wrong("it does not begin with PROXY"));
    }
    let address = match words.next() {
        Some("TCP4") => words.next().and_then(|it| it.parse().map(IpAddr::V4).ok()),
        Some("TCP6") => words.next().and_then(|it| it.parse().map(IpAddr::V6).ok()),
        Some("UNKNOWN") => return Ok(None),
        _ => None,
    };
    address.map(Some).ok_or_else(|| wrong("its address is none"))
}

/// Version and command, family, and the block behind them. §2.2
fn binary(version: u8, family: u8, block: &[u8]) -> io::Result<Option<IpAddr>> {
    match (version, family >> 4) {
        // LOCAL: a health check of the balancer itself.
        (0x20, _) => Ok(None),
        (0x21, 1) if block.len() >= 12 => {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&block[..4]);
            Ok(Some(Ipv4Addr::from(bytes).into()))
        }
        (0x21, 2) if block.len() >= 36 => {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&block[..16]);
            Ok(Some(Ipv6Addr::from(bytes).to_canonical()))
        }
        (0x21, 0 | 3) => Ok(None),
        _ => Err(wrong("its version or family is unknown")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_as_the_specification_writes_them() {
        let v4: IpAddr = [192, 0, 2, 1].into();
        let line = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 1935\r\n";
        assert_eq!(text(line).unwrap(), Some(v4));
        let line = b"PROXY TCP6 2001:db8::1 2001:db8::2 56324 1935\r\n";
        assert_eq!(text(line).unwrap(), Some("2001:db8::1".parse().unwrap()));
        assert_eq!(text(b"PROXY UNKNOWN\r\n").unwrap(), None);
        let block = [192, 0, 2, 1, 198, 51, 100, 1, 0xDC, 4, 7, 0x8F];
        assert_eq!(binary(0x21, 0x11, &block).unwrap(), Some(v4));
        assert_eq!(binary(0x20, 0, &[]).unwrap(), None);
        let mut block = [0; 36];
        block[..16].copy_from_slice(&"2001:db8::1".parse::<Ipv6Addr>().unwrap().octets());
        assert_eq!(binary(0x21, 0x21, &block).unwrap(), Some("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn net_14_headers_that_are_none() {
        for line in
            ["PROXY\r\n", "PROXY TCP4 \r\n", "PROXY TCP4 ::1 ::1 1 1\r\n", "GET / HTTP/1.1\r\n"]
        {
            assert!(text(line.as_bytes()).is_err(), "{line}");
        }
        assert!(text(b"PROXY \xFF\r\n").is_err());
        for (version, family, length) in
            [(0x21, 0x11, 11), (0x21, 0x21, 35), (0x11, 0x11, 12), (0x21, 0x41, 36)]
        {
            assert!(binary(version, family, &vec![0; length]).is_err(), "{version:x} {family:x}");
        }
    }
}
