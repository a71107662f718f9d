//! Makes a component from source.
