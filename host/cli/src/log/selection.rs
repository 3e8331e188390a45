//! The filter of the log: RUST_LOG, or a specification in Fabric's syntax, which can be replaced at
//! run time.

use std::fmt;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Context, Filter};

use crate::log::spec::Spec;

/// The filter.
pub(super) enum Selection {
    Spec(Spec),
    /// RUST_LOG, with its text.
    Env(Box<EnvFilter>, String),
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spec(spec) => spec.fmt(f),
            Self::Env(_, text) => f.write_str(text),
        }
    }
}

impl<S: Subscriber> Filter<S> for Selection {
    fn enabled(&self, of: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        match self {
            Self::Spec(spec) => *of.level() <= spec.level(of.target()),
            Self::Env(filter, _) => Filter::enabled(filter.as_ref(), of, context),
        }
    }

    fn callsite_enabled(&self, of: &'static Metadata<'static>) -> Interest {
        match self {
            Self::Spec(spec) if *of.level() <= spec.level(of.target()) => Interest::always(),
            Self::Spec(_) => Interest::never(),
            Self::Env(filter, _) => Filter::<S>::callsite_enabled(filter.as_ref(), of),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        match self {
            Self::Spec(spec) => Some(spec.most()),
            Self::Env(filter, _) => Filter::<S>::max_level_hint(filter.as_ref()),
        }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Self::Env(filter, _) = self {
            filter.on_new_span(attributes, id, context);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Self::Env(filter, _) = self {
            Filter::on_record(filter.as_ref(), id, values, context);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Self::Env(filter, _) = self {
            Filter::on_enter(filter.as_ref(), id, context);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Self::Env(filter, _) = self {
            Filter::on_exit(filter.as_ref(), id, context);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Self::Env(filter, _) = self {
            Filter::on_close(filter.as_ref(), id, context);
        }
    }
}
