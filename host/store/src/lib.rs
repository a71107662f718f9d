//! What a store promises, and how to see that it keeps it.
//!
//! # Layout
//!
//! - [`Store`]: the promises; each method's text is a crash contract
//! - [`MemoryStore`]: the simplest thing that keeps all of them but durability
//! - [`conformance`]: the suite that every store must pass

pub mod conformance;
mod memory;
mod records;
mod store;

pub use memory::MemoryStore;
pub use records::{
    Applied, Attachments, ComponentRecord, Created, Deadline, Deployed, ExecutionFilter, MailId,
    NewRecord, QueuedMail, Ready, RunLog, StoreFigures,
};
pub use store::{ApplyError, DeleteError, Store, StoreError};
