//! What a store promises, and how to see that it keeps it.
//!
//! # Layout
//!
//! - [`Store`]: the promises; each method's text is a crash contract
//! - [`MemoryStore`]: the simplest thing that keeps all of them but durability
//! - [`conformance`]: the suite that every store must pass
//! - [`FaultyStore`]: any store, but failing and dying as a test tells it to

pub mod conformance;
mod faulty;
mod memory;
mod page;
mod records;
mod room;
mod store;

pub use faulty::{AtCall, Call, Fate, Fault, FaultyStore, Gate};
pub use memory::MemoryStore;
pub use page::{Page, Part};
pub use records::{
    Applied, Attachments, ComponentRecord, Created, Deadline, Deployed, ExecutionFilter, MailId,
    NewRecord, NewWorkflow, QueuedMail, Ready, RunLog, SecretRecord, StoreFigures, StoredLog,
};
pub use room::{NoRoom, ReadyCounts, Room};
pub use store::{ApplyError, DeleteError, Store, StoreError};
