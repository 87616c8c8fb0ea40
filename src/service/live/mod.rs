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
