//! host/store-sled
