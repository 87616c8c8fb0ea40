//! The one door for telemetry: validate, identify, price, deduplicate, commit.

pub mod events;
pub mod frames;
pub mod prices;
