//! Sends spans to an OpenTelemetry collector, if the program is built with the feature `otlp`.

use std::time::Duration;

use anyhow::Result;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

/// The usual variable of programs with OpenTelemetry.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// A layer of the log.
pub(super) type Part<S> = Box<dyn Layer<S> + Send + Sync>;

/// The collector for spans: the given one, or else that of the environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collector(pub(crate) Option<String>);

impl Collector {
    /// Returns the layer that sends spans; None without a collector.
    ///
    /// # Errors
    /// The address of the collector is invalid, or it is given as an option and this program cannot
    /// send spans.
    pub(super) fn layer<S>(&self) -> Result<Option<Part<S>>>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let given = self.0.clone();
        let found = given.or_else(|| Self::of_environment().filter(|_| sending::IS_BUILT_IN));
        found.map(|endpoint| sending::layer(&endpoint)).transpose()
    }

    /// Warns that no spans are sent to the collector of the environment. This is not an error: the
    /// collector may be meant for other programs.
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

/// Sends the remaining spans, at most for `limit`.
pub(super) fn flush(limit: Duration) {
    sending::flush(limit);
}

#[cfg(feature = "otlp")]
mod sending {
    use std::sync::OnceLock;
    use std::time::Duration;

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

    pub(super) const IS_BUILT_IN: bool = true;
    pub(super) const NOT_BUILT_IN: &str = "";
    const NAME: &str = "wasmcc";
    /// The variable that sets another service name.
    const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

    /// The sender. It has its own runtime: the log starts before that of the verb.
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
        // A process has one log; further calls have no effect.
        let _ = SENDER.set((provider, runtime));
        let spans = tracing_opentelemetry::layer().with_tracer(tracer);
        // Without spans of libraries, above all of those that send spans.
        Ok(spans.with_filter(Targets::new().with_target(NAME, Level::DEBUG)).boxed())
    }

    pub(super) fn flush(limit: Duration) {
        if let Some((provider, _)) = SENDER.get()
            && let Err(error) = provider.shutdown_with_timeout(limit)
        {
            tracing::debug!(%error, "spans were not sent");
        }
    }
}

#[cfg(not(feature = "otlp"))]
mod sending {
    use std::time::Duration;

    use anyhow::{Result, bail};

    use super::Part;

    pub(super) const IS_BUILT_IN: bool = false;
    pub(super) const NOT_BUILT_IN: &str = "this program was built without OpenTelemetry; build it \
                                           with `cargo install --path host/cli --features otlp`";

    pub(super) fn layer<S>(endpoint: &str) -> Result<Part<S>> {
        bail!("spans cannot be sent to {endpoint}: {NOT_BUILT_IN}")
    }

    pub(super) fn flush(_: Duration) {}
}
