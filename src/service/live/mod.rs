//! What a console asks again and again: answered out of what stays in memory, moved on by what was committed since.
//!
//! A [`Live`] belongs to one thread. It keeps the catalog, the boards of the windows that were asked for of late and the
//! last watch, and follows the store; nothing here is ever read from raw calls but the calls of one prompt. Start with
//! [`Live::new`].

mod wish;

use std::sync::Arc;

pub use wish::{
    AffinityGrid, AffinityLine, BoardLine, BoardPage, BoardWish, CallLine, CallPage, Group, HistoryLine,
    PromptPage, Pulse, Rates, Trend, TrendPoint,
};

use super::Service;

/// What stays in memory for a console.
#[derive(Debug)]
pub struct Live {
    service: Arc<Service>,
}

impl Live {
    /// Of a service; nothing is read yet.
    pub fn new(service: Arc<Service>) -> Live {
        Live { service }
    }

    /// What it asks.
    pub fn service(&self) -> &Service {
        &self.service
    }
}
// STUB
use super::error::Result;
#[derive(Debug)]
pub struct Levels;
impl Live {
    pub fn pulse(&mut self, _: Option<&crate::keys::Keys>, _now: i64) -> Result<Pulse> {
        unimplemented!()
    }
    pub fn board(&mut self, _: &BoardWish, _now: i64) -> Result<BoardPage> {
        unimplemented!()
    }
    pub fn prompt(&mut self, _: &str, _: crate::domain::window::WindowSpec, _now: i64) -> Result<PromptPage> {
        unimplemented!()
    }
    pub fn calls(
        &mut self,
        _: &str,
        _: crate::domain::window::WindowSpec,
        _: usize,
        _now: i64,
    ) -> Result<CallPage> {
        unimplemented!()
    }
    pub fn call(&mut self, _: &str) -> Result<CallPage> {
        unimplemented!()
    }
    pub fn affinity(&mut self, _: crate::domain::window::WindowSpec, _now: i64) -> Result<AffinityGrid> {
        unimplemented!()
    }
    pub fn watch(&mut self, _now: i64) -> Result<Arc<super::Watch>> {
        unimplemented!()
    }
    pub fn rates(&mut self, _now: i64) -> Result<Rates> {
        unimplemented!()
    }
    pub fn names(&mut self) -> Result<Vec<String>> {
        unimplemented!()
    }
    pub fn levels(&self) -> Option<Arc<Levels>> {
        unimplemented!()
    }
    pub fn set_levels(&mut self, _: Arc<Levels>) {
        unimplemented!()
    }
}
