//! Tests of `events`: what is read, what is printed back, what is refused.

use super::*;
use proptest::prelude::*;

const CALL: &str = r#"{"type":"call","provenanceId":"01JD","at":"2026-11-22T10:00:00.123Z","promptMetadata":{
    "promptUris":["prompt://org/HUMAN_CORP/legal.contract-analysis"],"promptVersions":["1.0.0"],
    "layers":[{"scope":"org","uri":"prompt://org/HUMAN_CORP/legal.contract-analysis","version":"1.0.0"}],
    "compositionMethod":"effective","variablesUsed":["contract"],"estimatedTokens":800,"orgId":"HUMAN_CORP"},
    "modelId":"gpt-4o","provider":"openai","inputTokens":812,"outputTokens":391,"cachedTokens":0,"costUsd":0.0059,
    "durationMs":1203.5,"ttftMs":210,"ok":true,"error":null,"agentId":"agent://HUMAN_CORP/reviewer","sessionId":"s-1"}"#;

fn read(json: &str) -> Result<Event, String> {
    Reader::default().read(json.as_bytes(), &|_, _| None, 5)
}

#[test]
fn a_call_comes_back_as_it_was() {
    let Event::Call(call) = read(CALL).unwrap() else { panic!() };
    assert_eq!((call.at, call.cost, call.duration_us), (1_795_341_600_123, Some(5_900_000), Some(1_203_500)));
    let line = call_line(&call).unwrap();
    let Event::Call(again) = read(&line).unwrap() else { panic!() };
    assert_eq!(again, call);
    let (a, b): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(CALL).unwrap(), serde_json::from_str(&line).unwrap());
    assert_eq!(a, b);
}

#[test]
fn feedback_without_an_id_is_the_same_each_time() {
    let json = r#"{"provenanceId":"01JD","signal":"rephrase","source":"user","detail":"again"}"#;
    let (Event::Feedback(a), Event::Feedback(b)) = (read(json).unwrap(), read(json).unwrap()) else {
        panic!()
    };
    assert_eq!((&a.id, a.at), (&b.id, 5));
    let Event::Feedback(c) = read(&json.replace("again", "more")).unwrap() else { panic!() };
    assert_ne!(a.id, c.id);
}

#[test]
fn records_of_prompts_are_bounded_and_say_one_thing() {
    let many = |n: usize, part: &str| vec![part; n].join(",");
    let metadata = |json: String| {
        let call = r#"{"type":"call","provenanceId":"a","at":"2026-11-22T10:00:00Z","modelId":"m","promptMetadata":"#;
        read(&format!("{call}{{{json}}}}}"))
    };
    let uri = r#""prompt://core/a@1.0.0""#;
    let layer = |uri: &str, scope: &str| format!(r#"{{"scope":"{scope}","uri":"{uri}","version":"1.0.0"}}"#);
    let core = layer("prompt://core/a", "core");
    for (taken, refused, says) in [
        (
            format!(r#""promptUris":[{}]"#, many(64, uri)),
            format!(r#""promptUris":[{}]"#, many(65, uri)),
            "65 promptUris, at most 64",
        ),
        (
            format!(r#""layers":[{}]"#, many(64, &core)),
            format!(r#""layers":[{}]"#, many(65, &core)),
            "65 layers, at most 64",
        ),
        (
            format!(r#""promptUris":[{uri}],"variablesUsed":[{}]"#, many(256, "\"v\"")),
            format!(r#""promptUris":[{uri}],"variablesUsed":[{}]"#, many(257, "\"v\"")),
            "257 variablesUsed, at most 256",
        ),
        (
            format!(r#""promptUris":[{uri}],"variablesUsed":["{}"]"#, "v".repeat(512)),
            format!(r#""promptUris":[{uri}],"variablesUsed":["{}"]"#, "v".repeat(513)),
            "`variablesUsed` has 513 bytes",
        ),
        (
            format!(r#""promptUris":[{uri}],"orgId":"{}""#, "o".repeat(512)),
            format!(r#""promptUris":[{uri}],"orgId":"{}""#, "o".repeat(513)),
            "`orgId` has 513 bytes",
        ),
        (
            format!(r#""layers":[{}]"#, layer("prompt://core/a@1.0.0", "core")),
            format!(r#""layers":[{}]"#, layer("prompt://core/a@2.0.0", "core")),
            "stands beside the version `1.0.0`",
        ),
        (
            format!(r#""layers":[{}]"#, layer("prompt://org/O/a", "org")),
            format!(r#""layers":[{}]"#, layer("prompt://org/O/a", "core")),
            "stands beside the scope `core`",
        ),
        (
            format!(r#""promptUris":[{uri},{uri}]"#),
            format!(r#""promptUris":[{uri},"prompt://core/a@2.0.0"]"#),
            "names two versions of prompt://core/a;",
        ),
        (
            format!(r#""promptUris":[{uri}],"layers":[{core}]"#),
            format!(r#""promptUris":["prompt://core/a@2.0.0"],"layers":[{core}]"#),
            "names two versions of prompt://core/a;",
        ),
    ] {
        assert!(metadata(taken.clone()).is_ok(), "{taken}");
        let error = metadata(refused).unwrap_err();
        assert!(error.starts_with("promptMetadata: ") && error.contains(says), "{error}");
    }
}

#[test]
fn a_layer_tells_the_version_of_a_prompt_named_without_one() {
    let json = CALL.replace(r#""promptVersions":["1.0.0"],"#, "");
    let Event::Call(call) = read(&json).unwrap() else { panic!() };
    assert_eq!(call.prompts.unwrap().prompt_versions, [Version::new(1, 0, 0)]);
}

#[test]
fn only_short_compositions_are_remembered() {
    let mut reader = Reader::default();
    for (name, remembered) in [("v".repeat(64), 1), ("v".repeat(500), 1)] {
        let names = vec![format!("\"{name}\""); 8].join(",");
        let json = CALL.replace("\"contract\"", &names);
        assert!(reader.read(json.as_bytes(), &|_, _| None, 5).is_ok());
        assert_eq!(reader.seen.len(), remembered);
    }
}

#[test]
fn each_fault_is_named() {
    for (from, to, says) in [
        ("\"at\":\"2026-11-22T10:00:00.123Z\"", "\"at\":\"yesterday\"", "`at` is `yesterday`: RFC 3339"),
        ("\"type\":\"call\"", "\"type\":\"span\"", "`type` is `span`"),
        ("\"01JD\"", "\"\"", "`provenanceId` is missing"),
        ("\"inputTokens\":812", "\"inputTokens\":-1", "`inputTokens` is -1"),
        ("\"inputTokens\":812", "\"inputTokens\":1.5", "`inputTokens` is 1.5"),
        ("\"costUsd\":0.0059", "\"costUsd\":-2", "`costUsd` is -2"),
        ("\"costUsd\":0.0059", "\"costUsd\":10000.01", "dollars from 0 to 10,000"),
        ("\"at\":\"2026-11-22T10:00:00.123Z\"", "\"at\":\"2200-01-01T00:00:00Z\"", "from 1970 to 2199"),
        ("\"promptVersions\":[\"1.0.0\"]", "\"promptVersions\":[\"1.0\"]", "promptMetadata: "),
        ("\"promptVersions\":[\"1.0.0\"]", "\"promptVersions\":[\"1.0.0\",\"2.0.0\"]", "they go in pairs"),
        ("prompt://org/HUMAN_CORP/legal", "prompt://org/HUMAN CORP/legal", "found ` ` at byte 18"),
        ("\"ok\":true", "\"ok\":\"yes\"", "expected a boolean"),
        ("\"modelId\":\"gpt-4o\"", "\"modelId\":7", "expected"),
    ] {
        let error = read(&CALL.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
    assert_eq!(read("{\"type\":\"call\",").unwrap_err(), "the JSON ends too early");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..1000, byte: u8) {
        let _ = Reader::default().read(&bytes, &|_, _| None, 0);
        let mut call = CALL.as_bytes().to_vec();
        let at = at % call.len();
        call[at] = byte;
        let _ = Reader::default().read(&call, &|_, _| None, 0);
        let _ = Reader::default().read(&call[..at], &|_, _| None, 0);
    }
}
