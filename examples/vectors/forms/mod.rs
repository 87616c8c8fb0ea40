//! The closed forms by the names that test vectors give them, one file per section of `statistics.md`; start with
//! [`check`].

mod affinity;
mod degradation;
mod findings;
mod rates;
mod verdicts;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One vector.
#[derive(Debug, Deserialize)]
pub struct Vector {
    /// Its name.
    pub id: String,
    /// The closed form.
    #[serde(rename = "fn")]
    pub form: String,
    /// Arguments by name.
    pub input: Value,
    /// The values to reach.
    pub expect: Value,
}

/// The vectors of a file.
pub fn parse(text: &[u8]) -> Result<Vec<Vector>, String> {
    #[derive(Deserialize)]
    struct File {
        vectors: Vec<Vector>,
    }
    serde_json::from_slice::<File>(text).map(|file| file.vectors).map_err(|e| e.to_string())
}

/// Computes the vector and compares; the error says what differs.
pub fn check(vector: &Vector) -> Result<(), String> {
    let Vector { id, form, input, expect } = vector;
    let forms = [rates::form, affinity::form, findings::form, degradation::form, verdicts::form];
    let computed = forms.iter().find_map(|compute| compute(form, input).transpose());
    match computed {
        None => Err(format!("{id}: no closed form is called {form}")),
        Some(Err(error)) => Err(format!("{id}: the input of {form} cannot be read: {error}")),
        Some(Ok(got)) => near(&got, expect).map_err(|miss| format!("{id}{miss}")),
    }
}

/// What a form makes of an input: `None` if it is not one of the section's.
pub type Computed = serde_json::Result<Option<Value>>;

/// An input's arguments as a type.
pub fn args<T: DeserializeOwned>(input: &Value) -> serde_json::Result<T> {
    T::deserialize(input)
}

fn near(got: &Value, want: &Value) -> Result<(), String> {
    match (got, want) {
        (Value::Array(g), Value::Array(w)) if g.len() == w.len() => {
            let mut pairs = g.iter().zip(w).enumerate();
            pairs.try_for_each(|(i, (g, w))| near(g, w).map_err(|m| format!("[{i}]{m}")))
        }
        (Value::Object(g), Value::Object(w)) => {
            let mut fields = w.iter();
            fields.try_for_each(|(key, w)| {
                near(g.get(key).unwrap_or(&Value::Null), w).map_err(|m| format!(".{key}{m}"))
            })
        }
        _ => match (got.as_f64(), want.as_f64()) {
            (Some(g), Some(w)) if (g - w).abs() <= 1e-9 * w.abs().max(1.0) => Ok(()),
            _ if got == want => Ok(()),
            _ => Err(format!(": got {got}, expected {want}")),
        },
    }
}
