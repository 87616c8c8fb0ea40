//! What one version of a prompt changed against another: on call, what came with the version after which it got worse.
//!
//! ```text
//! ╭▌support.refund-reply 1.2.1 → 1.3.0 ───────────── +3 -5 ─╮
//! │  12 - Be polite. Be brief.  │  12 + Be brief.           │
//! │  ··· 24 unchanged lines ···                             │
//! ╰─────────────────────────────────────── change 1 of 4 ───╯
//! ```

use std::sync::Arc;

use ratatui::layout::Rect;

use super::difference::{Did, Difference, copied};
use super::{Pane, View};
use crate::console::action::{Action, Where};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target};
use crate::console::message::{Fault, Loaded, Ticket};
use crate::console::out::Out;
use crate::console::query::{Compared, Query, Reply, Versions};
use crate::console::widgets::diff_view::{self, Laid};
use crate::console::widgets::panel::{self, Panel};
use crate::console::widgets::said::{not_refreshed, said};
use crate::theme::{Glyph, Role};

/// Two versions of a prompt.
#[derive(Debug)]
pub struct ComparePane {
    versions: Versions,
    compared: Loaded<Arc<Compared>>,
    difference: Difference,
}

impl ComparePane {
    /// Of these versions.
    pub fn new(versions: Versions) -> ComparePane {
        ComparePane { versions, compared: Loaded::default(), difference: Difference::default() }
    }

    fn ask(&mut self, out: &mut Out<'_>) {
        let layout = self.difference.layout(panel::inner(out.ctx.size.0));
        let query = Query::Compare(self.versions.clone(), layout);
        out.ask(&mut self.compared, query);
    }

    fn laid(&self) -> Option<&Laid> {
        self.compared.value().map(|compared| &compared.laid)
    }
}

impl Pane for ComparePane {
    fn places(&self) -> &'static [Where] {
        &[Where::Difference, Where::List]
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::NextChange,
            Action::PreviousChange,
            Action::Layout,
            Action::Context,
            Action::Copy,
            Action::Back,
        ]
    }

    fn objection(&self, action: Action) -> Option<String> {
        match action {
            Action::Open => Some("all of it is shown".to_owned()),
            Action::Left | Action::Right => Some("nothing stands beside it".to_owned()),
            _ => None,
        }
    }

    fn shown(&mut self, out: &mut Out<'_>) {
        // What is published never changes: read once, however often the store does.
        if self.compared.value().is_none() {
            self.ask(out);
        }
    }

    fn resized(&mut self, out: &mut Out<'_>) {
        self.ask(out);
    }

    fn act(&mut self, action: Action, out: &mut Out<'_>) -> bool {
        let laid = self.compared.value().map(|compared| &compared.laid);
        let did = self.difference.act(action, laid, out);
        if did == Did::Turned {
            self.ask(out);
        }
        did != Did::Nothing
    }

    fn reply(&mut self, ticket: Ticket, answer: &Result<Reply, Fault>, _out: &mut Out<'_>) {
        let answer = match answer {
            Ok(Reply::Compare(compared)) => Ok(Arc::clone(compared)),
            Ok(_) => return,
            Err(fault) => Err(fault.clone()),
        };
        let before = self.compared.value().cloned();
        if self.compared.take(ticket, answer)
            && let Some(compared) = self.compared.value()
        {
            self.difference.relaid(before.as_ref().map(|before| &before.laid), &compared.laid);
        }
    }

    fn wheel(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        if target == Target::List(ListId::Diff) {
            let laid = self.compared.value().map(|compared| &compared.laid);
            self.difference.wheel(by, laid, out);
        }
    }

    fn copied(&self) -> Option<(String, String)> {
        let Versions { uri, from, to } = &self.versions;
        let compared = self.compared.value()?;
        let [old, new] = &compared.texts;
        let (before, after) = (uri.at(from.clone()).to_string(), uri.at(to.clone()).to_string());
        let diff = copied((&before, old), (&after, new), &compared.diff);
        Some((format!("{from} against {to}"), diff))
    }

    fn crumb(&self) -> String {
        format!("{} against {}", self.versions.to, self.versions.from)
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
        let Versions { uri, from, to } = &self.versions;
        let title = format!("{} {from} {} {to}", uri.key, canvas.glyph(Glyph::Arrow));
        let compared = self.compared.value();
        let note = compared.map_or_else(String::new, |c| format!("+{} -{}", c.diff.added, c.diff.removed));
        let foot = self.laid().map_or_else(String::new, |laid| self.difference.foot(laid));
        let panel = Panel { title: &title, note: &note, foot: &foot, active: view.focused };
        let inside = panel.draw(canvas, area);
        match (compared, self.compared.fault()) {
            (Some(compared), fault) => {
                let inside = fault.map_or(inside, |fault| not_refreshed(canvas, inside, fault));
                diff_view::draw(canvas, inside, &compared.laid, self.difference.offset, ListId::Diff);
            }
            (None, Some(fault)) => said(canvas, inside, Role::Bad, &[&fault.text]),
            (None, None) => said(canvas, inside, Role::Muted, &["reading both versions"]),
        }
    }
}
