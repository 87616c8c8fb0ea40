//! How many tokens a text will be, before any model has seen it. An estimate by a fixed formula, never a count: what a
//! call really used comes from its telemetry.
//!
//! A tokenizer's vocabulary is 15 to 32 MB each, differs from model to model, and is not published for many. The formula
//! counts words, digits, punctuation, line breaks and letters of other scripts; its weights are a least squares fit to
//! `o200k_base` on 603 public prompts of 200 bytes to 23 kB in a dozen scripts. Measured there and against it: median
//! error 0 %, nine in ten within 9 %, the worst -19 % and +24 % (bytes / 4: nine in ten within -8 % and +30 %, the worst
//! +63 %). Older vocabularies spend up to a third more on text that is not Latin.

/// What a character counts as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    Letter,
    Digit,
    Sign,
    Other,
}

fn kind(c: char) -> Kind {
    match c {
        'a'..='z' | 'A'..='Z' => Kind::Letter,
        '0'..='9' => Kind::Digit,
        c if c.is_whitespace() => Kind::Space,
        c if c.is_ascii() => Kind::Sign,
        _ => Kind::Other,
    }
}

/// Estimated tokens of `text`.
pub fn estimate(text: &str) -> u32 {
    let mut tokens = 0.0;
    let mut before = Kind::Space;
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        let this = kind(first);
        let (mut run, mut breaks) = (1_u32, first == '\n');
        if this == Kind::Other {
            tokens += other(first);
        }
        while let Some(next) = chars.next_if(|c| kind(*c) == this) {
            run += 1;
            breaks |= next == '\n';
            if this == Kind::Other {
                tokens += other(next);
            }
        }
        tokens += match this {
            Kind::Letter => 1.03 + 0.113 * f64::from(run.saturating_sub(7)),
            Kind::Digit => 1.72 * f64::from(run.div_ceil(3)),
            Kind::Sign => 0.81 + 0.27 * f64::from(run - 1),
            // A line break after punctuation is part of its token.
            Kind::Space if breaks && before != Kind::Sign => 0.82,
            Kind::Space | Kind::Other => 0.0,
        };
        before = this;
    }
    tokens.round() as u32
}

/// Tokens of one character that is not ASCII.
fn other(c: char) -> f64 {
    match u32::from(c) {
        ..0x2000 => 0.35,
        0x2000..0x2e80 => 1.3,
        0x2e80..0x1_0000 => 0.83,
        _ => 2.6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts_are_near() {
        // Counts of o200k_base.
        for (text, count) in [
            ("", 0),
            ("Hello", 1),
            ("You are a contract analyst. Find every obligation, and say who owes what to whom.", 18),
            ("請用繁體中文回答所有問題。", 10),
        ] {
            let estimate = f64::from(estimate(text));
            assert!(
                (estimate - f64::from(count)).abs() <= 1.0 + 0.25 * f64::from(count),
                "{text}: {estimate} {count}"
            );
        }
    }
}
