//! Members out of a JSON text that is itself an attribute's value: `{"id": …}`, three levels deep at most, in one
//! pass that keeps nothing else. Also reads the Python `repr` that LiteLLM sends in place of JSON.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::wire::Value;

/// Most names that `*` collects.
const MAX_NAMES: usize = 256;

/// The way to a member: names from the outside in; a last `*` asks for the names of all members.
pub(super) type Path = Vec<&'static str>;

/// Calls `found(i, value)` for each of `paths[i]` that leads to a scalar in `text`. What is not an object, or breaks
/// off, yields what was met before the fault: an exporter may have cut the attribute to a length.
pub(super) fn pick(text: &str, paths: &[Path], found: &mut dyn FnMut(usize, Value<'static>)) {
    let text = text.trim_start();
    if !text.starts_with('{') {
        return;
    }
    let json = if text[1..].trim_start().starts_with('\'') {
        Cow::Owned(from_repr(text))
    } else {
        Cow::Borrowed(text)
    };
    let wanted = paths.iter().enumerate().map(|(i, path)| (i, path.as_slice())).collect();
    let mut reader = serde_json::Deserializer::from_str(&json);
    let _ = Member { wanted, found }.deserialize(&mut reader);
}

struct Member<'p, 'f> {
    wanted: Vec<(usize, &'p [&'static str])>,
    found: &'f mut dyn FnMut(usize, Value<'static>),
}

impl Member<'_, '_> {
    fn scalar(self, value: &Value<'static>) {
        for (i, path) in self.wanted {
            if path.is_empty() {
                (self.found)(i, value.clone());
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for Member<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }
    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.scalar(&Value::Bool(value));
        Ok(())
    }
    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.scalar(&Value::Int(value));
        Ok(())
    }
    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.scalar(&i64::try_from(value).map_or(Value::Float(value as f64), Value::Int));
        Ok(())
    }
    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.scalar(&Value::Float(value));
        Ok(())
    }
    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.scalar(&Value::Text(Cow::Owned(value.to_owned())));
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = 0;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let mut inner = Vec::new();
            for (i, path) in &self.wanted {
                match path.split_first() {
                    Some((&"*", [])) if names < MAX_NAMES => {
                        (self.found)(*i, Value::Text(Cow::Owned(key.clone().into_owned())));
                    }
                    Some((name, rest)) if *name == key => inner.push((*i, rest)),
                    _ => {}
                }
            }
            names += 1;
            if inner.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(Member { wanted: inner, found: &mut *self.found })?;
            }
        }
        Ok(())
    }
}

/// A Python literal as JSON: `{'a': None, "b": 'it\'s'}` -> `{"a": null, "b": "it's"}`.
fn from_repr(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 8);
    let mut rest = text.chars();
    let mut quote = None;
    let mut word = String::new();
    while let Some(c) = rest.next() {
        match quote {
            Some(q) if c == q => {
                json.push('"');
                quote = None;
            }
            Some(_) => match (c, if c == '\\' { rest.next() } else { None }) {
                ('"', _) | ('\\', Some('"')) => json.push_str("\\\""),
                ('\\', Some('\'')) => json.push('\''),
                ('\\', Some(escaped @ ('\\' | 'n' | 'r' | 't' | 'u' | 'b' | 'f'))) => {
                    json.extend(['\\', escaped]);
                }
                // `\xe9` is `\u00e9`.
                ('\\', Some('x')) => json.push_str("\\u00"),
                ('\\', Some(other)) => json.push(other),
                (c, _) => json.push(c),
            },
            None if c.is_alphabetic() => word.push(c),
            None => {
                json.push_str(literal(&word));
                word.clear();
                match c {
                    '\'' | '"' => {
                        json.push('"');
                        quote = Some(c);
                    }
                    '(' => json.push('['),
                    ')' => json.push(']'),
                    c => json.push(c),
                }
            }
        }
    }
    json
}

/// Python's names for JSON's literals; any other bare word is passed on, for the JSON reader to refuse.
fn literal(word: &str) -> &str {
    match word {
        "None" => "null",
        "True" => "true",
        "False" => "false",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(text: &str, paths: &[&[&'static str]]) -> Vec<(usize, String)> {
        let paths: Vec<Path> = paths.iter().map(|p| p.to_vec()).collect();
        let mut all = Vec::new();
        pick(text, &paths, &mut |i, value| {
            all.push((i, value.text().map(Cow::into_owned).unwrap_or_default()));
        });
        all
    }

    #[test]
    fn members_by_path() {
        let text = r#"{"a":{"b":{"c":7,"d":[{"c":8}]}},"id":"x","n":null}"#;
        assert_eq!(
            picked(text, &[&["a", "b", "c"], &["id"], &["n"], &["a"]]),
            [(0, "7".into()), (1, "x".into())]
        );
    }

    #[test]
    fn names_of_members() {
        let names = picked(r#"{"v":{"client":"Acme","doc":{"x":1}}}"#, &[&["v", "*"]]);
        assert_eq!(names, [(0, "client".into()), (0, "doc".into())]);
    }

    #[test]
    fn what_stands_before_a_fault_is_kept() {
        assert_eq!(picked(r#"{"id":"x","rest":"cut o"#, &[&["id"]]), [(0, "x".into())]);
        assert_eq!(picked("[1,2]", &[&["id"]]), []);
    }

    #[test]
    fn python_repr() {
        let text = r#"{'prompt_id': 'it\'s "x"', 'v': None, 'vars': {'a': "b'c", 'd': True}, 't': (1, 2)}"#;
        let all = picked(text, &[&["prompt_id"], &["vars", "*"], &["vars", "a"], &["v"]]);
        assert_eq!(all, [(0, r#"it's "x""#.into()), (1, "a".into()), (2, "b'c".into()), (1, "d".into())]);
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!(r#"{{"x":{}{}"#, "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(picked(&deep, &[&["id"]]), []);
    }
}
