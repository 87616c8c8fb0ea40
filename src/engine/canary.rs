//! Which sessions get a new version first: sticky, and nested, so that a larger share keeps whoever is in.
//!
//! Start with [`chosen`].

use xxhash_rust::xxh3::xxh3_64;

use crate::domain::prompt::PromptUri;

/// Whether a session gets the new version of `prompt`, of which a `share` from 0 to 1 is to get it. One session has one
/// answer for as long as the salt stays; another salt draws anew.
pub fn chosen(session: &str, prompt: &PromptUri, share: f64, salt: &str) -> bool {
    // Lengths keep `ab` + `c` apart from `a` + `bc`; the version is left out, so that a session stays where it is.
    let prompt = prompt.unversioned().to_string();
    let key = format!("{}:{salt}{}:{prompt}{session}", salt.len(), prompt.len());
    // 53 bits are a number in [0, 1) exactly.
    let draw = (xxh3_64(key.as_bytes()) >> 11) as f64 / (1_u64 << 53) as f64;
    draw < share
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prompt() -> PromptUri {
        "prompt://org/ACME/legal.analysis@1.0.0".parse().unwrap()
    }

    #[test]
    fn the_draw_is_written_in_stone() {
        // Known values: a release that draws otherwise would move every session of a running canary.
        let drawn: Vec<bool> = (0..16).map(|i| chosen(&format!("s-{i}"), &prompt(), 0.5, "salt")).collect();
        let drawn: String = drawn.iter().map(|b| if *b { '1' } else { '0' }).collect();
        assert_eq!(drawn, "0101011010011111");
        assert!(!chosen("s", &prompt(), 0.0, "") && chosen("s", &prompt(), 1.0, ""));
    }

    #[test]
    fn another_salt_and_another_prompt_draw_anew() {
        let other: PromptUri = "prompt://org/ACME/legal.summary".parse().unwrap();
        let sessions = || (0..4_000).map(|i| format!("session-{i}"));
        let both = |f: &dyn Fn(&str) -> (bool, bool)| {
            sessions().filter(|s| f(s) == (true, true)).count() as f64 / 4_000.0
        };
        for share in [
            both(&|s| (chosen(s, &prompt(), 0.5, "a"), chosen(s, &prompt(), 0.5, "b"))),
            both(&|s| (chosen(s, &prompt(), 0.5, "a"), chosen(s, &other, 0.5, "a"))),
        ] {
            assert!((share - 0.25).abs() < 0.04, "{share}");
        }
    }

    proptest! {
        #[test]
        fn shares_hold_and_sessions_stay(share in 0.0..1.0_f64, more in 0.0..1.0_f64, salt in "[a-z]{0,8}") {
            let sessions: Vec<String> = (0..2_000).map(|i| format!("{i}")).collect();
            let larger = share + more * (1.0 - share);
            let mut count = 0;
            for session in &sessions {
                let first = chosen(session, &prompt(), share, &salt);
                prop_assert_eq!(first, chosen(session, &prompt().at(semver::Version::new(2, 0, 0)), share, &salt));
                prop_assert!(!first || chosen(session, &prompt(), larger, &salt));
                count += usize::from(first);
            }
            // Six standard deviations: a thousand times a thousand runs see none beyond.
            let spread = (share * (1.0 - share) / 2_000.0).sqrt();
            prop_assert!((count as f64 / 2_000.0 - share).abs() <= 6.0 * spread + 0.001);
        }
    }
}
