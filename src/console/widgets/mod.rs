//! Pieces of screens. They know the canvas and what they are given, and nothing of panes, queries or effects.
//!
//! Each survives any area, an empty one included; each says with letters and marks what it says with colour.

pub mod bar;
pub mod chart;
pub mod confirm;
pub mod diff_view;
pub mod flow;
pub mod heat;
pub mod input;
pub mod keys;
pub mod list_state;
pub mod panel;
pub mod prose;
mod raster;
pub mod said;
pub mod scroll;
#[cfg(test)]
mod sketch;
pub mod sparkline;
pub mod table;
mod ticks;
pub mod toast;
