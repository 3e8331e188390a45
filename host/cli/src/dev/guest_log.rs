//! Copies the log lines of contracts to the reporter.

use std::fmt::Debug;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::dev::events::{Logged, logged};
use wasmcc_types::CHAINCODE_LOG;

/// The span around a contract's lines.
const SPAN: &str = "invoke";
/// The span around the extra runs of `--twice`, whose results are discarded.
const VARIED: &str = "varied";

/// A log layer for the lines of contracts.
pub(crate) struct GuestLog;

impl GuestLog {
    /// Returns the layer with its filter.
    pub(crate) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
        let is_of_a_contract = |metadata: &Metadata<'_>| {
            *metadata.level() <= Level::DEBUG
                && (metadata.target() == CHAINCODE_LOG
                    || metadata.is_span() && metadata.name() == SPAN)
        };
        Self.with_filter(FilterFn::new(is_of_a_contract))
    }
}

/// The chaincode and transaction of a line.
#[derive(Default)]
struct Of {
    chaincode: String,
    tx_id: String,
}

impl Visit for Of {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "chaincode" => self.chaincode = format!("{value:?}"),
            "tx_id" => self.tx_id = format!("{value:?}").trim_matches('"').to_owned(),
            _ => {}
        }
    }
}

/// A line and its fields, which are formatted as a JSON object.
#[derive(Default)]
struct Message {
    text: String,
    fields: String,
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.text = format!("{value:?}"),
            "fields" => self.fields = format!(" {value:?}"),
            _ => {}
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for GuestLog {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut of = Of::default();
        attributes.record(&mut of);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(of);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if context.event_scope(event).into_iter().flatten().any(|span| span.name() == VARIED) {
            return;
        }
        let mut message = Message::default();
        event.record(&mut message);
        let scope = context.event_scope(event).into_iter().flatten();
        let of = scope.into_iter().find_map(|span| {
            let extensions = span.extensions();
            let of = extensions.get::<Of>()?;
            Some((of.chaincode.clone(), of.tx_id.clone()))
        });
        let (chaincode, tx_id) = of.unwrap_or_default();
        let (level, text) = (event.metadata().level().as_str(), message.text + &message.fields);
        logged(Logged { chaincode, tx_id, level, text });
    }
}
