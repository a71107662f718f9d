//! The seam between the library and whoever hosts the step.
//!
//! Inside a component it is the real host, in tests a
//! [`FakeHost`](crate::testing::FakeHost). Values cross as JSON text.

use crate::Failure;
use crate::context::Execution;
use crate::flow::{Links, SuspendOptions};
use crate::http::Sent;
use crate::http_response::Response;
use crate::send::Mail;

#[cfg(target_family = "wasm")]
mod component;
#[cfg(target_family = "wasm")]
mod wire;
#[cfg(target_family = "wasm")]
mod words;

#[cfg(target_family = "wasm")]
pub(crate) use component::current;
#[cfg(target_family = "wasm")]
pub use component::{__export, bindings};

#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::testing::current;

/// Which run it is, as JSON text.
pub(crate) struct Run {
    pub(crate) runs: u32,
    pub(crate) context: Option<String>,
    pub(crate) callback_request: Option<String>,
}

/// An answer to an HTTP request, without redirects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What a step asks of its host.
pub(crate) trait Host {
    fn run(&self) -> Run;
    fn execution(&self) -> Execution;
    fn event(&self) -> String;
    fn steps(&self) -> String;
    fn suspend(&self, options: SuspendOptions) -> Result<Links, Failure>;
    fn rerun(
        &self,
        delay_ms: u64,
        context: Option<String>,
        max_retries: Option<u32>,
    ) -> Result<Links, Failure>;
    fn delay(&self, delay_ms: u64) -> Result<Links, Failure>;
    fn withdraw(&self);
    fn exit(&self, reason: Option<&str>);
    fn export(&self, name: &str, value: &str) -> Result<(), Failure>;
    fn respond(&self, response: Response) -> Result<(), Failure>;
    fn email(&self, mail: Mail) -> Result<(), Failure>;
    /// One exchange; the error says in words why no whole answer came.
    fn http(&self, request: &Sent) -> Result<Answer, String>;
}
