//! The variables that a prompt declares: `input.schema` (Picoschema or JSON Schema) and `input.default` of its front
//! matter, read for their names, kinds and defaults. Does not validate values: that is the model call's business.
//!
//! Source: the dotprompt reference, "Prompt frontmatter" and "Picoschema".

use serde::Serialize;
use serde_json::{Map, Value};

/// One declared variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    /// Its name in the template.
    pub name: String,
    /// Whether a call must give a value: neither optional nor given a default.
    pub required: bool,
    /// Its kind as the schema says (`string`, `number`, `array`, …), where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The value taken when a call gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// What a prompt declares about its input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The declared variables in the order of the file.
    pub variables: Vec<Variable>,
    /// Whether other variables may be used: no schema, a schema by name, or a wildcard.
    pub open: bool,
}

impl Inputs {
    /// Reads the value of the front matter's `input`, absent or not. Errors say what is wrong, as a clause.
    pub fn read(input: Option<&Value>) -> Result<Inputs, String> {
        let mut inputs = Inputs { variables: Vec::new(), open: true };
        let (schema, defaults) = match input {
            None | Some(Value::Null) => return Ok(inputs),
            Some(Value::Object(input)) => (input.get("schema"), input.get("default")),
            Some(_) => return Err("`input` is not a map".into()),
        };
        match schema {
            None | Some(Value::Null | Value::String(_)) => {}
            Some(Value::Object(schema)) => {
                inputs.open = false;
                match schema.get("properties") {
                    Some(Value::Object(properties)) => inputs.json_schema(schema, properties),
                    _ => inputs.picoschema(schema),
                }
            }
            Some(_) => return Err("`input.schema` is neither a map nor the name of a schema".into()),
        }
        match defaults {
            None | Some(Value::Null) => {}
            Some(Value::Object(defaults)) => inputs.defaults(defaults),
            Some(_) => return Err("`input.default` is not a map".into()),
        }
        Ok(inputs)
    }

    /// The declared variable of this name.
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|v| v.name == name)
    }

    /// The contract that callers rely on: names, obligation and kind, in the order of names.
    pub fn contract(&self) -> Vec<(&str, bool, Option<&str>)> {
        let mut contract: Vec<_> =
            self.variables.iter().map(|v| (v.name.as_str(), v.required, v.kind.as_deref())).collect();
        contract.sort_unstable();
        contract
    }

    fn json_schema(&mut self, schema: &Map<String, Value>, properties: &Map<String, Value>) {
        let required = schema.get("required").and_then(Value::as_array);
        for (name, property) in properties {
            self.variables.push(Variable {
                name: name.clone(),
                required: required.is_some_and(|r| r.iter().any(|v| v == name.as_str())),
                kind: property.get("type").and_then(Value::as_str).map(str::to_owned),
                description: property.get("description").and_then(Value::as_str).map(str::to_owned),
                default: property.get("default").cloned(),
            });
        }
        self.open = matches!(schema.get("additionalProperties"), Some(Value::Bool(true) | Value::Object(_)));
    }

    /// Picoschema: `name?(kind, description): kind, description`.
    fn picoschema(&mut self, schema: &Map<String, Value>) {
        for (key, value) in schema {
            let (name, bracket) = match key.split_once('(') {
                Some((name, rest)) => (name.trim(), Some(rest.trim_end().trim_end_matches(')'))),
                None => (key.trim(), None),
            };
            if name.is_empty() {
                self.open = true;
                continue;
            }
            let (name, required) = match name.strip_suffix('?') {
                Some(name) => (name, false),
                None => (name, true),
            };
            let words = bracket.or(value.as_str()).unwrap_or("object");
            let (kind, description) = match words.split_once(',') {
                Some((kind, description)) => (kind, Some(description.trim().to_owned())),
                None => (words, None),
            };
            self.variables.push(Variable {
                name: name.to_owned(),
                required,
                kind: Some(kind.trim().to_owned()).filter(|k| !k.is_empty()),
                description,
                default: None,
            });
        }
    }

    fn defaults(&mut self, defaults: &Map<String, Value>) {
        for (name, default) in defaults {
            match self.variables.iter_mut().find(|v| v.name == *name) {
                Some(variable) => {
                    variable.default = Some(default.clone());
                    variable.required = false;
                }
                None => self.variables.push(Variable {
                    name: name.clone(),
                    required: false,
                    kind: None,
                    description: None,
                    default: Some(default.clone()),
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn picoschema_names_kinds_and_options() {
        let input = json!({
            "schema": {"id": "string, the id", "note?": "string", "tags(array, labels)": "string",
                       "level?(enum)": ["a", "b"], "nested": {"x": "string"}},
            "default": {"id": "x"},
        });
        let inputs = Inputs::read(Some(&input)).unwrap();
        assert!(!inputs.open);
        let contract = inputs.contract();
        assert_eq!(
            contract,
            [
                ("id", false, Some("string")),
                ("level", false, Some("enum")),
                ("nested", true, Some("object")),
                ("note", false, Some("string")),
                ("tags", true, Some("array")),
            ]
        );
        assert_eq!(inputs.get("id").unwrap().description.as_deref(), Some("the id"));
    }

    #[test]
    fn json_schema_and_open_forms() {
        let input = json!({"schema": {"type": "object", "required": ["a"],
            "properties": {"a": {"type": "string"}, "b": {"type": "number", "default": 3}}}});
        let inputs = Inputs::read(Some(&input)).unwrap();
        assert_eq!(inputs.contract(), [("a", true, Some("string")), ("b", false, Some("number"))]);
        assert!(Inputs::read(None).unwrap().open);
        assert!(Inputs::read(Some(&json!({"schema": "Named"}))).unwrap().open);
        assert!(Inputs::read(Some(&json!({"schema": {"(*)": "any"}}))).unwrap().open);
        assert!(Inputs::read(Some(&json!({"schema": [1]}))).is_err());
        assert!(Inputs::read(Some(&json!(3))).is_err());
    }
}
