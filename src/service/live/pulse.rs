//! The state of the store and of whoever looks at it, and how much goes on.

use super::wish::{Pulse, Rates};
use super::{Live, Result};
use crate::domain::call::Millis;
use crate::domain::identity::{Identity, PublicKey};
use crate::store::telemetry::TelemetryReader;

/// Over how long rates are taken, ms.
const MINUTE: Millis = 60_000;
/// Newest calls that are looked at for it.
const NEWEST: usize = 10_000;

/// Whoever acts at this machine, with their key where it can be read.
pub type Acting = (Identity, Option<PublicKey>);

impl Live {
    /// The state of the store, as whoever acts sees it.
    pub fn pulse(&mut self, acting: Option<&Acting>, now: Millis) -> Result<Pulse> {
        self.answer(|live, reader, known| {
            known.waiting.at(now);
            let steward = acting.map(|(name, key)| {
                let trusted = key.is_some_and(|key| known.trust.trusts(name, key));
                (name.to_string(), trusted)
            });
            Ok(Pulse {
                prompts: (known.catalog.published.len(), known.prompts),
                calls: live.counted.follow(reader)?,
                open: known.waiting.count(),
                open_high: known.waiting.high(),
                alarms: live.watch.as_ref().map(|watch| watch.alarm_counts()),
                quarantined: reader.quarantined_count()?,
                newest: reader.span()?.map(|(_, newest)| newest),
                steward,
                owned: known.trust.owner().is_some(),
                writable: live.service.store.is_writable(),
                store: live.service.path().display().to_string(),
                as_of: now,
            })
        })
    }

    /// How much goes on: of the calls that began in the last minute, or, where these are more than ten thousand, of as
    /// many newest.
    pub fn rates(&mut self, now: Millis) -> Result<Rates> {
        self.answer(|_, reader, _| {
            let (mut calls, mut failed, mut cost, mut priced) = (0_u64, 0_u64, 0_i64, false);
            let mut oldest = now - MINUTE;
            reader.newest(now - MINUTE, NEWEST, &mut |at, facts| {
                calls += 1;
                failed += u64::from(!facts.ok);
                cost += facts.cost.unwrap_or(0);
                priced |= facts.cost.is_some();
                if calls == NEWEST as u64 {
                    oldest = at;
                }
            })?;
            let seconds = ((now - oldest) as f64 / 1e3).max(1e-3);
            Ok(Rates {
                calls: calls as f64 / seconds,
                failed: (calls > 0).then(|| failed as f64 / calls as f64),
                cost: priced.then(|| cost as f64 / 1e9 / seconds * 3600.0),
                newest: reader.span()?.map(|(_, newest)| newest),
                quarantined: reader.quarantined_count()?,
            })
        })
    }
}
