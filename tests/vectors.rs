//! All shared test vectors of the evidence engine, by the closed forms that `examples/vectors` checks files with.
//! Skipped, with a printed line, where they are absent.

#[path = "../examples/vectors/forms/mod.rs"]
mod forms;

#[test]
fn every_vector_is_within_tolerance() {
    let shared = std::env::var_os("HUMAN_SHARED")
        .map_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), Into::into);
    let path = shared.join("design/statistics_vectors.json");
    let Ok(text) = std::fs::read(&path) else {
        println!("skipped: no test vectors at {}", path.display());
        return;
    };
    let vectors = forms::parse(&text).expect("test vectors");
    let misses: Vec<String> = vectors.iter().filter_map(|vector| forms::check(vector).err()).collect();
    assert!(vectors.len() >= 140 && misses.is_empty(), "{} vectors\n{}", vectors.len(), misses.join("\n"));
}

#[test]
fn a_miss_is_a_miss() {
    let wrong = br#"{"vectors":[
        {"id":"w/0","fn":"wilson","input":{"k":0,"n":1,"conf":0.95},"expect":[0.0,0.79345068]},
        {"id":"w/1","fn":"wilson","input":{"k":0},"expect":[0.0,1.0]},
        {"id":"w/2","fn":"astrology","input":{},"expect":1},
        {"id":"w/3","fn":"wilson","input":{"k":0,"n":1,"conf":0.95},"expect":[0.0]}]}"#;
    let vectors = forms::parse(wrong).expect("vectors");
    let said: Vec<String> = vectors.iter().filter_map(|v| forms::check(v).err()).collect();
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[0].contains("w/0[1]: got 0.79345"), "{}", said[0]);
    assert!(said[2].contains("no closed form is called astrology"), "{}", said[2]);
}
