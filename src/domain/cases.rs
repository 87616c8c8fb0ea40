//! A prompt's own cases: `*.cases.jsonl` beside it, one JSON object a line with what to fill in and what to expect of the
//! answer.
//!
//! ```text
//! {"name":"flags a penalty","variables":{"contract":"…"},"expect":{"contains":["penalty"],"absent":["I cannot"]}}
//! {"name":"is JSON","variables":{"contract":"…"},"expect":{"json":{"risk":"high"},"maxWords":200}}
//! ```
//!
//! Shapes and their reading; answers are judged in `engine::cases`. Start with [`parse`].

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::front_matter::Fault;
use super::prompt_file::PromptFileError;

/// Largest file of cases, in bytes.
pub const MAX_FILE: usize = 4 * 1024 * 1024;
/// Most cases of a prompt: each is a call that costs.
pub const MAX_CASES: usize = 1_000;

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// Its name, once in the file.
    pub name: String,
    /// Values of the prompt's variables.
    #[serde(default)]
    pub variables: Map<String, Value>,
    /// What is expected of the answer.
    pub expect: Expect,
}

/// What is expected of an answer: all of what is given, and something is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expect {
    /// Texts that it holds, whatever their case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contains: Vec<String>,
    /// Texts that it does not hold, whatever their case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
    /// What it is, but for white space at its ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
    /// `true`: it is JSON, alone or as the one fenced block of the answer. Any other value: JSON that holds this one, an
    /// object with at least these entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The most words that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_words: Option<usize>,
}

impl Expect {
    fn fault(&self) -> Option<&'static str> {
        if *self == Expect::default() {
            Some("`expect` asks for nothing")
        } else if self.contains.iter().chain(&self.absent).any(|text| text.trim().is_empty()) {
            Some("`contains` and `absent` hold an empty text, which says nothing")
        } else if matches!(self.json, Some(Value::Bool(false) | Value::Null)) {
            Some("`json` is `true`, or the JSON that the answer holds")
        } else {
            None
        }
    }
}

/// Reads a file of cases; `file` names it in errors, which tell every faulty line. Blank lines are skipped.
pub fn parse(file: &str, text: &str) -> Result<Vec<Case>, PromptFileError> {
    let refuse = |faults| Err(PromptFileError { file: file.to_owned(), faults });
    let alone =
        |what: String, next: &str| vec![Fault { line: None, column: None, what, next: next.to_owned() }];
    if text.len() > MAX_FILE {
        return refuse(alone(format!("the file has more than {MAX_FILE} bytes"), "keep the telling cases"));
    }
    let (mut cases, mut faults) = (Vec::new(), Vec::new());
    let mut named: HashMap<String, u32> = HashMap::new();
    for (i, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let number = i as u32 + 1;
        if line.trim().is_empty() {
            continue;
        }
        let fault = |column, what: String, next: &str| Fault::at(number, column, what, next);
        let case: Case = match serde_json::from_str(line) {
            Ok(case) => case,
            Err(e) => {
                let what = e.to_string();
                let what = what.split(" at line ").next().unwrap_or(&what).to_owned();
                let next = "write one JSON object a line: name, variables, expect";
                faults.push(fault(Some(e.column() as u32), what, next));
                continue;
            }
        };
        if case.name.trim().is_empty() {
            faults.push(fault(None, "the case has no name".into(), "name what it shows"));
        } else if let Some(first) = named.insert(case.name.clone(), number) {
            let what = format!("the name is that of the case on line {first}");
            faults.push(fault(None, what, "give each case a name of its own"));
        }
        if let Some(what) = case.expect.fault() {
            faults.push(fault(
                None,
                what.into(),
                "expect at least one of contains, absent, equals, json, maxWords",
            ));
        }
        cases.push(case);
    }
    if cases.len() > MAX_CASES {
        let what = format!("{} cases; a prompt has at most {MAX_CASES}", cases.len());
        faults.extend(alone(what, "keep the telling ones: each is a call that costs"));
    }
    if faults.is_empty() { Ok(cases) } else { refuse(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_read() {
        let text = "{\"name\":\"a\",\"variables\":{\"x\":1},\"expect\":{\"contains\":[\"b\"],\"maxWords\":5}}\r\n\n{\"name\":\"c\",\"expect\":{\"json\":true}}\n";
        let cases = parse("p.cases.jsonl", text).unwrap();
        assert_eq!(cases.len(), 2);
        assert_eq!((cases[0].variables["x"].as_u64(), cases[0].expect.max_words), (Some(1), Some(5)));
        let lines: Vec<String> = cases.iter().map(|case| serde_json::to_string(case).unwrap()).collect();
        assert_eq!(parse("again", &lines.join("\n")).unwrap(), cases);
    }

    #[test]
    fn every_faulty_line_is_told() {
        let text = "{\"name\":\"a\",\"expect\":{\"json\":true}}\n{\"name\":\"b\",\"expects\":{}}\n{\"name\":\"a\",\"expect\":{\"equals\":\"x\"}}\nnot json\n{\"name\":\"d\",\"expect\":{}}\n{\"name\":\"e\",\"expect\":{\"contains\":[\"\"]}}\n{\"name\":\"f\",\"expect\":{\"json\":false}}\n";
        let error = parse("p.cases.jsonl", text).unwrap_err();
        let told = error.to_string();
        let lines: Vec<u32> = error.faults.iter().filter_map(|fault| fault.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7]);
        assert!(told.contains("p.cases.jsonl:2:") && told.contains("unknown field `expects`"), "{told}");
        assert!(told.contains("line 1"), "{told}");
    }
}
