//! One message to many receivers: prepared and "written" to sinks that count, in time a receiver.
//!
//! ```sh
//! cargo bench -p levada-benches --bench fanout --features peers
//! ```
//!
//! - `shared`: cut once, a small header and a reference count each.
//! - `each its own`: our writer for a single receiver, once for each: shorter headers, nothing shared.
//!
//! None of the published crates shares a cut message, so each of them serialises it for each receiver. The memcpy
//! line copies the payload once for each.

use std::hint::black_box;

use bytes::Bytes;
use levada_benches::{Case, Work, bench, flush, memcpy};
use levada_buf::Outbox;
use levada_chunk::{ChunkSize, ChunkWriter, Message, MessageStreamId, MessageType, SharedMessage};

const RECEIVERS: [usize; 4] = [1, 10, 100, 1000];
/// Payload and chunk size.
const SHAPES: [(usize, u32); 6] =
    [(400, 4096), (8000, 4096), (30_000, 128), (30_000, 4096), (100_000, 4096), (100_000, 65_536)];

/// What sends a message in chunks of that size to so many receivers.
type Fanout = fn(Message, ChunkSize, usize) -> Box<dyn FnMut()>;

fn main() {
    let shapes = SHAPES.into_iter().flat_map(|shape| RECEIVERS.map(|it| (shape, it)));
    bench(shapes.flat_map(|((length, chunk_size), count)| cases(length, chunk_size, count)));
}

fn cases(length: usize, chunk_size: u32, receivers: usize) -> Vec<Case> {
    let case = |(name, fanout): (&str, Fanout)| {
        Case::new(format!("fanout {length} in {chunk_size} to {receivers}/{name}"), move || {
            let payload = Bytes::from(vec![7; length]);
            let message = Message::new(MessageType::VIDEO, MessageStreamId(1), 40, payload);
            let size = ChunkSize::new(chunk_size).unwrap();
            Work::on(length, fanout(message, size, receivers)).per(receivers)
        })
    };
    let mut cases: Vec<Case> =
        [("shared", shared as Fanout), ("each its own", each_its_own)].map(case).into();
    #[cfg(feature = "peers")]
    cases.extend(peers::FANOUTS.map(case));
    cases.push(case(("memcpy", copies)));
    cases
}

fn ours(size: ChunkSize, receivers: usize) -> Vec<(ChunkWriter, Outbox)> {
    let mut ours = Vec::new();
    ours.resize_with(receivers, || (ChunkWriter::new(), Outbox::new()));
    for (writer, out) in &mut ours {
        writer.set_chunk_size(size, out);
        flush(out);
    }
    ours
}

fn shared(message: Message, size: ChunkSize, receivers: usize) -> Box<dyn FnMut()> {
    let mut receivers = ours(size, receivers);
    Box::new(move || {
        let shared = SharedMessage::new(message.clone(), size).unwrap();
        for (writer, out) in &mut receivers {
            writer.write_shared(&shared, MessageStreamId(1), out);
            flush(out);
        }
    })
}

fn each_its_own(message: Message, size: ChunkSize, receivers: usize) -> Box<dyn FnMut()> {
    let mut receivers = ours(size, receivers);
    Box::new(move || {
        for (writer, out) in &mut receivers {
            writer.write(&message, out).unwrap();
            flush(out);
        }
    })
}

fn copies(message: Message, _: ChunkSize, receivers: usize) -> Box<dyn FnMut()> {
    let mut scratch = Vec::new();
    Box::new(move || {
        (0..receivers).for_each(|_| memcpy(black_box(&message.payload), &mut scratch));
    })
}

#[cfg(feature = "peers")]
mod peers {
    use bytes::BytesMut;

    use super::*;

    pub const FANOUTS: [(&str, Fanout); 2] = [("rml_rtmp 0.8.0", rml), ("rtmp-rs 0.6.0", rtmp_rs)];

    fn rml(message: Message, size: ChunkSize, receivers: usize) -> Box<dyn FnMut()> {
        use rml_rtmp::chunk_io::ChunkSerializer;
        use rml_rtmp::time::RtmpTimestamp;
        let message = rml_rtmp::messages::MessagePayload {
            timestamp: RtmpTimestamp::new(message.timestamp),
            type_id: message.kind.0,
            message_stream_id: message.stream.0,
            data: message.payload,
        };
        let mut writers: Vec<ChunkSerializer> = Vec::new();
        writers.resize_with(receivers, ChunkSerializer::new);
        for writer in &mut writers {
            writer.set_max_chunk_size(size.bytes(), RtmpTimestamp::new(0)).unwrap();
        }
        Box::new(move || {
            for writer in &mut writers {
                black_box(writer.serialize(&message, false, false).unwrap());
            }
        })
    }

    fn rtmp_rs(message: Message, size: ChunkSize, receivers: usize) -> Box<dyn FnMut()> {
        use rtmp_rs::protocol::chunk::{ChunkEncoder, RtmpChunk};
        let message = RtmpChunk {
            csid: message.chunk_stream.number(),
            timestamp: message.timestamp,
            message_type: message.kind.0,
            stream_id: message.stream.0,
            payload: message.payload,
        };
        let mut writers: Vec<(ChunkEncoder, BytesMut)> = Vec::new();
        writers.resize_with(receivers, || (ChunkEncoder::new(), BytesMut::new()));
        writers.iter_mut().for_each(|(writer, _)| writer.set_chunk_size(size.bytes()));
        Box::new(move || {
            for (writer, out) in &mut writers {
                out.clear();
                writer.encode(&message, out);
                black_box(out);
            }
        })
    }
}
