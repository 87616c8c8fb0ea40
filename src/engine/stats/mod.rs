//! The mathematics, by its textbook names. Knows no domain type.

pub mod sketch;
