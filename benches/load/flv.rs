//! HTTP-FLV as a player reads it.

use anyhow::{Context, bail};
use bytes::{Buf, BytesMut};
use levada_buf::Outbox;
use levada_flv::{FlvItem, FlvReader, FlvTag};

/// The longest head of an answer.
const HEAD: usize = 16 * 1024;

/// Reads an answer of HTTP, in chunks or not, and the tags in it.
#[derive(Debug, Default)]
pub struct Answer {
    state: State,
    body: BytesMut,
    reader: FlvReader,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Head,
    /// A body that ends with the connection.
    Plain,
    /// The line before a chunk.
    Size,
    /// So many bytes are left of a chunk, the end of its line included.
    Chunk(usize),
}

pub fn request(host: &str, path: &str) -> Outbox {
    let mut out = Outbox::new();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: levada-load\r\nAccept: */*\r\n\r\n"
    );
    out.put(head.as_bytes());
    out
}

impl Answer {
    /// The next tag that the input completes.
    pub fn next(&mut self, input: &mut BytesMut) -> anyhow::Result<Option<FlvTag>> {
        while self.take(input)? {}
        while let Some(item) = self.reader.read(&mut self.body)? {
            if let FlvItem::Tag(tag) = item {
                return Ok(Some(tag));
            }
        }
        Ok(None)
    }

    /// Takes one piece off the input. `false` when it needs more.
    fn take(&mut self, input: &mut BytesMut) -> anyhow::Result<bool> {
        match self.state {
            State::Head => {
                let Some(end) = find(input, b"\r\n\r\n") else {
                    anyhow::ensure!(input.len() <= HEAD, "the server does not speak HTTP");
                    return Ok(false);
                };
                let head = input.split_to(end + 4);
                self.state = judge(&String::from_utf8_lossy(&head))?;
                Ok(true)
            }
            State::Plain => {
                self.body.unsplit(input.split());
                Ok(false)
            }
            State::Size => {
                let Some(end) = find(input, b"\r\n") else { return Ok(false) };
                let line = input.split_to(end + 2);
                let digits = String::from_utf8_lossy(&line[..end]);
                let digits = digits.split(';').next().unwrap_or_default().trim();
                let size = usize::from_str_radix(digits, 16).context("a bad chunk of HTTP")?;
                if size == 0 {
                    bail!("the answer is over");
                }
                self.state = State::Chunk(size.saturating_add(2));
                Ok(true)
            }
            State::Chunk(left) => {
                let count = left.min(input.len());
                let media = left.saturating_sub(2).min(count);
                self.body.extend_from_slice(&input[..media]);
                input.advance(count);
                self.state = if count == left { State::Size } else { State::Chunk(left - count) };
                Ok(count == left)
            }
        }
    }
}

/// Whether the head of an answer promises media, and how.
fn judge(head: &str) -> anyhow::Result<State> {
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        bail!("the server answers {:?}", head.lines().next().unwrap_or_default());
    }
    let head = head.to_ascii_lowercase();
    let chunked =
        head.lines().any(|it| it.starts_with("transfer-encoding:") && it.contains("chunked"));
    Ok(if chunked { State::Size } else { State::Plain })
}

fn find(input: &[u8], what: &[u8]) -> Option<usize> {
    input.windows(what.len()).position(|it| it == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_out_however_they_are_cut() {
        let file = b"FLV\x01\x04\0\0\0\x09\0\0\0\0\x08\0\0\x02\0\0\0\0\0\0\0\x2f\xff\0\0\0\x0d";
        let plain = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), file].concat();
        let (a, b) = file.split_at(20);
        let chunked = [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n".as_slice(),
            a,
            b"\r\nb;x=1\r\n",
            b,
            b"\r\n",
        ]
        .concat();
        for answer in [plain, chunked] {
            for step in [1, 7, answer.len()] {
                let (mut it, mut input, mut tags) = (Answer::default(), BytesMut::new(), 0);
                for piece in answer.chunks(step) {
                    input.extend_from_slice(piece);
                    while let Some(tag) = it.next(&mut input).expect("an answer") {
                        assert_eq!(tag.body[..], [0x2F, 0xFF]);
                        tags += 1;
                    }
                }
                assert_eq!(tags, 1, "in steps of {step}");
            }
        }
    }

    #[test]
    fn refusals_are_told() {
        let mut input = BytesMut::from("HTTP/1.1 404 Not Found\r\n\r\n");
        let why = Answer::default().next(&mut input).expect_err("refused").to_string();
        assert!(why.contains("404 Not Found"), "{why}");
    }
}
