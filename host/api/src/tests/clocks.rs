//! Log lines about clients with wrong clocks.

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata};

use super::*;
use crate::tests::delivering::{Open, at, seek};
use wasmcc_types::proto::common::Status as BlockStatus;

/// Collects the log lines of deliveries.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(Level, String)>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!("{field}={value:?} "));
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("wasmcc_api::deliver")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push((*event.metadata().level(), text.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_a_warning_but_not_each_time() {
    let lines = Lines::default();
    // The server runs on this thread.
    let _guard = tracing::subscriber::set_default(lines.clone());
    let served = Served::start(Fake::default()).await;
    served.peer.grow(2);
    for seconds in [7_200, -7_200] {
        let mut open = Open::on(&served.channel).await;
        open.ask(&seek(at(0), at(0)).late(seconds)).await;
        assert_eq!(open.all().await, (vec![], BlockStatus::BadRequest));
    }
    let lines = lines.0.lock().unwrap();
    let levels: Vec<_> = lines.iter().map(|(level, _)| *level).collect();
    assert_eq!(levels, [Level::WARN, Level::INFO], "{lines:?}");
    let (_, warning) = &lines[0];
    for part in ["client=127.0.0.1:", "apart from current server time", "the clock of the client"] {
        assert!(warning.contains(part), "{warning}");
    }
}
