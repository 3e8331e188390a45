//! Spans for a collector of OpenTelemetry, if the program is built with the feature `otlp`.

use anyhow::Result;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

/// The variable that all programs with OpenTelemetry have.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Part of the log.
pub(super) type Part<S> = Box<dyn Layer<S> + Send + Sync>;

/// Where spans go: to the collector that is given, or else to that of the environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collector(pub(crate) Option<String>);

impl Collector {
    /// The part of the log that sends spans; None if they go nowhere.
    ///
    /// # Errors
    /// The collector is no address, or the arguments name one and this program cannot send spans.
    pub(super) fn layer<S>(&self) -> Result<Option<Part<S>>>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let given = self.0.clone();
        let found = given.or_else(|| Self::of_environment().filter(|_| sending::IS_BUILT_IN));
        found.map(|endpoint| sending::layer(&endpoint)).transpose()
    }

    /// Says that the environment's collector gets nothing: it may be meant for other programs.
    pub(super) fn warn(&self) {
        if let (None, false, Some(endpoint)) =
            (&self.0, sending::IS_BUILT_IN, Self::of_environment())
        {
            tracing::warn!(endpoint, "no spans are sent: {}", sending::NOT_BUILT_IN);
        }
    }

    fn of_environment() -> Option<String> {
        std::env::var(ENDPOINT).ok().filter(|endpoint| !endpoint.is_empty())
    }
}

/// Sends what waits, for half a second at most.
pub(super) fn flush() {
    sending::flush();
}

#[cfg(feature = "otlp")]
mod sending {
    use std::sync::OnceLock;

    use anyhow::{Context, Result};
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_otlp::{SpanExporter, WithExportConfig};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tokio::runtime::Runtime;
    use tracing::{Level, Subscriber};
    use tracing_subscriber::Layer;
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::registry::LookupSpan;

    use super::Part;
    use crate::log::FLUSH;

    pub(super) const IS_BUILT_IN: bool = true;
    pub(super) const NOT_BUILT_IN: &str = "";
    const NAME: &str = "wasmcc";
    /// The variable with another name of this process.
    const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

    /// What sends. It needs threads of its own: the log begins before those of the verb.
    static SENDER: OnceLock<(SdkTracerProvider, Runtime)> = OnceLock::new();

    pub(super) fn layer<S>(endpoint: &str) -> Result<Part<S>>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("wasmcc-otlp")
            .enable_all()
            .build()
            .context("cannot start a thread for spans")?;
        let entered = runtime.enter();
        let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
        let exporter = exporter.with_context(|| {
            format!("spans cannot be sent to {endpoint}: write http://HOST:4317")
        })?;
        drop(entered);
        let resource = Resource::builder();
        let resource = match std::env::var_os(SERVICE_NAME) {
            Some(_) => resource.build(),
            None => resource.with_service_name(NAME).build(),
        };
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter);
        let provider = provider.with_resource(resource).build();
        let tracer = provider.tracer(NAME);
        // The first log of a process is its only one.
        let _ = SENDER.set((provider, runtime));
        let spans = tracing_opentelemetry::layer().with_tracer(tracer);
        // Without what libraries say, those that send spans above all.
        Ok(spans.with_filter(Targets::new().with_target(NAME, Level::DEBUG)).boxed())
    }

    pub(super) fn flush() {
        if let Some((provider, _)) = SENDER.get()
            && let Err(error) = provider.shutdown_with_timeout(FLUSH)
        {
            tracing::debug!(%error, "spans were not sent");
        }
    }
}

#[cfg(not(feature = "otlp"))]
mod sending {
    use anyhow::{Result, bail};

    use super::Part;

    pub(super) const IS_BUILT_IN: bool = false;
    pub(super) const NOT_BUILT_IN: &str = "this program was built without OpenTelemetry; build it \
                                           with `cargo install --path host/cli --features otlp`";

    pub(super) fn layer<S>(endpoint: &str) -> Result<Part<S>> {
        bail!("spans cannot be sent to {endpoint}: {NOT_BUILT_IN}")
    }

    pub(super) fn flush() {}
}
