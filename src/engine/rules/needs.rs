//! R8: what a prompt declares of its answer, and does not ask of the models that answer.

use serde_json::Value;

use crate::domain::model::Capability;
use crate::domain::prompt_file::PromptFile;
use crate::engine::amend;

/// A capability that a prompt needs by what it declares, and does not require.
#[derive(Debug, Clone, PartialEq)]
pub struct Undeclared {
    /// The same file with the capability in `human.requires`.
    pub file: PromptFile,
    /// The capability.
    pub lacks: Capability,
    /// What says that it is needed: a clause that begins a sentence.
    pub because: &'static str,
}

/// JSON, where the front matter declares it by the format or the schema of the output and `human.requires` does not name
/// it; `None` as well where the front matter cannot be edited line by line.
pub fn undeclared(base: &PromptFile) -> Option<Undeclared> {
    let lacks = Capability::Json;
    let known = |word: &String| word.parse() == Ok(lacks);
    let output = base.front.get("output")?;
    let format = output.get("format").and_then(Value::as_str);
    let because = match format {
        Some("json") => "The prompt declares that it answers in JSON (`output.format`)",
        None if output.get("schema").is_some_and(|schema| !schema.is_null()) => {
            "The prompt declares a schema of its answer (`output.schema`)"
        }
        _ => return None,
    };
    if base.requires.iter().any(known) {
        return None;
    }
    let mut requires = base.requires.clone();
    requires.push(lacks.as_str().to_owned());
    Some(Undeclared { file: amend::requires(base, &requires).ok()?, lacks, because })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(front: &str) -> Option<Vec<String>> {
        let text = format!("---\nname: a.b\nhuman.scope: core\n{front}---\nAnswer {{{{x}}}}.\n");
        let base = PromptFile::parse("a", text.as_bytes()).unwrap();
        let found = undeclared(&base)?;
        assert_eq!(found.file.template(), base.template());
        assert_eq!(undeclared(&found.file), None, "a fixed point");
        Some(found.file.requires)
    }

    #[test]
    fn json_is_required_where_it_is_declared_and_only_there() {
        let json = || Some(vec!["json".to_owned()]);
        assert_eq!(found("output: { format: json }\n"), json());
        assert_eq!(found("output:\n  schema:\n    risk: string\n"), json());
        let both = found("human.requires: [tools]\noutput: { format: json, schema: { a: string } }\n");
        assert_eq!(both, Some(vec!["tools".to_owned(), "json".to_owned()]));
        for front in [
            "",
            "output: { format: text }\n",
            "output: { format: text, schema: { a: string } }\n",
            "output: {}\n",
            "output: { schema: null }\n",
            "human.requires: [json]\noutput: { format: json }\n",
        ] {
            assert_eq!(found(front), None, "{front}");
        }
    }
}
