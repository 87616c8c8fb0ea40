//! The helpers that a prompt template may call: those of the dotprompt reference over Handlebars' own, and `base`.
//! What they write for roles, media, history and sections are the reference's markers, for the caller to split at.

use handlebars::{
    Context, Handlebars, Helper, HelperResult, JsonRender as _, Output, RenderContext, RenderErrorReason,
    Renderable as _,
};
use serde::Serialize as _;
use serde_json::Value;

/// Every helper, by name.
pub const HELPERS: [&str; 14] = [
    "if",
    "unless",
    "each",
    "with",
    "lookup",
    "log",
    "json",
    "role",
    "history",
    "section",
    "media",
    "ifEquals",
    "unlessEquals",
    "base",
];

/// How the reference's markers begin. A variable's value must not hold it.
pub const MARKER: &str = "<<<dotprompt:";

/// The engine with these helpers and no others; `base` is what `{{base}}` writes.
pub fn registry(base: &str) -> Handlebars<'_> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(handlebars::no_escape);
    // The crate's own comparisons are not part of the format: a file that used them would work here only.
    for name in ["eq", "ne", "gt", "gte", "lt", "lte", "and", "or", "not", "len", "raw"] {
        registry.unregister_helper(name);
    }
    registry.register_helper("json", Box::new(json));
    registry.register_helper("role", Box::new(role));
    registry.register_helper("section", Box::new(section));
    registry.register_helper("media", Box::new(media));
    registry.register_helper("ifEquals", Box::new(if_equals));
    registry.register_helper("unlessEquals", Box::new(unless_equals));
    registry.register_helper("history", Box::new(History));
    registry.register_helper("log", Box::new(Silent));
    registry.register_helper("base", Box::new(Base(base)));
    registry
}

struct Base<'a>(&'a str);
struct History;
/// `log` is part of Handlebars; values are never recorded, so it does nothing.
struct Silent;

macro_rules! writes {
    ($($helper:ty, |$this:ident| $text:expr;)*) => {$(
        impl handlebars::HelperDef for $helper {
            fn call<'reg: 'rc, 'rc>(
                &self, _: &Helper<'rc>, _: &'reg Handlebars<'reg>, _: &'rc Context,
                _: &mut RenderContext<'reg, 'rc>, out: &mut dyn Output,
            ) -> HelperResult {
                let $this = self;
                out.write($text)?;
                Ok(())
            }
        }
    )*};
}
writes! {
    Base<'_>, |this| this.0;
    History, |_this| "<<<dotprompt:history>>>";
    Silent, |_this| "";
}

fn argument<'a>(h: &'a Helper<'_>, helper: &'static str, at: usize) -> Result<&'a Value, RenderErrorReason> {
    h.param(at)
        .map(handlebars::PathAndJson::value)
        .ok_or(RenderErrorReason::ParamNotFoundForIndex(helper, at))
}

/// `{{json value indent=2}}`
fn json(
    h: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let value = argument(h, "json", 0)?;
    let indent = h.hash_get("indent").and_then(|v| v.value().as_u64()).unwrap_or(0).min(8) as usize;
    if indent == 0 {
        out.write(&value.to_string())?;
        return Ok(());
    }
    let mut text = Vec::new();
    let spaces = " ".repeat(indent);
    let formatter = serde_json::ser::PrettyFormatter::with_indent(spaces.as_bytes());
    value
        .serialize(&mut serde_json::Serializer::with_formatter(&mut text, formatter))
        .map_err(RenderErrorReason::SerdeError)?;
    out.write(&String::from_utf8_lossy(&text))?;
    Ok(())
}

/// `{{role "system"}}`
fn role(
    h: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let role = word(argument(h, "role", 0)?, "role")?;
    out.write(&format!("{MARKER}role:{role}>>>"))?;
    Ok(())
}

/// `{{section "name"}}`
fn section(
    h: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let name = word(argument(h, "section", 0)?, "section")?;
    out.write(&format!("{MARKER}section {name}>>>"))?;
    Ok(())
}

/// `{{media url=… contentType=…}}`
fn media(
    h: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let Some(url) = h.hash_get("url") else {
        return Err(RenderErrorReason::ParamNotFoundForName("media", "url".into()).into());
    };
    let url = word(url.value(), "media url")?;
    match h.hash_get("contentType") {
        Some(kind) => {
            out.write(&format!("{MARKER}media:url {url} {}>>>", word(kind.value(), "media contentType")?))?;
        }
        None => out.write(&format!("{MARKER}media:url {url}>>>"))?,
    }
    Ok(())
}

/// An argument that goes into a marker: a text that cannot end it.
fn word<'a>(value: &'a Value, whose: &str) -> Result<&'a str, RenderErrorReason> {
    match value.as_str() {
        Some(word) if !word.is_empty() && !word.contains([' ', '\n', '\r', '<', '>']) => Ok(word),
        _ => Err(RenderErrorReason::Other(format!("the {whose} is not one word"))),
    }
}

fn if_equals<'reg, 'rc>(
    h: &Helper<'rc>,
    r: &'reg Handlebars<'reg>,
    ctx: &'rc Context,
    rc: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> HelperResult {
    match if equal(h, "ifEquals")? { h.template() } else { h.inverse() } {
        Some(template) => template.render(r, ctx, rc, out),
        None => Ok(()),
    }
}

fn unless_equals<'reg, 'rc>(
    h: &Helper<'rc>,
    r: &'reg Handlebars<'reg>,
    ctx: &'rc Context,
    rc: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> HelperResult {
    match if equal(h, "unlessEquals")? { h.inverse() } else { h.template() } {
        Some(template) => template.render(r, ctx, rc, out),
        None => Ok(()),
    }
}

/// The reference compares loosely: `3` equals `"3"`.
fn equal(h: &Helper<'_>, helper: &'static str) -> Result<bool, RenderErrorReason> {
    let (a, b) = (argument(h, helper, 0)?, argument(h, helper, 1)?);
    let scalar = |v: &Value| v.is_string() || v.is_number();
    Ok(a == b || (scalar(a) && scalar(b) && a.render() == b.render()))
}
