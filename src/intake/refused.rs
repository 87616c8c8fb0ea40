//! What an intake refused, for people: like reasons together, each with how many there were and where the first was.

/// Reasons that are told apart; what is beyond counts with the last.
const MOST: usize = 1_000;

/// Refusals for one reason, whatever the values in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason as it was first given.
    pub reason: String,
    /// Whether others of the group quote other values.
    pub varies: bool,
    /// How many.
    pub count: u64,
    /// Where the first was: a file, and the line or value in it. Empty where that is not known.
    pub place: String,
}

/// All of them, in the order in which each reason was first given.
#[derive(Debug, Default)]
pub struct Refusals(Vec<(String, Refusal)>);

impl Refusals {
    /// Adds `count` refusals for `reason`.
    pub fn add(&mut self, reason: &str, count: u64, place: impl FnOnce() -> String) {
        let kind = kind(reason);
        let full = self.0.len() >= MOST;
        match self.0.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, refusal)) => {
                refusal.count += count;
                refusal.varies |= refusal.reason != reason;
            }
            None if full => {
                if let Some((_, last)) = self.0.last_mut() {
                    last.count += count;
                    last.varies = true;
                }
            }
            None => {
                let refusal = Refusal { reason: reason.to_owned(), varies: false, count, place: place() };
                self.0.push((kind, refusal));
            }
        }
    }

    /// The most frequent first.
    pub fn most_first(self) -> Vec<Refusal> {
        let mut all: Vec<Refusal> = self.0.into_iter().map(|(_, refusal)| refusal).collect();
        all.sort_by_key(|refusal| std::cmp::Reverse(refusal.count));
        all
    }
}

/// The reason without the values that it quotes: numbers, texts in double quotes, and what stands in backticks after
/// `is` or `as`. Names of fields, which stand in backticks too, stay.
fn kind(reason: &str) -> String {
    let mut kind = String::with_capacity(reason.len());
    let mut rest = reason;
    while let Some(c) = rest.chars().next() {
        let quoted = |mark: char| rest[1..].find(mark).map(|end| &rest[end + 2..]);
        let after = match c {
            '"' => quoted('"'),
            '`' if kind.ends_with("is ") || kind.ends_with("as ") => quoted('`'),
            c if c.is_ascii_digit() || c == '-' => {
                let end =
                    rest[1..].find(|c: char| !c.is_ascii_digit() && c != '.').map_or(rest.len(), |at| at + 1);
                (c != '-' || end > 1).then(|| &rest[end..])
            }
            _ => None,
        };
        if let Some(after) = after {
            kind.push('\0');
            rest = after;
        } else {
            kind.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_do_not_make_reasons() {
        let mut refusals = Refusals::default();
        for (line, reason) in [
            "`at` is `yesterday`: RFC 3339 is expected (input contains invalid characters)",
            "`inputTokens` is -3: a whole number from 0 to 4294967295 is expected",
            "`at` is `2026-1-1`: RFC 3339 is expected (input contains invalid characters)",
            "`outputTokens` is -3: a whole number from 0 to 4294967295 is expected",
            "`at` is missing",
            "invalid type: string \"a\", expected f64 at line 1 column 20",
            "invalid type: string \"bc\", expected f64 at line 1 column 4",
            "`inputTokens` is 1.5: a whole number from 0 to 4294967295 is expected",
            "`odd \"",
        ]
        .iter()
        .enumerate()
        {
            refusals.add(reason, 1, || format!("line {line}"));
        }
        let found = refusals.most_first();
        let told: Vec<_> = found.iter().map(|r| (r.count, r.place.as_str(), r.varies)).collect();
        assert_eq!(
            told,
            [
                (2, "line 0", true),
                (2, "line 1", true),
                (2, "line 5", true),
                (1, "line 3", false),
                (1, "line 4", false),
                (1, "line 8", false)
            ]
        );
    }
}
