use super::*;
use crate::console::harness::{Harness, NOW};
use crate::console::query::Reply;
use crate::domain::affinity::{AffinityRates, AffinityStats, Worth};
use crate::domain::prompt::PromptUri;
use crate::domain::window::Window;
use crate::engine::evidence::{MIN_CALLS, MIN_SIGNALS, rate, verdict};
use proptest::prelude::*;

const SIZES: [(u16, u16); 4] = [(200, 60), (120, 40), (80, 24), (60, 20)];
const MODELS: [&str; 5] =
    ["claude-haiku-4-5", "gpt-4o-mini", "llama-3.3-70b-instruct", "mistral-small", "gemini-2.5-flash"];
/// Quality, cost and latency of each model.
const TRADE: [(f64, f64, f64); 5] = [
    (0.9, 0.02, 1900.0),
    (0.82, 0.002, 800.0),
    (0.7, 0.001, 1500.0),
    (0.64, 0.004, 2400.0),
    (0.8, 0.0025, 700.0),
];

fn cell(uri: &PromptUri, model: usize, quality: f64, signals: u64) -> PromptModelAffinity {
    let (_, cost, latency) = TRADE[model];
    let mass = signals as f64 + 6.0;
    let worth = Worth {
        alpha: mass * quality,
        beta: mass * (1.0 - quality),
        success: 0.99,
        cost: (0.001 / cost).powf(0.07),
        latency: (700.0 / latency).powf(0.03),
    };
    let n = signals as i64 * 5;
    PromptModelAffinity {
        prompt_uri: uri.clone(),
        model_id: MODELS[model].into(),
        sample_size: signals,
        stats: AffinityStats {
            avg_latency_ms: Some(latency),
            avg_cost_usd: Some(cost),
            success_rate: Some(0.99),
            positive_signal_rate: None,
            negative_signal_rate: None,
        },
        rates: AffinityRates {
            success: rate(n, n, MIN_CALLS),
            positive: rate(0, 0, MIN_SIGNALS),
            negative: rate(0, 0, MIN_SIGNALS),
        },
        affinity_score: worth.score(),
        interval: worth.interval(0.9),
        probability_best: 0.5,
        verdict: verdict(signals, MIN_SIGNALS),
        worth,
    }
}

fn grid(prompts: usize) -> AffinityGrid {
    let names =
        ["support.refund-reply", "legal.contract-analysis", "billing.dunning", "code.review", "sales.intro"];
    let lines = (0..prompts).map(|i| {
        let name = names[i % names.len()];
        let uri: PromptUri = if i < names.len() {
            format!("prompt://org/HUMAN_CORP/{name}").parse().unwrap()
        } else {
            format!("prompt://core/{name}-{i}").parse().unwrap()
        };
        let cells = (0..MODELS.len())
            .map(|m| {
                let signals = [900, 700, 12, 240, 0][(i + m) % 5];
                let quality = (TRADE[m].0 - 0.04 * (i % 4) as f64 * (m as f64 - 1.5)).clamp(0.05, 0.98);
                ((i + m) % 5 != 4).then(|| cell(&uri, m, quality, signals))
            })
            .collect();
        AffinityLine {
            scope: uri.scope(),
            uri,
            calls: 12_000 / (i as u64 + 1),
            cells,
            dominant: (i % 3 == 0).then_some(1),
            recommended: (i % 2 == 0).then_some(0),
        }
    });
    AffinityGrid {
        window: Window { from_ms: 0, to_ms: NOW },
        models: MODELS.map(ToOwned::to_owned).to_vec(),
        lines: lines.collect(),
        all: (prompts, MODELS.len()),
        as_of: NOW,
    }
}

type Answer = Option<Result<AffinityGrid, Fault>>;

fn console(size: (u16, u16), mut grid: impl FnMut() -> Answer + 'static) -> Harness {
    let answers = move |query: &Query| match query {
        Query::Affinity(_) => grid().map(|grid| grid.map(|grid| Reply::Affinity(Arc::new(grid)))),
        _ => None,
    };
    let mut console = Harness::new(size, Box::new(answers));
    console.keys("2");
    console
}

#[test]
fn looks_at_four_sizes() {
    for (state, answer) in [
        ("full", (|| Some(Ok(grid(24)))) as fn() -> Answer),
        ("loading", || None),
        ("empty", || Some(Ok(grid(0)))),
        ("error", || Some(Err(Fault::new("the store is busy: another process has held it for 5 s")))),
    ] {
        for (width, height) in SIZES {
            insta::assert_snapshot!(
                format!("{state}_{width}x{height}"),
                console((width, height), answer).screen()
            );
        }
    }
}

#[test]
fn what_if_is_told_apart_from_what_is_set() {
    let mut console = console((120, 40), || Some(Ok(grid(24))));
    insta::assert_snapshot!(console.keys("]]]]]]]").text());
    let text = console.keys("0").text();
    assert!(text.contains("0.07 as set") && !text.contains("what if"), "{text}");
}

#[test]
fn the_detail_has_a_narrow_screen_of_its_own_and_gives_it_back() {
    let mut console = console((80, 24), || Some(Ok(grid(24))));
    insta::assert_snapshot!(console.keys("<enter>").text());
    assert!(console.keys("<esc>").text().contains("prompts by calls"));
}

#[test]
fn the_selection_stays_with_its_prompt_whatever_the_order() {
    let mut console = console((120, 40), || Some(Ok(grid(12))));
    console.keys("jjj");
    for keys in ["sj<enter>", "s<enter>", "i", ">", "<lt>"] {
        let text = console.keys(keys).text();
        let row = text.lines().find(|line| line.contains("│ ▌")).unwrap_or_default().to_owned();
        assert!(row.contains("code.review"), "{keys}: {text}");
    }
}

#[test]
fn the_order_is_chosen_from_a_list() {
    let mut console = console((120, 40), || Some(Ok(grid(12))));
    let text = console.keys("s").text();
    assert!(text.contains("Sort by") && text.contains("calls  (again: reverse)"), "{text}");
    assert!(console.keys("jj<enter>").text().contains("prompts by best score"), "{}", console.text());
    assert!(console.keys("s<enter>").text().contains("best score ▵"), "{}", console.text());
}

#[test]
fn zoom_shows_the_part_that_has_the_focus_alone() {
    let mut console = console((200, 60), || Some(Ok(grid(12))));
    let text = console.keys("+").text();
    assert!(text.contains("prompts by calls") && !text.contains("COST WEIGHT"), "{text}");
    let text = console.keys("_<enter>+").text();
    assert!(text.contains("COST WEIGHT") && !text.contains("prompts by calls"), "{text}");
}

#[test]
fn orders() {
    let grid = grid(5);
    let first = |sort, falling| order::rows(&grid, "", sort, falling)[0];
    assert_eq!(first(Sort::Calls, true), 0);
    assert_eq!(first(Sort::Calls, false), 4);
    assert_eq!(grid.lines[first(Sort::Name, false)].uri.key.to_string(), "billing.dunning");
    assert_eq!(order::rows(&grid, "support", Sort::Calls, true), [0]);
    assert_eq!(order::rows(&grid, "!support", Sort::Calls, true).len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_size_and_any_keys(
        width in 0u16..300,
        height in 0u16..100,
        keys in prop::collection::vec(
            prop::sample::select(vec![
                "j", "k", "l", "h", "G", "gg", "[", "]", "0", "s", ">", "i", "<enter>", "<esc>", "<ctrl-d>", "+", "_",
            ]),
            0..24,
        ),
        prompts in 0usize..9,
    ) {
        console((width, height), move || Some(Ok(grid(prompts)))).keys(&keys.concat()).keys("<60x20>").keys("<200x60>");
    }
}
