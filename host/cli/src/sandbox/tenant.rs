//! One sandbox and the thread that answers its requests.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;

use serde_json::{Value, json};

use super::frame::Blobs;
use super::request::{Request, Work};
use super::{Answers, answer};
use wasmcc_node::sandbox::{Endorsed, Sandbox, SandboxError};

/// A sandbox with the endorsements that its test holds.
#[derive(Default)]
struct Tenant {
    sandbox: Option<Sandbox>,
    kept: HashMap<u64, Endorsed>,
    next: u64,
}

/// Why a request has no result.
enum Failed {
    Sandbox(SandboxError),
    /// The request refers to something that does not exist.
    Request(&'static str),
}

impl From<SandboxError> for Failed {
    fn from(error: SandboxError) -> Self {
        Self::Sandbox(error)
    }
}

/// Answers requests until all senders are dropped.
pub(super) fn serve(works: &Receiver<Work>, answers: &Answers) {
    let mut tenant = Tenant::default();
    for Work { id, request, mut blobs } in works {
        if let Request::Forget { endorsed } = request {
            tenant.kept.remove(&endorsed);
            continue;
        }
        let mut added = Blobs::default();
        // Catch panics: without an answer, the test would wait without end.
        let done =
            catch_unwind(AssertUnwindSafe(|| tenant.answer(request, &mut blobs, &mut added)));
        match done {
            Ok(Ok(value)) => answers.send(id, ("ok", value), added),
            Ok(Err(Failed::Sandbox(error))) => {
                let mut added = Blobs::default();
                let error = answer::failure(error, &mut added);
                answers.send(id, ("error", error), added);
            }
            Ok(Err(Failed::Request(text))) => {
                answers.send(id, ("error", answer::program(text)), Blobs::default());
            }
            Err(_) => {
                let error = answer::program("`wasmcc sandbox` has panicked; its message is above");
                answers.send(id, ("error", error), Blobs::default());
            }
        }
    }
}

impl Tenant {
    fn answer(
        &mut self,
        request: Request,
        blobs: &mut Blobs,
        added: &mut Blobs,
    ) -> Result<Value, Failed> {
        if let Request::New(new) = request {
            self.sandbox = Some(new.into_builder().build()?);
            return Ok(Value::Null);
        }
        let sandbox = self.sandbox.as_ref();
        let sandbox = sandbox.ok_or(Failed::Request("the sandbox could not be set up"))?;
        Ok(match request {
            Request::Deploy(deployment) => {
                answer::submitted(&deployment.deploy(sandbox, blobs, false)?, added)
            }
            Request::DeployByLifecycle(deployment) => {
                answer::submitted(&deployment.deploy(sandbox, blobs, true)?, added)
            }
            Request::Endorse { call } => {
                let endorsed = sandbox.endorse(call.into_call(blobs))?;
                self.keep(endorsed, added)
            }
            Request::AssertDeterministic { call } => {
                let endorsed = sandbox.assert_deterministic(call.into_call(blobs))?;
                self.keep(endorsed, added)
            }
            Request::EndorseAlso { org, endorsed } => {
                for number in endorsed {
                    let kept = self.kept.get_mut(&number).ok_or(UNKNOWN)?;
                    sandbox.endorse_also(&org, kept)?;
                }
                Value::Null
            }
            Request::Evaluate { call } => {
                answer::endorsed(&sandbox.evaluate(call.into_call(blobs))?, added)
            }
            Request::Submit { call } => {
                answer::submitted(&sandbox.submit(call.into_call(blobs))?, added)
            }
            Request::Commit { endorsed } => {
                let kept = endorsed.iter().map(|number| self.kept.get(number).cloned());
                let kept: Option<Vec<Endorsed>> = kept.collect();
                let done = sandbox.commit(kept.ok_or(UNKNOWN)?)?;
                done.iter().map(|one| answer::submitted(one, added)).collect()
            }
            Request::Height {} => sandbox.height()?.into(),
            Request::GetState { name, key } => {
                json!(sandbox.get_state(&name, &key)?.map(|value| added.add(&value)))
            }
            Request::New(_) | Request::Forget { .. } | Request::End {} => Value::Null,
        })
    }
}

impl Tenant {
    /// Keeps an endorsement that the test may commit later.
    fn keep(&mut self, endorsed: Endorsed, added: &mut Blobs) -> Value {
        let mut value = answer::endorsed(&endorsed, added);
        self.next += 1;
        self.kept.insert(self.next, endorsed);
        value["kept"] = self.next.into();
        value
    }
}

const UNKNOWN: Failed = Failed::Request("there is no such endorsement");
