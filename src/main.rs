//! The `human` binary.
fn main() {}
