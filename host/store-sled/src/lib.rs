//! Waystation's embedded store: sled 0.34 behind one committer thread.
//!
//! # Layout
//!
//! - `keys.rs`: where everything lies; `value.rs`: how a value is cut into small parts
//! - `view.rs`: the tree as it will be, while a group of requests is staged
//! - `write.rs`: what each request makes of it; `committer.rs`: the one thread that writes
//! - `watch.rs`: ends the process when sled failed and does not say so
//! - `store.rs`: the [`Store`](waystation_store::Store) itself, and all reading
//! - `ready.rs`: who is next, over all workflows
//! - `remove.rs`: what ended long ago goes; `figures.rs`: how long commits take
//! - `open.rs`: opening; `marks.rs`: what tells an old database from a new one; `migrate.rs`: one of an earlier format; `compact.rs`, `import.rs`: a new database from an old one
//! - `snapshot.rs`: everything, as it was at one moment; `check.rs`: does it fit together?
//! - `files.rs`: components' bytes
//! - `fuzzing.rs`: what the fuzz targets call

mod check;
mod committer;
mod compact;
mod figures;
mod files;
#[doc(hidden)]
pub mod fuzzing;
mod import;
mod keys;
mod marks;
mod migrate;
mod open;
mod page;
mod ready;
mod remove;
mod snapshot;
mod store;
mod value;
mod view;
mod watch;
mod write;

pub use check::CheckReport;
pub use committer::SnapshotReader;
pub use files::ComponentFiles;
pub use import::Import;
pub use open::OpenError;
pub use snapshot::StoreEntry;
pub use store::SledStore;

/// The format of databases that this version writes.
pub const STORE_FORMAT: &str = open::FORMAT;

/// The formats that it reads. A database of an earlier one has the present one once it was opened.
pub const STORE_FORMATS_READ: [&str; 2] = open::FORMATS_READ;
