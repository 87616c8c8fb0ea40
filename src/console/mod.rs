//! The full-screen steward console.
//!
//! ```text
//! keys, mouse, answers ──> runtime ──> app::update(&mut App, Msg, &Ctx) ──> effects ──> runtime
//!                             │                                                     reader · hand (threads)
//!                             └────> chrome::draw(&App) ──> cells, HitMap
//! ```
//!
//! `update` is pure: no I/O, no clock, nothing spawned. Drawing takes `&App`. Only `runtime` and `terminal` touch the
//! terminal, tasks and channels.

pub mod action;
pub mod app;
pub mod canvas;
pub mod chrome;
pub mod dialogs;
pub mod editor;
mod fault;
#[cfg(test)]
pub mod fixtures;
pub mod hand;
#[cfg(test)]
pub mod harness;
pub mod hitmap;
mod input;
pub mod keymap;
pub mod message;
pub mod moment;
pub mod out;
pub mod pace;
pub mod panes;
pub mod query;
pub mod reader;
pub mod runtime;
pub mod tab;
pub mod terminal;
pub mod toasts;
pub mod widgets;
mod worker;
