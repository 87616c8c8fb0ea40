//! How numbers are written for people: the seed's report is the model (`1,203`, `$0.006`, `1.2s`, `72%`).

/// What stands where a number is not known.
pub const NONE: &str = "-";

/// A count with separators: `1,203`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// US dollars: two decimals from a dollar on, two significant digits below, no idle zeros: `$12.40`, `$0.006`.
pub fn usd(dollars: Option<f64>) -> String {
    let Some(dollars) = dollars.filter(|usd| usd.is_finite()) else { return NONE.into() };
    let size = dollars.abs();
    if size == 0.0 {
        return "$0".into();
    }
    if size < 1e-9 {
        return "<$0.000000001".into();
    }
    let places = if size >= 0.995 { 2 } else { (1.0 - size.log10().floor()) as usize };
    let text = format!("{size:.places$}");
    let text = if places > 2 { text.trim_end_matches('0').to_owned() } else { text };
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
    let sign = if dollars < 0.0 { "-" } else { "" };
    if part.is_empty() { format!("{sign}${whole}") } else { format!("{sign}${whole}.{part}") }
}

/// A duration in milliseconds: `410ms`, `1.2s`, `95s`.
pub fn duration(ms: Option<f64>) -> String {
    match ms.filter(|ms| ms.is_finite()) {
        None => NONE.into(),
        Some(ms) if ms < 9.95 => format!("{ms:.1}ms"),
        Some(ms) if ms < 999.5 => format!("{ms:.0}ms"),
        Some(ms) if ms < 59_950.0 => format!("{:.1}s", ms / 1e3),
        Some(ms) => format!("{}s", count((ms / 1e3).round() as u64)),
    }
}

/// A mean of counts: `1,203`; below ten with one decimal.
pub fn mean(n: Option<f64>) -> String {
    match n.filter(|n| n.is_finite()) {
        None => NONE.into(),
        Some(n) if n < 9.95 => format!("{n:.1}"),
        Some(n) => count(n.round() as u64),
    }
}

/// A share in percent: `72%`; below one with a decimal, and never rounded to nothing or to all.
pub fn percent(share: Option<f64>) -> String {
    match share.filter(|share| share.is_finite()) {
        None => NONE.into(),
        Some(share) => format!("{}%", hundredths(share)),
    }
}

fn hundredths(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.1 {
        "<0.1".into()
    } else if percent > 0.0 && percent < 0.95 {
        format!("{percent:.1}")
    } else if percent > 99.5 && percent < 100.0 {
        ">99".into()
    } else {
        format!("{percent:.0}")
    }
}

/// An interval of shares: `[69%, 75%]`.
pub fn percents([lo, hi]: [f64; 2]) -> String {
    format!("[{}%, {}%]", hundredths(lo), hundredths(hi))
}

/// An interval of scores: `[0.77, 0.83]`.
pub fn scores([lo, hi]: [f64; 2]) -> String {
    format!("[{lo:.2}, {hi:.2}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_seed_writes_them() {
        assert_eq!(
            [count(0), count(847), count(1203), count(12_345_678)],
            ["0", "847", "1,203", "12,345,678"]
        );
        for (usd_in, want) in [
            (0.006, "$0.006"),
            (0.00594, "$0.0059"),
            (0.5, "$0.50"),
            (0.999, "$1.00"),
            (12.4, "$12.40"),
            (1234.5, "$1,234.50"),
            (0.0, "$0"),
            (-0.006, "-$0.006"),
            (1e-12, "<$0.000000001"),
        ] {
            assert_eq!(usd(Some(usd_in)), want);
        }
        assert_eq!(usd(None), "-");
        for (ms, want) in
            [(1200.0, "1.2s"), (410.4, "410ms"), (0.25, "0.2ms"), (999.6, "1.0s"), (95_000.0, "95s")]
        {
            assert_eq!(duration(Some(ms)), want);
        }
        for (share, want) in
            [(0.72, "72%"), (0.0, "0%"), (1.0, "100%"), (0.004, "0.4%"), (0.0001, "<0.1%"), (0.9999, ">99%")]
        {
            assert_eq!(percent(Some(share)), want);
        }
        assert_eq!(mean(Some(1203.4)), "1,203");
        assert_eq!(percents([0.69, 0.75]), "[69%, 75%]");
    }
}
