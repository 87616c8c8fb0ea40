//! The full-screen steward console.
//!
//! ```text
//! keys, mouse, answers ──> runtime ──> app::update(&mut App, Msg, &Ctx) ──> effects ──> runtime
//!                             │                                                     reader · hand (threads)
//!                             └────> app::draw(&App) ──> cells, HitMap
//! ```
//!
//! `update` is pure: no I/O, no clock, nothing spawned. Drawing takes `&App`. Only `runtime` and `terminal` touch the
//! terminal, tasks and channels.

pub mod action;
pub mod canvas;
pub mod hitmap;
pub mod keymap;
pub mod message;
pub mod query;
pub mod tab;
pub mod widgets;
