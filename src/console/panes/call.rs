//! One call: which prompts made it, layer by layer, what it took, and what came of it.
//!
//! ```text
//!  call 0c9d…                                       prompts (composed, for acme)
//!  at        2026-11-28 07:31:02 UTC                prompt://core/tone@1.0.0
//!  model     gpt-4o by openai                       layer org  prompt://org/acme/support.reply@2.1.0
//!  tokens    1,203 in, 210 out, 0 cached            variables  customer, product
//!  outcome   ok                                     feedback
//! ```

use std::sync::Arc;

use ratatui::layout::Rect;

use super::{Pane, View, words};
use crate::console::action::{Action, Where};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target, View as InView};
use crate::console::message::{Fault, Loaded, Ticket};
use crate::console::moment;
use crate::console::out::Out;
use crate::console::query::{Query, Reply};
use crate::console::widgets::flow::Flow;
use crate::console::widgets::panel::{self, Panel};
use crate::console::widgets::scroll;
use crate::domain::feedback::Signal;
use crate::domain::prompt::CompositionMethod;
use crate::engine::number::{NONE, count, duration, usd};
use crate::service::live::CallPage;
use crate::store::telemetry::KeptCall;
use crate::theme::Role;

/// Columns from which there are two panels.
const WIDE: u16 = 120;
/// Columns of a label.
const LABEL: usize = 11;

/// One call.
#[derive(Debug, Default)]
pub struct CallPane {
    id: String,
    page: Loaded<Arc<CallPage>>,
    offset: usize,
}

/// A line: its label, and what it says.
type Said = (&'static str, Role, String);

impl CallPane {
    /// The call with this id.
    pub fn new(id: String) -> CallPane {
        CallPane { id, ..CallPane::default() }
    }

    fn kept(&self) -> Option<&KeptCall> {
        self.page.value().and_then(|page| page.kept.first())
    }

    /// Lines of what scrolls on a terminal of this width.
    fn len(&self, width: u16) -> usize {
        let Some(kept) = self.kept() else { return 0 };
        let (said, width) =
            if width >= WIDE { (provenance(kept), width - width / 2) } else { (whole(kept), width) };
        laid(&said, panel::inner(width)).len()
    }
}

/// Everything, where it stands below each other.
fn whole(kept: &KeptCall) -> Vec<Said> {
    let mut said = facts(kept);
    said.push(("", Role::Text, String::new()));
    said.extend(provenance(kept));
    said
}

/// What the call was and took.
fn facts(kept: &KeptCall) -> Vec<Said> {
    let call = &kept.call;
    let tokens = |n: Option<u32>| n.map_or(NONE.into(), |n| count(u64::from(n)));
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| NONE.into());
    let cost = usd(call.cost.map(|nano| nano as f64 / 1e9));
    let cost = match call.cost {
        None => "not known: neither reported nor in the price table".to_owned(),
        Some(_) if call.cost_estimated => format!("{cost}, estimated from the price table"),
        Some(_) => format!("{cost}, as reported"),
    };
    let ms = |us: Option<u64>| duration(us.map(|us| us as f64 / 1e3));
    let outcome = if call.ok {
        (Role::Good, "ok".to_owned())
    } else {
        (Role::Bad, format!("failed: {}", said(&call.error)))
    };
    let cached = call.cached_tokens.map_or(String::new(), |n| format!(", {} cached", count(u64::from(n))));
    vec![
        ("at", Role::Text, moment::whole(call.at)),
        ("model", Role::Strong, call.model.clone()),
        ("provider", Role::Text, said(&call.provider)),
        ("outcome", outcome.0, outcome.1),
        (
            "tokens",
            Role::Text,
            format!("{} in, {} out{cached}", tokens(call.input_tokens), tokens(call.output_tokens)),
        ),
        ("cost", Role::Text, cost),
        ("duration", Role::Text, ms(call.duration_us)),
        ("first token", Role::Text, ms(call.ttft_us)),
        ("agent", Role::Text, said(&call.agent)),
        ("session", Role::Text, said(&call.session)),
        ("user", Role::Text, said(&call.user)),
    ]
}

/// Where it came from, and what was said of it.
fn provenance(kept: &KeptCall) -> Vec<Said> {
    let mut lines: Vec<Said> = Vec::new();
    match &kept.call.prompts {
        None => lines.push(("prompts", Role::Muted, "none is named by the telemetry of this call".into())),
        Some(used) => {
            let method = match used.composition_method {
                CompositionMethod::Compose => "composed",
                CompositionMethod::Effective => "effective",
                CompositionMethod::Manual => "manual",
            };
            lines.push(("method", Role::Text, format!("{method}, for {}", used.org_id)));
            for (i, (uri, version)) in used.prompt_uris.iter().zip(&used.prompt_versions).enumerate() {
                let label = if i == 0 { "prompts" } else { "" };
                lines.push((label, words::scope(Some(uri.scope())), uri.at(version.clone()).to_string()));
            }
            for (i, layer) in used.layers.iter().enumerate() {
                let label = if i == 0 { "layers" } else { "" };
                let text = format!("{:<5} {}", layer.scope.as_str(), layer.uri.at(layer.version.clone()));
                lines.push((label, words::scope(Some(layer.scope)), text));
            }
            if !used.variables_used.is_empty() {
                lines.push(("variables", Role::Variable, used.variables_used.join(", ")));
            }
            if let Some(tokens) = used.estimated_tokens {
                let text = format!("{} tokens before the call", count(u64::from(tokens)));
                lines.push(("estimated", Role::Text, text));
            }
        }
    }
    lines.push(("", Role::Text, String::new()));
    if kept.feedback.is_empty() {
        lines.push(("feedback", Role::Muted, "none".into()));
    }
    for (i, feedback) in kept.feedback.iter().enumerate() {
        let (role, signal) = match feedback.signal {
            Some(signal) => (super::prompt::signal_role(signal), Signal::as_str(signal)),
            None => (Role::Muted, "no signal"),
        };
        let text = format!("{signal} by {}, {}", feedback.source.as_str(), moment::whole(feedback.at));
        lines.push((if i == 0 { "feedback" } else { "" }, role, text));
        if let Some(detail) = &feedback.detail {
            lines.push(("", Role::Text, detail.clone()));
        }
    }
    lines
}

/// Lines of the screen.
fn laid(said: &[Said], width: u16) -> Vec<(Option<&'static str>, Flow, usize)> {
    let room = width.saturating_sub(LABEL as u16 + 3).max(8);
    let mut lines = Vec::new();
    for (label, role, text) in said {
        let mut flow = Flow::default();
        flow.words(text, *role, room);
        for line in 0..flow.len().max(1) {
            lines.push(((line == 0).then_some(*label), flow.clone(), line));
        }
    }
    lines
}

/// Draws lines; says what is in view where it is they that scroll.
fn column(canvas: &mut Canvas<'_>, area: Rect, said: &[Said], offset: Option<usize>) {
    let lines = laid(said, area.width);
    let height = usize::from(area.height);
    let in_view = InView { offset: scroll::held(offset.unwrap_or(0), height, lines.len()), height };
    if offset.is_some() {
        canvas.hits.view(ListId::Entry, in_view);
        canvas.hits.zone(area, Target::List(ListId::Entry));
    }
    for ((label, flow, line), y) in lines.iter().skip(in_view.offset).zip(area.top()..area.bottom()) {
        canvas.put(area.x, y, area.width, label.unwrap_or_default(), Role::Muted);
        let x = area.x + (LABEL as u16 + 2).min(area.width);
        flow.draw(canvas, x, y, area.right().saturating_sub(x + 1), *line);
    }
    scroll::bar(canvas, area, in_view, lines.len());
}

impl Pane for CallPane {
    fn places(&self) -> &'static [Where] {
        &[Where::List]
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Back, Action::Copy]
    }

    fn objection(&self, action: Action) -> Option<String> {
        let said = match action {
            Action::Open => "all of it is shown",
            Action::Left | Action::Right => "nothing stands beside it",
            _ => return None,
        };
        Some(said.to_owned())
    }

    fn shown(&mut self, out: &mut Out<'_>) {
        out.ask(&mut self.page, Query::Call(self.id.clone()));
    }

    fn changed(&mut self, out: &mut Out<'_>) {
        if !self.page.is_waiting() {
            self.shown(out);
        }
    }

    fn act(&mut self, action: Action, out: &mut Out<'_>) -> bool {
        match scroll::scrolled(action, self.len(out.ctx.size.0), out.ctx.hits.of(ListId::Entry)) {
            Some(offset) => self.offset = offset,
            None => return false,
        }
        true
    }

    fn reply(&mut self, ticket: Ticket, answer: &Result<Reply, Fault>, _out: &mut Out<'_>) {
        let page = answer.clone().and_then(|reply| match reply {
            Reply::Calls(calls) => Ok(calls),
            _ => Err(Fault::new("this is no call")),
        });
        self.page.take(ticket, page);
    }

    fn wheel(&mut self, _target: Target, by: isize, out: &mut Out<'_>) {
        let view = out.ctx.hits.of(ListId::Entry);
        self.offset = scroll::wheeled(by, self.len(out.ctx.size.0), view);
    }

    fn copied(&self) -> Option<(String, String)> {
        Some((format!("call {}", self.id), self.id.clone()))
    }

    fn crumb(&self) -> String {
        let short: String = self.id.chars().take(12).collect();
        format!("call {short}")
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
        let area = canvas.on_screen(area);
        if area.width < 10 || area.height < 3 {
            return;
        }
        let Some(kept) = self.kept() else {
            let (role, text) = match (self.page.fault(), self.page.value()) {
                (Some(fault), _) => (Role::Bad, fault.text.to_string()),
                (None, Some(_)) => (Role::Muted, "This call is not in the store any more.".to_owned()),
                (None, None) => (Role::Faint, format!("reading call {}…", self.id)),
            };
            canvas.put(area.x + 2, area.y + 1, area.width - 4, &text, role);
            return;
        };
        let title = format!("call {}", self.id);
        let wide = area.width >= WIDE;
        let first = Rect { width: if wide { area.width / 2 } else { area.width }, ..area };
        let inner = Panel { title: &title, active: view.focused, ..Panel::default() }.draw(canvas, first);
        if wide {
            column(canvas, inner, &facts(kept), None);
            let second = Rect { x: first.right(), width: area.width - first.width, ..area };
            let inner = Panel { title: "provenance and feedback", ..Panel::default() }.draw(canvas, second);
            column(canvas, inner, &provenance(kept), Some(self.offset));
        } else {
            column(canvas, inner, &whole(kept), Some(self.offset));
        }
    }
}
