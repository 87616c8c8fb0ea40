//! How often, and after which pauses, a call is tried again. Pauses double from attempt to attempt and are drawn between
//! half and the whole of that, so that many callers do not come back at once; what the provider asks for goes before.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How often and how patiently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Most attempts, the first one counted.
    pub attempts: u32,
    /// The longest pause after the first attempt; doubled after each further one.
    pub first: Duration,
    /// The longest pause. A provider that asks for a longer one is not asked again.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { attempts: 4, first: Duration::from_secs(1), longest: Duration::from_secs(30) }
    }
}

impl Patience {
    /// The pause after attempt `attempt` (from 1) of the call `id`, where the provider asks for `asked`; `None`: give up.
    /// The draw is a hash of both, so that a call's pauses are its own and can be told beforehand.
    pub fn pause(&self, id: &str, attempt: u32, asked: Option<Duration>) -> Option<Duration> {
        if attempt >= self.attempts || asked.is_some_and(|asked| asked > self.longest) {
            return None;
        }
        let doubled = self.first.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(self.longest);
        let draw = (xxh3_64_with_seed(id.as_bytes(), u64::from(attempt)) >> 11) as f64 / (1_u64 << 53) as f64;
        let own = doubled.mul_f64(0.5 + 0.5 * draw);
        Some(asked.map_or(own, |asked| asked.max(own)).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_differ_and_end() {
        let patience = Patience { attempts: 5, ..Patience::default() };
        let pauses: Vec<_> = (1..6).map(|attempt| patience.pause("a", attempt, None)).collect();
        for (n, pause) in pauses[..4].iter().enumerate() {
            let most = 1000 << n;
            let pause = pause.unwrap().as_millis();
            assert!(pause >= most / 2 && pause <= most, "{n}: {pause}");
        }
        assert_eq!(pauses[4], None);
        assert_ne!(patience.pause("a", 1, None), patience.pause("b", 1, None));
        assert_eq!(patience.pause("a", 1, None), patience.pause("a", 1, None));
    }

    #[test]
    fn what_the_provider_asks_for_goes_before() {
        let patience = Patience::default();
        assert_eq!(patience.pause("a", 1, Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
        assert_eq!(patience.pause("a", 1, Some(Duration::from_secs(31))), None);
        assert!(patience.pause("a", 1, Some(Duration::ZERO)).unwrap() >= Duration::from_millis(500));
    }
}
