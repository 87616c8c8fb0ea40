//! What a piece of the screen means. A theme says how each looks; nothing else names a colour.

macro_rules! roles {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// What a piece of the screen means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Role {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Role {
            /// All of them, in the order of the enum.
            pub const ALL: &'static [Role] = &[$(Role::$variant,)+];

            /// Its name in a theme's file.
            pub const fn name(self) -> &'static str {
                match self { $(Role::$variant => $name,)+ }
            }
        }
    };
}

roles! {
    /// The ground of the screen, with which a frame begins: the terminal's own, or that of the theme.
    Ground = "ground",
    /// Ordinary text. It has no ground of its own, so that it can stand on a dialog or a selected row, too.
    Text = "text",
    /// Text of second rank: labels, units, names that repeat.
    Muted = "muted",
    /// What is there to be overlooked: rules, placeholders, rows that are being refreshed. Fainter than text has to be:
    /// nothing may be said by it alone.
    Faint = "faint",
    /// Text that stands out by weight.
    Strong = "strong",
    /// The one accent.
    Accent = "accent",
    /// Titles of panes and dialogs.
    Title = "title",
    /// Column headings.
    Heading = "heading",
    /// Frames. As faint as [`Role::Faint`].
    Border = "border",
    /// The frame of what has the focus.
    BorderActive = "border-active",
    /// The selected row of the list that has the focus.
    Selection = "selection",
    /// The selected row of a list without focus.
    SelectionIdle = "selection-idle",
    /// A row or item that is marked for an action on many.
    Marked = "marked",
    /// Letters that a search matched.
    Match = "match",
    /// Well.
    Good = "good",
    /// To be looked at.
    Caution = "caution",
    /// Bad.
    Bad = "bad",
    /// Bad, and somebody should come: a stream that pages.
    Page = "page",
    /// Words about what goes on.
    Info = "info",
    /// Too little evidence to say.
    Insufficient = "insufficient",
    /// Little could go wrong.
    RiskLow = "risk-low",
    /// Something could.
    RiskMedium = "risk-medium",
    /// Much could.
    RiskHigh = "risk-high",
    /// A key in a hint.
    Key = "key",
    /// What the key does.
    Hint = "hint",
    /// A chip of the status bar.
    Chip = "chip",
    /// A chip that should be noticed: read-only, frozen, mouse off.
    ChipAlert = "chip-alert",
    /// The tab that is open.
    TabActive = "tab-active",
    /// The others.
    Tab = "tab",
    /// A field that takes text.
    Input = "input",
    /// A button.
    Button = "button",
    /// The button that Enter presses.
    ButtonFocused = "button-focused",
    /// The focused button of what cannot be taken back lightly.
    ButtonDanger = "button-danger",
    /// The ground of a dialog.
    Dialog = "dialog",
    /// What lies under a dialog, and is not to be read meanwhile.
    Backdrop = "backdrop",
    /// A toast.
    Toast = "toast",
    /// A toast about a failure.
    ToastBad = "toast-bad",
    /// A template's variable.
    Variable = "variable",
    /// A heading within a prompt.
    PromptHeading = "prompt-heading",
    /// A fence and what it encloses.
    Code = "code",
    /// A character that is shown and not emitted.
    Escape = "escape",
    /// Line numbers.
    LineNumber = "line-number",
    /// A line that came.
    Added = "added",
    /// The words of it that are new.
    AddedWord = "added-word",
    /// A line that went.
    Removed = "removed",
    /// The words of it that are gone.
    RemovedWord = "removed-word",
    /// Lines that are not shown.
    Gap = "gap",
    /// Lines and ticks of a chart's axes, not their numbers. As faint as [`Role::Faint`].
    Axis = "axis",
    /// The band in which a baseline lies. As faint as [`Role::Faint`]; its bounds are said in words.
    Band = "band",
    /// Marks on the time axis: versions and alerts.
    Event = "event",
    /// First line of a chart.
    Series1 = "series-1",
    /// Second line of a chart.
    Series2 = "series-2",
    /// Third line of a chart.
    Series3 = "series-3",
    /// Fourth line of a chart.
    Series4 = "series-4",
    /// Fifth line of a chart.
    Series5 = "series-5",
    /// Sixth line of a chart.
    Series6 = "series-6",
    /// Lowest shade of a heat map.
    Heat1 = "heat-1",
    /// Second shade.
    Heat2 = "heat-2",
    /// Middle shade.
    Heat3 = "heat-3",
    /// Fourth shade.
    Heat4 = "heat-4",
    /// Highest shade.
    Heat5 = "heat-5",
    /// A core prompt.
    Core = "core",
    /// A prompt of an organization.
    Org = "org",
    /// A patch of a user.
    User = "user",
}

impl Role {
    /// Lines of a chart, in order.
    pub const SERIES: [Role; 6] =
        [Role::Series1, Role::Series2, Role::Series3, Role::Series4, Role::Series5, Role::Series6];
    /// Shades of a heat map, lowest first.
    pub const HEAT: [Role; 5] = [Role::Heat1, Role::Heat2, Role::Heat3, Role::Heat4, Role::Heat5];
}
