//! Describes an address to clients: whether it serves (`grpc.health.v1.Health`), and which services
//! and messages it has (`grpc.reflection.v1` and `v1alpha`).
//!
//! Needs no rights. Its streams hold no place and do not keep their connection open: they never
//! settle.

use std::convert::Infallible;
use std::sync::Arc;

use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tonic_reflection::pb::{v1, v1alpha};
use tonic_reflection::server::Builder;

use crate::shutdown::Stopping;
use crate::until_stop::until_stop;
use wasmcc_types::proto::FILE_DESCRIPTOR_SET;

const HEALTH: &str = "grpc.health.v1.Health";
const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";
const REFLECTION_ALPHA: &str = "grpc.reflection.v1alpha.ServerReflection";

/// The services that describe an address.
const OWN: [&str; 3] = [HEALTH, REFLECTION, REFLECTION_ALPHA];

/// The servers of these services.
#[derive(Clone)]
pub(super) struct SelfDescription {
    health: Answering,
    /// None if the descriptors cannot be used.
    reflection: Option<Answering>,
    reflection_alpha: Option<Answering>,
    stopping: Stopping,
}

pub(super) type Answering = Arc<dyn Fn(http::Request<Body>) -> Answer + Send + Sync>;
type Answer = BoxFuture<http::Response<Body>, Infallible>;

fn answering<S>(server: S) -> Answering
where
    S: Service<
            http::Request<Body>,
            Response = http::Response<Body>,
            Error = Infallible,
            Future = Answer,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    Arc::new(move |request| server.clone().call(request))
}

impl SelfDescription {
    /// Describes an address with these services.
    pub(super) async fn new(
        names: impl IntoIterator<Item = &'static str>,
        stopping: Stopping,
    ) -> Self {
        let names: Vec<&str> = names.into_iter().chain(OWN).collect();
        let reporter = HealthReporter::new();
        for name in &names {
            // Each service serves until the server stops, which ends every stream.
            reporter.set_service_status(name, ServingStatus::Serving).await;
        }
        let health = HealthService::from_health_reporter(reporter);
        let describe = || {
            let sets = [FILE_DESCRIPTOR_SET, tonic_health::pb::FILE_DESCRIPTOR_SET];
            let described = sets
                .into_iter()
                .fold(Builder::configure(), Builder::register_encoded_file_descriptor_set);
            names.iter().fold(described, |described, name| described.with_service_name(*name))
        };
        let unusable = |error: &tonic_reflection::server::Error| {
            tracing::error!(%error, "gRPC reflection is not available");
        };
        let described =
            describe().register_encoded_file_descriptor_set(v1alpha::FILE_DESCRIPTOR_SET);
        let v1 = described.build_v1().inspect_err(unusable);
        let described = describe().register_encoded_file_descriptor_set(v1::FILE_DESCRIPTOR_SET);
        let alpha = described.build_v1alpha().inspect_err(unusable);
        Self {
            health: answering(HealthServer::new(health)),
            reflection: v1.ok().map(answering),
            reflection_alpha: alpha.ok().map(answering),
            stopping,
        }
    }

    /// Returns whether a service is one of these.
    pub(super) fn has(&self, service: &str) -> bool {
        self.server(service).is_some()
    }

    /// Answers a call with one of these services; its stream ends when the server stops.
    pub(super) fn call(&self, server: &Answering, request: http::Request<Body>) -> Answer {
        let (answer, stopping) = (server(request), self.stopping.clone());
        Box::pin(async move { Ok(until_stop(answer.await?, stopping)) })
    }

    /// Returns one of these services.
    pub(super) fn server(&self, service: &str) -> Option<&Answering> {
        match service {
            HEALTH => Some(&self.health),
            REFLECTION => self.reflection.as_ref(),
            REFLECTION_ALPHA => self.reflection_alpha.as_ref(),
            _ => None,
        }
    }
}
