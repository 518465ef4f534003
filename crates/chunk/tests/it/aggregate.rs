use bytes::Bytes;
use levada_chunk::{
    Aggregate, ChunkError, ChunkFault, ChunkLimit, ChunkLimits, Message, MessageStreamId,
    MessageType,
};
use levada_test::{allocations, hex, vectors};

fn split(timestamp: u32, payload: &[u8]) -> Vec<Result<Message, ChunkError>> {
    let payload = Bytes::copy_from_slice(payload);
    let whole = Message::new(MessageType::AGGREGATE, MessageStreamId(1), timestamp, payload);
    Aggregate::new(whole, &ChunkLimits::default()).collect()
}

/// Kind, time and length of what is inside.
fn parts(timestamp: u32, payload: &[u8]) -> Vec<(u8, u32, usize)> {
    let parts = split(timestamp, payload).into_iter().map(Result::unwrap);
    parts.map(|it| (it.kind.0, it.timestamp, it.payload.len())).collect()
}

fn fault(offset: u64, fault: ChunkFault) -> Option<Result<Message, ChunkError>> {
    Some(Err(ChunkError::Malformed { offset, fault }))
}

#[test]
fn every_aggregate_vector() {
    let mut seen = 0;
    for vector in vectors(env!("CARGO_MANIFEST_DIR"), "control.json") {
        if vector["kind"] != "aggregate" {
            continue;
        }
        let name = vector["name"].as_str().unwrap();
        let timestamp = u32::try_from(vector["timestamp"].as_u64().unwrap()).unwrap();
        let split = split(timestamp, &hex(vector["hex"].as_str().unwrap()));
        seen += 1;
        if vector.contains_key("expect_error") {
            assert_eq!(split.last().cloned(), fault(0, ChunkFault::ShortAggregate), "{name}");
            continue;
        }
        for (part, expected) in split.iter().zip(vector["expect"].as_array().unwrap()) {
            let part = part.as_ref().unwrap();
            assert_eq!(u64::from(part.kind.0), expected["type"], "{name}");
            assert_eq!(u64::from(part.timestamp), expected["ts"], "{name}");
            assert_eq!(u64::from(part.stream.0), expected["msid"], "{name}");
            assert_eq!(part.payload, hex(expected["payload"].as_str().unwrap()), "{name}");
        }
        assert_eq!(split.len(), vector["expect"].as_array().unwrap().len(), "{name}");
    }
    assert_eq!(seen, 5);
}

#[test]
fn quirk_29_times_are_relative_to_the_first_message_inside() {
    let inside =
        hex("08 000001 000064 00 000000 aa 0000000c  09 000001 00006e 00 000000 bb 0000000c");
    assert_eq!(parts(5000, &inside), [(8, 5000, 1), (9, 5010, 1)]);
    assert_eq!(parts(u32::MAX, &inside), [(8, u32::MAX, 1), (9, 9, 1)]);
}

#[test]
fn hostile_chk_19_back_pointers_are_not_looked_at() {
    let wrong =
        hex("08 000001 000000 00 000000 aa ffffffff  09 000001 000005 00 000000 bb 00000000");
    assert_eq!(parts(0, &wrong), [(8, 0, 1), (9, 5, 1)]);
    // The last one, or a piece of it, may be missing.
    for missing in 1..=4 {
        assert_eq!(parts(0, &wrong[..wrong.len() - missing]), [(8, 0, 1), (9, 5, 1)]);
    }
}

#[test]
fn hostile_chk_19_times_that_go_back() {
    let inside =
        hex("08 000001 000064 00 000000 aa 0000000c  09 000001 000000 00 000000 bb 0000000c");
    assert_eq!(parts(50, &inside), [(8, 50, 1), (9, 50_u32.wrapping_sub(100), 1)]);
}

#[test]
fn hostile_chk_19_a_message_longer_than_the_rest() {
    let inside =
        hex("08 000001 000000 00 000000 aa 0000000c  09 ffffff 000005 00 000000 bb 0000000c");
    let split = split(0, &inside);
    assert_eq!(split.len(), 2);
    assert!(split[0].is_ok());
    assert_eq!(split.last().cloned(), fault(16, ChunkFault::ShortAggregate));
}

#[test]
fn hostile_chk_19_cut_at_every_byte() {
    let inside = hex("08 000003 000000 00 000000 aabbcc 0000000e  09 000001 000005 00 000000 bb");
    for cut in 0..inside.len() {
        let split = split(0, &inside[..cut]);
        let whole = usize::from(cut >= 14);
        assert_eq!(split.iter().filter(|it| it.is_ok()).count(), whole, "{cut}");
        let clean = cut == 0 || (14..=18).contains(&cut);
        assert_eq!(split.last().is_some_and(Result::is_err), !clean, "{cut}");
    }
}

#[test]
fn hostile_chk_19_an_aggregate_inside_an_aggregate() {
    let inside = hex("16 000000 000000 00 000000 0000000b");
    assert_eq!(split(0, &inside), [fault(0, ChunkFault::NestedAggregate).unwrap()]);
}

#[test]
fn hostile_chk_19_many_empty_messages() {
    let empty = hex("08 000000 000000 00 000000 0000000b");
    let of = |count: usize| split(0, &empty.repeat(count));
    assert!(of(4096).iter().all(Result::is_ok));
    let over = of(100_000);
    assert_eq!(over.len(), 4097);
    let which = ChunkLimit::Aggregated;
    let error = ChunkError::Limit { offset: 4096 * 15, which, limit: 4096, actual: 4097 };
    assert_eq!(over.last(), Some(&Err(error)));
}

#[test]
fn payloads_are_slices() {
    let payload = Bytes::from([hex("08 000800 000000 00 000000"), vec![7; 0x800]].concat());
    let whole = Message::new(MessageType::AGGREGATE, MessageStreamId(1), 0, payload.clone());
    let mut aggregate = Aggregate::new(whole, &ChunkLimits::default());
    let counted = allocations(|| {
        assert_eq!(aggregate.next().unwrap().unwrap().payload.as_ptr(), payload[11..].as_ptr());
    });
    assert_eq!(counted.count, 0);
}
