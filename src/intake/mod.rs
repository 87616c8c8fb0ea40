//! The doors: telemetry and tables from outside are checked, named and made into the product's own records here.

pub mod prices;
