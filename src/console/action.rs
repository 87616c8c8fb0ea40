//! What a person can do, once: the table from which keys, help, hints, the palette and the key reference are made.
//!
//! To add an action: a row here, and the place that acts on it. Whether it can be done now, and why not, is said by the
//! pane that has the focus (`App::objection`).

use std::fmt::Write as _;

/// Where an action is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Where {
    /// Everywhere.
    Everywhere,
    /// In every list.
    List,
    /// The leaderboard.
    Board,
    /// The page of one prompt.
    Prompt,
    /// The affinity of prompts and models.
    Affinity,
    /// The queue of proposals.
    Proposals,
    /// The review of one proposal.
    Review,
    /// A difference of two texts.
    Difference,
    /// The watch.
    Watch,
    /// The ledger and the agent.
    Ledger,
}

impl Where {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Where::Everywhere => "everywhere",
            Where::List => "lists",
            Where::Board => "the leaderboard",
            Where::Prompt => "a prompt's page",
            Where::Affinity => "affinity",
            Where::Proposals => "the queue of proposals",
            Where::Review => "a review",
            Where::Difference => "a difference",
            Where::Watch => "the watch",
            Where::Ledger => "ledger and agent",
        }
    }

    /// All of them.
    pub const ALL: [Where; 10] = [
        Where::Everywhere,
        Where::List,
        Where::Board,
        Where::Prompt,
        Where::Affinity,
        Where::Proposals,
        Where::Review,
        Where::Difference,
        Where::Watch,
        Where::Ledger,
    ];
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The action.
    pub action: Action,
    /// Its name in the configuration.
    pub name: &'static str,
    /// Where it is at work.
    pub place: Where,
    /// Its keys, the one that hints show first.
    pub keys: &'static [&'static str],
    /// One or two words for the bar of hints.
    pub hint: &'static str,
    /// What it does.
    pub says: &'static str,
}

macro_rules! actions {
    ($($action:ident $name:literal $place:ident [$($key:literal),*] $hint:literal $says:literal;)+) => {
        /// Something that a person can do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = $says] $action,)+
        }

        /// The table.
        pub const ROWS: &[Row] = &[$(Row {
            action: Action::$action,
            name: $name,
            place: Where::$place,
            keys: &[$($key),*],
            hint: $hint,
            says: $says,
        },)+];
    };
}

actions! {
    Help "help" Everywhere ["?", "f1"] "help" "Show what can be done here; type to search";
    Palette "palette" Everywhere [":", "ctrl-p"] "palette" "Find an action or a prompt by name";
    Filter "filter" Everywhere ["/"] "filter" "Narrow the list as you type";
    Back "back" Everywhere ["esc"] "back" "Go back one step: input, dialog, filter, zoom, page";
    Quit "quit" Everywhere ["q"] "quit" "Go back, and at the root quit";
    QuitNow "quit-now" Everywhere ["ctrl-c"] "quit" "Quit at once";
    Tab1 "prompts" Everywhere ["1"] "prompts" "Prompts: the leaderboard";
    Tab2 "affinity" Everywhere ["2"] "affinity" "Affinity: which model serves which prompt";
    Tab3 "proposals" Everywhere ["3"] "proposals" "Proposals: what waits for a decision";
    Tab4 "watch" Everywhere ["4"] "watch" "Watch: what got worse";
    Tab5 "ledger" Everywhere ["5"] "ledger" "Ledger and agent";
    NextTab "next-tab" Everywhere ["tab"] "next tab" "The next tab";
    PreviousTab "previous-tab" Everywhere ["shift-tab"] "previous tab" "The tab before";
    Zoom "zoom" Everywhere ["+"] "zoom" "Give the focused part the whole screen";
    Unzoom "unzoom" Everywhere ["_"] "unzoom" "Give it back";
    Window "window" Everywhere ["w"] "window" "The next longer window of time: 15m, 24h, 7d, 30d";
    PreviousWindow "previous-window" Everywhere ["W"] "window" "The next shorter window of time";
    CustomWindow "custom-window" Everywhere ["ctrl-w"] "window" "Name a window of time, such as 2026-11-01..2026-11-08";
    Refresh "refresh" Everywhere ["ctrl-l", "f5"] "refresh" "Ask anew and draw anew";
    Messages "messages" Everywhere ["M"] "messages" "What was said: the log of toasts";
    Copy "copy" Everywhere ["y"] "copy" "Send what is selected to the terminal's clipboard";
    Undo "undo" Everywhere ["u"] "undo" "Undo the last decision, by a new entry, where that is possible";
    Theme "theme" Everywhere ["T"] "theme" "Choose a theme; it is shown as you move";
    Mouse "mouse" Everywhere ["m"] "mouse" "Take the mouse, or leave it to the terminal";
    Unlock "unlock" Everywhere ["K"] "unlock" "Unlock your key with its passphrase";
    Suspend "suspend" Everywhere ["ctrl-z"] "suspend" "Go to the background";
    Demo "demo" Everywhere ["d"] "demo" "In an empty store: open a demo world instead";

    Down "down" List ["j", "down"] "down" "Down";
    Up "up" List ["k", "up"] "up" "Up";
    Left "left" List ["h", "left"] "left" "Left";
    Right "right" List ["l", "right"] "right" "Right";
    HalfDown "half-page-down" List ["ctrl-d"] "half page" "Half a page down";
    HalfUp "half-page-up" List ["ctrl-u"] "half page" "Half a page up";
    PageDown "page-down" List ["pgdn", "ctrl-f"] "page" "A page down";
    PageUp "page-up" List ["pgup", "ctrl-b"] "page" "A page up";
    Top "top" List ["g g", "home"] "top" "To the beginning";
    Bottom "bottom" List ["G", "end"] "bottom" "To the end";
    Open "open" List ["enter"] "open" "Open what is selected";
    Sort "sort" List ["s"] "sort" "Choose the column that sorts";
    SortNext "sort-next" List [">"] "sort" "Sort by the next column";
    SortPrevious "sort-previous" List ["<"] "sort" "Sort by the column before";
    Invert "invert" List ["i"] "invert" "Turn the order round";

    Group "group" Board ["b"] "group" "Group by scope, task type, owner, or not";
    View "view" Board ["v"] "view" "Another choice of columns: overview, quality, cost";
    BoardProposals "prompt-proposals" Board ["p"] "proposals" "The proposals of the selected prompt";

    Section "section" Prompt ["v"] "section" "The next part of the page: trends, parts, text, history, calls";
    PreviousSection "previous-section" Prompt ["V"] "section" "The part before";
    PromptProposals "proposals-of-prompt" Prompt ["p"] "proposals" "The proposals of this prompt";
    Compare "compare" Prompt ["c"] "compare" "See what a version changed, against the one before";
    RollBack "roll-back" Prompt ["B"] "roll back" "Make an earlier version active again";

    CostLess "cost-less" Affinity ["["] "cost -" "Let cost weigh less";
    CostMore "cost-more" Affinity ["]"] "cost +" "Let cost weigh more";
    CostReset "cost-reset" Affinity ["0"] "as set" "Let cost weigh as it is configured";
    AffinityOpen "affinity-prompt" Affinity ["o"] "prompt" "Open the prompt's page";

    Mark "mark" Proposals ["space"] "mark" "Mark, for an action on many";
    MarkAll "mark-all" Proposals ["*"] "mark all" "Mark all that are listed, or none";
    ManyAccept "accept-proposal" Proposals ["a"] "accept" "Accept the selected or the marked proposals";
    ManyReject "reject-proposal" Proposals ["r"] "reject" "Reject the selected or the marked proposals";
    ManyDefer "defer-proposal" Proposals ["f"] "defer" "Put the selected or the marked proposals off";
    Standing "standing" Proposals ["t"] "status" "Open, decided or all proposals";
    QueuePrompt "proposal-prompt" Proposals ["o"] "prompt" "Open the prompt's page";

    Accept "accept" Review ["a"] "accept" "Accept: publish the text that is shown";
    Reject "reject" Review ["r"] "reject" "Reject, with a reason";
    Modify "modify" Review ["e"] "edit" "Change the text in your editor";
    ModifyHere "modify-here" Review ["E"] "edit here" "Change the text here";
    Defer "defer" Review ["f"] "defer" "Put it off";
    Comment "comment" Review ["c"] "comment" "Say something about it";
    NextProposal "next-proposal" Review ["}"] "next" "Review the next proposal of the queue";
    PreviousProposal "previous-proposal" Review ["{"] "before" "Review the proposal before";
    Beside "beside" Review ["v"] "evidence" "Move between the change and its evidence";
    ReviewPrompt "review-prompt" Review ["o"] "prompt" "Open the prompt's page";

    NextChange "next-change" Difference ["n"] "next change" "To the next change";
    PreviousChange "previous-change" Difference ["N"] "change before" "To the change before";
    Layout "layout" Difference ["\\"] "layout" "Side by side, or one below the other";
    Context "context" Difference ["z"] "context" "Show more of what did not change, or less";
    Invisibles "invisibles" Difference ["x"] "blanks" "Show blanks and tabs";

    Freeze "freeze" Watch ["space"] "freeze" "Hold the screen still; data keeps arriving";
    Acknowledge "acknowledge" Watch ["a"] "acknowledge" "Say that it has been seen: a new baseline begins";
    Silence "silence" Watch ["s"] "silence" "Let it be silent for a time";
    WatchRollBack "watch-roll-back" Watch ["B"] "roll back" "Make an earlier version of the prompt active again";
    WatchProposal "watch-proposal" Watch ["p"] "proposal" "Open the proposal to go back from what regressed";
    WatchPrompt "watch-prompt" Watch ["o"] "prompt" "Open the prompt's page";

    Part "part" Ledger ["v"] "part" "Move between the ledger, the runs and the agent";
    Verify "verify" Ledger ["V"] "verify" "Check the whole ledger: chain, signatures, and that it explains the store";
    UndoEntry "undo-entry" Ledger ["U"] "undo" "Undo what the selected entry decided, by a new entry";
    RunNow "run-agent" Ledger ["R"] "run" "Let the agent run now";
    DryRun "dry-run" Ledger ["D"] "dry run" "Let the agent look and draft, and write nothing";
}

impl Action {
    /// Its row.
    pub fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }
}

/// The key reference, as Markdown.
pub fn reference() -> String {
    let mut out = String::from(
        "# Keys\n\nAll of them can be changed under `[console.keys]` in the configuration; `human` writes this page.\n",
    );
    for place in Where::ALL {
        let name = place.words();
        let mut name =
            name.strip_prefix("the ").or_else(|| name.strip_prefix("a ")).unwrap_or(name).to_owned();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let _ = write!(out, "\n## {name}\n\n| Keys | Name | What it does |\n| --- | --- | --- |\n");
        for row in ROWS.iter().filter(|row| row.place == place) {
            let keys = row.keys.iter().map(|key| format!("`{}`", key.replace('|', "\\|")));
            let keys = keys.collect::<Vec<_>>().join(" ");
            let _ = writeln!(out, "| {keys} | `{}` | {} |", row.name, row.says);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_where_their_action_says_and_have_names_of_their_own() {
        for (i, row) in ROWS.iter().enumerate() {
            assert_eq!(row.action as usize, i, "{}", row.name);
            assert!(ROWS[i + 1..].iter().all(|other| other.name != row.name), "{}", row.name);
        }
    }

    #[test]
    fn the_key_reference_is_the_tables() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/keys.md");
        if std::env::var_os("HUMAN_WRITE").is_some() {
            std::fs::write(&path, reference()).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == reference(), "assets/keys.md is stale: run this test with HUMAN_WRITE=1");
    }
}
