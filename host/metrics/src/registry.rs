//! Registers metrics, each once, with its description.

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

/// Buckets in seconds where Fabric sets none: the defaults of Prometheus' libraries, and shorter
/// ones, because a component responds in less than a millisecond.
const SECONDS: [f64; 16] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// A gauge without labels. It has no series until it is set, so that an unknown value is not shown
/// as 0.
#[derive(Clone)]
pub struct Gauge(IntGaugeVec);

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: i64) {
        self.0.with_label_values::<&str>(&[]).set(value);
    }
}

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value that only grows.
    Counter,
    /// A value that rises and falls.
    Gauge,
    /// A distribution.
    Histogram,
}

/// A metric as in the documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// The names of its labels, in order.
    pub labels: &'static [&'static str],
    /// The meaning of its value.
    pub help: &'static str,
}

/// The registry of a process.
pub(crate) struct Families {
    registry: Registry,
    descriptions: Vec<Description>,
}

const NAMED: &str = "names of metrics and labels are valid and used once";

impl Families {
    pub(crate) fn new() -> Self {
        Self { registry: Registry::new(), descriptions: Vec::new() }
    }

    fn add<T: prometheus::core::Collector + Clone + 'static>(
        &mut self,
        metric: prometheus::Result<T>,
        description: Description,
    ) -> T {
        let metric = metric.expect(NAMED);
        self.registry.register(Box::new(metric.clone())).expect(NAMED);
        self.descriptions.push(description);
        metric
    }

    pub(crate) fn counter(&mut self, name: &'static str, help: &'static str) -> IntCounter {
        let description = Description { name, kind: Kind::Counter, labels: &[], help };
        self.add(IntCounter::new(name, help), description)
    }

    pub(crate) fn gauge(&mut self, name: &'static str, help: &'static str) -> Gauge {
        Gauge(self.gauges(name, &[], help))
    }

    pub(crate) fn counters(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> IntCounterVec {
        let description = Description { name, kind: Kind::Counter, labels, help };
        self.add(IntCounterVec::new(Opts::new(name, help), labels), description)
    }

    pub(crate) fn gauges(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> IntGaugeVec {
        let description = Description { name, kind: Kind::Gauge, labels, help };
        self.add(IntGaugeVec::new(Opts::new(name, help), labels), description)
    }

    /// Adds histograms of times, in seconds.
    pub(crate) fn histograms(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> HistogramVec {
        self.histograms_in(&SECONDS, name, labels, help)
    }

    /// As [`histograms`](Self::histograms), with other buckets.
    pub(crate) fn histograms_in(
        &mut self,
        buckets: &[f64],
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> HistogramVec {
        let description = Description { name, kind: Kind::Histogram, labels, help };
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.add(HistogramVec::new(options, labels), description)
    }

    pub(crate) fn descriptions(&self) -> &[Description] {
        &self.descriptions
    }

    pub(crate) fn text(&self) -> String {
        let mut text = Vec::new();
        // Writing into memory cannot fail, and the names were checked when they were registered.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Returns the series with these label values.
pub(crate) fn histogram(of: &HistogramVec, labels: &[&str]) -> Histogram {
    of.with_label_values(labels)
}
