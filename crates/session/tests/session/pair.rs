//! Client and server talk to each other.

use core::time::Duration;

use crate::common::*;
use levada_session::*;
use levada_test::PairEvent;

#[test]
fn a_client_publishes_and_another_message_arrives() {
    let mut pair = pair();
    pair.client.end.publish("key", PublishKind::Live).unwrap();
    let mut log = Vec::new();
    pair.settle(|client, server, event| match event {
        PairEvent::Client(ClientEvent::Publishing(id)) => {
            client.send(id, &metadata(0)).unwrap();
            client.send(id, &video(0, 10)).unwrap();
            client.send(id, &audio(5, 10)).unwrap();
            log.push(format!("publishing {}", id.0));
        }
        PairEvent::Server(event) => answer(server, event, &mut log),
        PairEvent::Client(event) => log.push(format!("{event:?}").chars().take(20).collect()),
    });
    println!("{log:#?}");
    assert_eq!(pair.clock.elapsed(), Duration::ZERO);
}
