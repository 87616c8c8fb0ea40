//! Public traces and benchmark outcomes through the converters of `examples/` and the ordinary intake: calls, tokens,
//! cost and feedback equal to sums taken from the CSV itself, by other code. Needs the collections beside the
//! repository (or where `HUMAN_SHARED` points); says so and passes where they are absent.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]
#![allow(clippy::duplicate_mod, reason = "each converter is a program of its own and brings what it shares")]

#[path = "../examples/azure_trace.rs"]
mod azure_trace;
#[path = "../examples/mooncake_trace.rs"]
mod mooncake_trace;
#[path = "../examples/outcomes.rs"]
mod outcomes;
#[path = "../examples/shared/mod.rs"]
mod shared;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use human::config::{Config, Overrides};
use human::domain::feedback::{Signal, Source};
use human::domain::window::Window;
use human::engine::rollup::{Cell, CellKey, Clock};
use human::intake::{Format, Receipt};
use human::service::Service;
use human::store::Access;

/// What is counted of a set of calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    calls: i64,
    input: i64,
    output: i64,
    /// Billionths of a dollar.
    cost: i64,
    positive: i64,
    negative: i64,
}

impl Sums {
    fn add(&mut self, other: Sums) {
        self.calls += other.calls;
        self.input += other.input;
        self.output += other.output;
        self.cost += other.cost;
        self.positive += other.positive;
        self.negative += other.negative;
    }
}

fn collection(name: &str) -> Option<Vec<u8>> {
    let shared = std::env::var_os("HUMAN_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let bytes = std::fs::read(shared.join("data").join(name)).ok();
    if bytes.is_none() {
        println!("skipped: {name} is not here");
    }
    bytes
}

/// The fields of each row, in the order of `columns`.
fn fields<const N: usize>(bytes: &[u8], columns: [&str; N]) -> Vec<[String; N]> {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let places = columns.map(|c| header.iter().position(|h| *h == c).unwrap());
    lines.map(|values| places.map(|i| values[i].to_owned())).collect()
}

fn whole(text: &str) -> i64 {
    if text.is_empty() { 0 } else { text.parse().unwrap() }
}

/// Dollars in billionths by their decimal digits alone, half rounded up.
fn nano(text: &str) -> i64 {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
    let places = after.len() as i64 - exponent.parse::<i64>().unwrap();
    let number: i64 = format!("{before}{after}").parse().unwrap();
    match u32::try_from(places - 9) {
        Err(_) => number * 10_i64.pow((9 - places) as u32),
        Ok(cut) => (number + 10_i64.pow(cut) / 2) / 10_i64.pow(cut),
    }
}

struct World {
    service: Service,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        std::fs::write(&config, "").unwrap();
        let overrides = Overrides { store: Some(folder.path().join("store.db")), config: Some(config) };
        let service = Service::open(Config::load(&overrides).unwrap(), Access::Write).unwrap();
        World { service, _folder: folder }
    }

    fn ingest(&self, lines: &str) -> Receipt {
        let mut intake = self.service.intake().unwrap();
        intake.stream(lines.as_bytes(), "test", Format::Auto).unwrap();
        intake.finish().unwrap()
    }

    /// What the roll-ups hold, by prompt key (empty: no prompt) and model.
    fn sums(&self) -> BTreeMap<(String, String), Sums> {
        let reader = self.service.read().unwrap();
        let dictionary = self.service.catalog().unwrap().dictionary;
        let keys: BTreeMap<u32, String> =
            dictionary.versions().map(|(id, uri)| (id, uri.key.to_string())).collect();
        let ever = Window { from_ms: 0, to_ms: 4_000_000_000_000 };
        let mut sums: BTreeMap<(String, String), Sums> = BTreeMap::new();
        for (key, cell) in Service::cells(&reader, &dictionary, ever, None).unwrap() {
            // The fleet's cells hold every call once more.
            if key.version != CellKey::FLEET {
                let prompt = keys.get(&key.version).cloned().unwrap_or_default();
                let model = dictionary.models()[key.model as usize].name.clone();
                sums.entry((prompt, model)).or_default().add(of(&cell));
            }
        }
        sums
    }
}

fn of(cell: &Cell) -> Sums {
    let signal = |signal| cell.signals.get(Clock::Call, Source::System, signal);
    Sums {
        calls: cell.calls,
        input: cell.input_tokens,
        output: cell.output_tokens,
        cost: cell.cost,
        positive: signal(Signal::Positive),
        negative: signal(Signal::Negative),
    }
}

fn lines(convert: shared::Convert, bytes: &[u8], model: Option<&str>) -> (String, u64) {
    let (mut text, mut events) = (String::new(), 0);
    convert(bytes, model, &mut |event| {
        text.push_str(&shared::line(&event).unwrap());
        text.push('\n');
        events += 1;
    })
    .unwrap();
    (text, events)
}

/// Converts, takes the events twice, and compares all sums.
fn equal(
    convert: shared::Convert,
    bytes: &[u8],
    model: Option<&str>,
    expected: &BTreeMap<(String, String), Sums>,
) {
    let (lines, events) = lines(convert, bytes, model);
    let world = World::new();
    let receipt = world.ingest(&lines);
    assert_eq!((receipt.accepted, receipt.duplicate, receipt.quarantined), (events, 0, 0));
    assert_eq!(world.sums(), *expected);
    let receipt = world.ingest(&lines);
    assert_eq!((receipt.accepted, receipt.duplicate, receipt.quarantined), (0, events, 0));
    assert_eq!(world.sums(), *expected);
    assert_eq!(world.service.check().unwrap().0, Vec::<String>::new());
    let mut all = Sums::default();
    for sums in expected.values() {
        all.add(*sums);
    }
    println!("{all:?}");
}

#[test]
fn azure_trace() {
    let Some(bytes) = collection("traces/azure_llm_2023.csv.gz") else { return };
    let mut expected: BTreeMap<(String, String), Sums> = BTreeMap::new();
    for [service, input, output] in fields(&bytes, ["service", "input_tokens", "output_tokens"]) {
        let (input, output) = (whole(&input), whole(&output));
        let sums = Sums { calls: 1, input, output, ..Sums::default() };
        expected.entry((service, "unrecorded".into())).or_default().add(sums);
    }
    equal(azure_trace::convert, &bytes, None, &expected);
    // With a model, each call is priced: gpt-4o at 2.50 and 10 dollars a million tokens.
    let priced = expected.into_iter().map(|((service, _), sums)| {
        let cost = sums.input * 2_500 + sums.output * 10_000;
        ((service, "gpt-4o".to_owned()), Sums { cost, ..sums })
    });
    equal(azure_trace::convert, &bytes, Some("gpt-4o"), &priced.collect());
}

#[test]
fn mooncake_trace() {
    let Some(bytes) = collection("traces/mooncake_conversation.csv.gz") else { return };
    let mut sums = Sums::default();
    for [input, output] in fields(&bytes, ["input_tokens", "output_tokens"]) {
        sums.add(Sums { calls: 1, input: whole(&input), output: whole(&output), ..Sums::default() });
    }
    let expected = BTreeMap::from([((String::new(), "unrecorded".to_owned()), sums)]);
    equal(mooncake_trace::convert, &bytes, None, &expected);
}

#[test]
fn outcomes_of_nine_models() {
    let Some(bytes) = collection("outcomes/llmrouter14.csv.gz") else { return };
    let mut expected: BTreeMap<(String, String), Sums> = BTreeMap::new();
    let columns = ["family", "model", "success", "input_tokens", "output_tokens", "cost_usd"];
    for [family, model, success, input, output, cost] in fields(&bytes, columns) {
        let positive = whole(&success);
        expected.entry((family, model)).or_default().add(Sums {
            calls: 1,
            input: whole(&input),
            output: whole(&output),
            cost: nano(&cost),
            positive,
            negative: 1 - positive,
        });
    }
    equal(outcomes::convert, &bytes, None, &expected);
}

#[test]
fn dollars_by_their_digits() {
    let pairs =
        [("0.0001308", 130_800), ("7.168e-05", 71_680), ("2", 2_000_000_000), ("1.5e-9", 2), ("0.0", 0)];
    for (text, billionths) in pairs {
        assert_eq!(nano(text), billionths, "{text}");
    }
}
