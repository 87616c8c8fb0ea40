//! The rows of the acceptance table (`statistics.md` section 7), one file per section; start with [`run`].

pub mod affinity;
pub mod degradation;
pub mod dice;
pub mod findings;
pub mod rates;
pub mod verdicts;

use std::sync::mpsc;

/// How large the worlds are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// As the table asks: at least 1,000 prompts or 300 runs a figure.
    #[allow(dead_code, reason = "tests run small worlds alone")]
    Full,
    /// For tests: everything in about a minute, with requirements wider by the noise of the smaller sample.
    Quick,
}

impl Size {
    /// One of two numbers.
    pub fn of<T>(self, full: T, quick: T) -> T {
        match self {
            Size::Full => full,
            Size::Quick => quick,
        }
    }
}

/// One figure.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name in the specification.
    pub id: &'static str,
    /// What is measured.
    pub what: String,
    /// What is required.
    pub required: String,
    /// What was measured.
    pub measured: String,
    /// Whether the requirement is met.
    pub reached: bool,
}

impl Row {
    /// A figure that must not exceed `most`.
    pub fn at_most(id: &'static str, what: impl Into<String>, measured: f64, most: f64) -> Row {
        let (required, shown) = (format!("<= {most}"), format!("{measured:.4}"));
        Row { id, what: what.into(), required, measured: shown, reached: measured <= most }
    }

    /// A figure that must reach `least`.
    pub fn at_least(id: &'static str, what: impl Into<String>, measured: f64, least: f64) -> Row {
        let (required, shown) = (format!(">= {least}"), format!("{measured:.4}"));
        Row { id, what: what.into(), required, measured: shown, reached: measured >= least }
    }
}

/// A figure or several that are simulated together: which rows, and how.
pub type Part = (&'static str, fn(Size) -> Vec<Row>);

/// Runs the parts whose ids begin with one of `wanted` (all, if none is named) on all cores; `each` sees a part's
/// rows as soon as it and those before it are done.
pub fn run(size: Size, wanted: &[String], mut each: impl FnMut(&Row)) -> Vec<Row> {
    let parts: Vec<Part> =
        [rates::PARTS, affinity::PARTS, findings::PARTS, degradation::PARTS, verdicts::PARTS]
            .concat()
            .into_iter()
            .filter(|(id, _)| wanted.is_empty() || wanted.iter().any(|w| id.starts_with(w.as_str())))
            .collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let (done, finished) = mpsc::channel();
    let mut rows = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let (done, next, parts) = (done.clone(), &next, &parts);
            scope.spawn(move || {
                while let Some((at, part)) = {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    parts.get(at).map(|part| (at, part))
                } {
                    let _ = done.send((at, part.1(size)));
                }
            });
        }
        drop(done);
        let mut waiting = std::collections::BTreeMap::new();
        let mut shown = 0;
        for (at, part) in finished {
            waiting.insert(at, part);
            while let Some(part) = waiting.remove(&shown) {
                part.iter().for_each(&mut each);
                rows.extend(part);
                shown += 1;
            }
        }
    });
    rows
}
