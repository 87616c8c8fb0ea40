//! Prompt templates: Handlebars as the dotprompt reference has it, read once, asked which variables and helpers it
//! uses, and rendered strictly. No partials, no decorators, no escaping of HTML, nothing from disk; nesting and output
//! are bounded. Values of variables are substituted and forgotten.
//!
//! Start with [`Template::parse`]. `{{base}}` is ours: it places the text of the layer below (see `compose`).

use std::collections::BTreeSet;

use handlebars::template::{BlockParam, HelperTemplate, Parameter, TemplateElement};
use handlebars::{Path, RenderErrorReason, Template as Parsed};
use serde_json::{Map, Value};

use crate::engine::template_bounds;
use crate::engine::template_helpers::{self, HELPERS, MARKER};

/// Longest text that a template may render to, in bytes.
pub const MAX_RENDERED: usize = 8 * 1024 * 1024;
/// Deepest nesting of `each`: what a template may cost is the size of its values to this power.
const MAX_EACH: usize = 3;

/// Why a template was refused. Lines count in the file that the template stands in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The text is not a template, or uses what a prompt may not.
    #[error("line {line}: {what}; {next}")]
    Form {
        /// Line of the tag.
        line: u32,
        /// What is wrong.
        what: String,
        /// What to do.
        next: String,
    },
    /// A variable that is not declared, or not given.
    #[error("line {line}: unknown variable `{name}`; {}", known_variables(known))]
    UnknownVariable {
        /// Line of the tag.
        line: u32,
        /// The variable as written.
        name: String,
        /// The variables that there are.
        known: Vec<String>,
    },
    /// A declared variable without which the prompt cannot be rendered.
    #[error(
        "variable `{name}` has no value; give it one, or declare it optional (`{name}?`) or with a default"
    )]
    MissingValue {
        /// The variable.
        name: String,
    },
    /// A value that would be taken for structure.
    #[error("the value of `{name}` holds `{MARKER}`, which marks roles and media; remove it from the value")]
    Marker {
        /// The variable.
        name: String,
    },
    /// The text grew beyond [`MAX_RENDERED`].
    #[error("the rendered text is longer than {MAX_RENDERED} bytes; pass smaller values")]
    TooLong,
}

fn known_variables(known: &[String]) -> String {
    if known.is_empty() {
        "none is declared: add it to `input.schema`".into()
    } else {
        format!("known: {}", known.join(", "))
    }
}

/// A name that a template uses, and where first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The name.
    pub name: String,
    /// Line in the file.
    pub line: u32,
}

/// A template that was read.
#[derive(Debug, Clone)]
pub struct Template {
    parsed: Parsed,
    first_line: u32,
    uses: Vec<Use>,
    unknown_helpers: Vec<Use>,
    places_base: bool,
}

impl Template {
    /// Reads `text`, whose first line is line `first_line` of its file.
    pub fn parse(text: &str, first_line: u32) -> Result<Template, TemplateError> {
        let form = |line: usize, what: &str, next: &str| TemplateError::Form {
            line: first_line + line as u32 - 1,
            what: what.to_owned(),
            next: next.to_owned(),
        };
        template_bounds::check(text)
            .map_err(|e| form(1 + text[..e.at].matches('\n').count(), e.what, e.next))?;
        let parsed = Parsed::compile(text).map_err(|e| {
            let line = e.pos().map_or(1, |(line, _)| line);
            form(line, &e.reason().to_string(), "close every tag and block; write `\\{{` for literal braces")
        })?;
        let mut walk =
            Walk { first_line, scopes: vec![Scope::default()], each: 0, blocks: 0, found: Found::default() };
        walk.template(&parsed, first_line)?;
        let Found { uses, unknown_helpers, places_base } = walk.found;
        Ok(Template { parsed, first_line, uses, unknown_helpers, places_base })
    }

    /// The variables that the template uses, in the order of their first use.
    pub fn variables(&self) -> &[Use] {
        &self.uses
    }

    /// Helpers that do not exist; a template that has some cannot be rendered.
    pub fn unknown_helpers(&self) -> &[Use] {
        &self.unknown_helpers
    }

    /// Whether the template places the layer below itself, by `{{base}}`.
    pub fn places_base(&self) -> bool {
        self.places_base
    }

    /// Renders with `values`; every variable used must have one, if only null. `base` is the text for `{{base}}`.
    pub fn render(&self, values: &Map<String, Value>, base: &str) -> Result<String, TemplateError> {
        if let Some(Use { name, line }) = self.unknown_helpers.first() {
            let what = format!("unknown helper `{name}`");
            return Err(TemplateError::Form {
                line: *line,
                what,
                next: format!("known: {}", HELPERS.join(", ")),
            });
        }
        let known = || values.keys().cloned().collect();
        if let Some(Use { name, line }) = self.uses.iter().find(|u| !values.contains_key(&u.name)) {
            return Err(TemplateError::UnknownVariable { line: *line, name: name.clone(), known: known() });
        }
        if let Some((name, _)) = values.iter().find(|(_, value)| holds_marker(value)) {
            return Err(TemplateError::Marker { name: name.clone() });
        }
        let mut registry = template_helpers::registry(base);
        registry.register_template("prompt", self.parsed.clone());
        let mut out = Bounded(Vec::new());
        registry.render_to_write("prompt", values, &mut out).map_err(|e| {
            let line = self.first_line + e.line_no.unwrap_or(1) as u32 - 1;
            match e.reason() {
                RenderErrorReason::IOError(_) => TemplateError::TooLong,
                RenderErrorReason::MissingVariable(name) => TemplateError::UnknownVariable {
                    line,
                    name: name.clone().unwrap_or_else(|| "an inner value".into()),
                    known: known(),
                },
                reason => {
                    let next = "check the helper's arguments against the values given".to_owned();
                    TemplateError::Form { line, what: reason.to_string(), next }
                }
            }
        })?;
        // The writer was given texts and pieces of texts, whole.
        String::from_utf8(out.0).map_err(|_| TemplateError::TooLong)
    }
}

/// A template that renders to exactly `text`: its braces are literal.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        out.push_str(&rest[..at]);
        // A backslash before braces would be read as their escape: an empty comment keeps the two apart.
        if rest[..at].ends_with('\\') {
            out.push_str("\\{{!}}");
        }
        out.push_str("\\{{");
        rest = &rest[at + 2..];
        // The parser takes four braces after one backslash.
        if let Some(more) = rest.strip_prefix("{{") {
            out.push_str("{{");
            rest = more;
        }
    }
    out.push_str(rest);
    out
}

fn holds_marker(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(MARKER),
        Value::Array(items) => items.iter().any(holds_marker),
        Value::Object(entries) => {
            entries.iter().any(|(key, value)| key.contains(MARKER) || holds_marker(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

struct Bounded(Vec<u8>);

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_RENDERED {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[derive(Default)]
struct Found {
    uses: Vec<Use>,
    unknown_helpers: Vec<Use>,
    places_base: bool,
}

/// What names mean at a place in the template.
#[derive(Default, Clone)]
struct Scope {
    /// Whether names are fields of an item, by `each` or `with`, and not variables.
    inner: bool,
    /// Block parameters: `as |item index|`.
    locals: BTreeSet<String>,
}

/// The static reading of a template. Depth is bounded by `template_bounds`.
struct Walk {
    first_line: u32,
    scopes: Vec<Scope>,
    each: usize,
    blocks: usize,
    found: Found,
}

impl Walk {
    /// `line` is that of the block around the template: `else if` elements carry no place of their own.
    fn template(&mut self, template: &Parsed, line: u32) -> Result<(), TemplateError> {
        for (i, element) in template.elements.iter().enumerate() {
            let line = template.mapping.get(i).map_or(line, |place| self.first_line + place.0 as u32 - 1);
            match element {
                TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
                TemplateElement::Expression(tag) | TemplateElement::HtmlExpression(tag) => {
                    self.expression(tag, line)?;
                }
                TemplateElement::HelperBlock(block) => self.block(block, line)?,
                TemplateElement::PartialExpression(_) | TemplateElement::PartialBlock(_) => {
                    return Err(TemplateError::Form {
                        line,
                        what: "a partial, which is not supported".into(),
                        next: "name the prompt below in `human.extends` and place it by `{{base}}`".into(),
                    });
                }
                _ => {
                    let next = "write the text where it belongs".into();
                    return Err(TemplateError::Form { line, what: "a decorator".into(), next });
                }
            }
        }
        Ok(())
    }

    fn expression(&mut self, tag: &HelperTemplate, line: u32) -> Result<(), TemplateError> {
        let plain = tag.params.is_empty() && tag.hash.is_empty();
        let name = name_of(&tag.name);
        if name == Some("base") {
            if !plain {
                return Err(misplaced_base(line, "`{{base}}` with arguments"));
            }
            if self.blocks > 0 {
                // Conditional placement would let an overlay drop the prompt that it layers on.
                return Err(misplaced_base(line, "`{{base}}` inside of a block"));
            }
            self.found.places_base = true;
            return Ok(());
        }
        match name {
            Some(name) if HELPERS.contains(&name) => {}
            Some(name) if !plain => self.unknown_helper(name, line),
            _ => self.parameter(&tag.name, line)?,
        }
        self.arguments(tag, line)
    }

    fn arguments(&mut self, tag: &HelperTemplate, line: u32) -> Result<(), TemplateError> {
        for parameter in tag.params.iter().chain(tag.hash.values()) {
            self.parameter(parameter, line)?;
        }
        Ok(())
    }

    fn parameter(&mut self, parameter: &Parameter, line: u32) -> Result<(), TemplateError> {
        match parameter {
            Parameter::Literal(_) => Ok(()),
            Parameter::Name(name) | Parameter::Path(Path::Relative((_, name))) => {
                self.path(name, line);
                Ok(())
            }
            Parameter::Path(Path::Local((_, name, raw))) => {
                if matches!(name.as_str(), "index" | "key" | "first" | "last") && self.each > 0 {
                    return Ok(());
                }
                let next = "`@index`, `@key`, `@first` and `@last` exist inside of `#each`".into();
                Err(TemplateError::Form { line, what: format!("`{raw}` is not set here"), next })
            }
            Parameter::Subexpression(inner) => {
                let name = inner.name();
                if name == "base" {
                    return Err(misplaced_base(line, "`base` inside of an expression"));
                }
                if !HELPERS.contains(&name) {
                    self.unknown_helper(name, line);
                }
                for parameter in inner
                    .params()
                    .into_iter()
                    .flatten()
                    .chain(inner.hash().into_iter().flat_map(|hash| hash.values()))
                {
                    self.parameter(parameter, line)?;
                }
                Ok(())
            }
            _ => {
                let next = "pass the value as a variable".into();
                Err(TemplateError::Form { line, what: "an expression of unknown form".into(), next })
            }
        }
    }

    /// A path such as `name`, `address.city`, `../name`, `this.name` or `@root.name`.
    fn path(&mut self, raw: &str, line: u32) {
        let mut rest = raw;
        let mut level = self.scopes.len() - 1;
        let mut here = false;
        loop {
            if let Some(after) = rest.strip_prefix("../") {
                level = level.saturating_sub(1);
                rest = after;
            } else if let Some(after) = rest.strip_prefix("@root.").or(rest.strip_prefix("@root/")) {
                level = 0;
                rest = after;
            } else if let Some(after) =
                rest.strip_prefix("this.").or(rest.strip_prefix("this/")).or(rest.strip_prefix("./"))
            {
                here = true;
                rest = after;
            } else {
                break;
            }
        }
        let name = rest.split(['.', '/']).next().unwrap_or(rest);
        let local = !here && self.scopes[..=level].iter().any(|scope| scope.locals.contains(name));
        if name.is_empty() || name == "this" || local || self.scopes[level].inner {
            return;
        }
        if !self.found.uses.iter().any(|u| u.name == name) {
            self.found.uses.push(Use { name: name.to_owned(), line });
        }
    }

    fn unknown_helper(&mut self, name: &str, line: u32) {
        if !self.found.unknown_helpers.iter().any(|u| u.name == name) {
            self.found.unknown_helpers.push(Use { name: name.to_owned(), line });
        }
    }

    fn block(&mut self, block: &HelperTemplate, line: u32) -> Result<(), TemplateError> {
        let name = name_of(&block.name).unwrap_or_default();
        if name == "base" {
            return Err(misplaced_base(line, "`{{#base}}` as a block"));
        }
        if !HELPERS.contains(&name) {
            self.unknown_helper(name, line);
        }
        self.arguments(block, line)?;
        let each = usize::from(name == "each");
        self.each += each;
        self.blocks += 1;
        if self.each > MAX_EACH {
            let what = format!("`#each` nests deeper than {MAX_EACH}");
            return Err(TemplateError::Form { line, what, next: "pass a flatter value".into() });
        }
        if let Some(inner) = &block.template {
            let scoped = matches!(name, "each" | "with");
            if scoped {
                let locals = match &block.block_param {
                    Some(BlockParam::Single(item)) => vec![item],
                    Some(BlockParam::Pair((item, index))) => vec![item, index],
                    _ => Vec::new(),
                };
                let locals = locals.into_iter().filter_map(name_of).map(str::to_owned).collect();
                self.scopes.push(Scope { inner: true, locals });
            }
            self.template(inner, line)?;
            if scoped {
                self.scopes.pop();
            }
        }
        self.each -= each;
        if let Some(otherwise) = &block.inverse {
            self.template(otherwise, line)?;
        }
        self.blocks -= 1;
        Ok(())
    }
}

/// The text below is placed by `{{base}}` alone, once and for all values.
fn misplaced_base(line: u32, what: &str) -> TemplateError {
    let next = "place it as `{{base}}`, outside of all blocks".into();
    TemplateError::Form { line, what: what.into(), next }
}

fn name_of(parameter: &Parameter) -> Option<&str> {
    match parameter {
        Parameter::Name(name) => Some(name),
        Parameter::Path(Path::Relative((_, raw))) => Some(raw),
        _ => None,
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
