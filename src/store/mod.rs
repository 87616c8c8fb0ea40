//! What lasts, and the only SQL.

pub mod models;
