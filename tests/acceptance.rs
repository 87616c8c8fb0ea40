//! The acceptance table of the evidence engine on small worlds: the same figures as `examples/acceptance`, with
//! requirements as wide as the smaller samples make necessary.

#[allow(dead_code, reason = "tests run the small worlds alone")]
#[path = "../examples/acceptance/parts/mod.rs"]
mod parts;

fn section(ids: &[&str]) {
    let wanted: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let rows = parts::run(parts::Size::Quick, &wanted, |row| {
        println!("{} {}: {} (required {})", row.id, row.what, row.measured, row.required);
    });
    let missed: Vec<_> = rows.iter().filter(|row| !row.reached).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn rates() {
    section(&["A"]);
}

#[test]
fn affinity_and_routing() {
    section(&["B"]);
}

#[test]
fn findings() {
    section(&["C"]);
}

#[test]
fn degradation() {
    section(&["D", "M", "P"]);
}

#[test]
fn verdicts_and_calibration() {
    section(&["E", "F"]);
}
