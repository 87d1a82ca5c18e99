//! Icons: inline SVG paths on a grid of 16, drawn in the text's color.

use leptos::prelude::*;

/// An icon of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// Slipway's mark: a hull on its slip.
    Brand,
    /// Done, healthy, yes.
    Check,
    /// Failed, no, close.
    Cross,
    /// Under way.
    Running,
    /// Waits for a person.
    Waiting,
    /// Waits for its turn.
    Queued,
    /// Degraded, drift, a warning.
    Warning,
    /// Skipped, cancelled, never.
    Skipped,
    /// Frozen.
    Frozen,
    /// My work.
    Home,
    /// Approvals.
    Approval,
    /// Apps.
    Apps,
    /// The board.
    Board,
    /// A line that rises.
    Chart,
    /// Bugs.
    Bug,
    /// Environments.
    Layers,
    /// Members.
    People,
    /// The audit log.
    Audit,
    /// More.
    More,
    /// An empty tray.
    Tray,
    /// A lock: not allowed.
    Lock,
    /// Settings.
    Gear,
    /// Nothing found.
    Search,
    /// Notifications.
    Bell,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Brand => "M2 12 14 5.3M4 8.7l2-4.7 6 2-2 3.3M2 14h12",
            Self::Check => "M3 8.5 6.5 12 13 4.5",
            Self::Cross => "m4 4 8 8M12 4l-8 8",
            Self::Running => "M8 2a6 6 0 1 1-6 6",
            Self::Waiting => "M4 3h3v10H4zM9 3h3v10H9z",
            Self::Queued => "M8 3a5 5 0 1 0 0 10A5 5 0 1 0 8 3",
            Self::Warning => "M8 2.5 14 13H2zM8 6.5v3M8 11.2v.3",
            Self::Skipped => "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 1 0 0-11M4.5 11.5l7-7",
            Self::Frozen => "M8 1.5v13M2.4 4.7l11.2 6.6M2.4 11.3l11.2-6.6",
            Self::Home => "M2 7.5 8 2.5l6 5M4 6.5V13h8V6.5",
            Self::Approval => "M2.5 2.5h11v11h-11zM5 8.2 7.2 10.4 11 6",
            Self::Apps => "M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z",
            Self::Chart => "M2 13.5h12M2.5 11l3.5-4 3 2.5L13.5 4",
            Self::Board => "M2.5 2.5h3v11h-3zM6.5 2.5h3v7h-3zM10.5 2.5h3v9h-3z",
            Self::Bug => {
                "M5 6.5a3 3 0 0 1 6 0v3a3 3 0 0 1-6 0zM8 6.5v6M2 5l3 1.5M14 5l-3 1.5M1.5 9H5M11 9h3.5M2 13l3-2M14 13l-3-2M6 4 5 2M10 4l1-2"
            }
            Self::Layers => "M8 2 14 5 8 8 2 5zM2 8l6 3 6-3M2 11l6 3 6-3",
            Self::People => {
                "M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5M1.5 13.5a4.5 4.5 0 0 1 9 0M10.5 2.7a2.5 2.5 0 0 1 0 4.6M12 9.5a4.5 4.5 0 0 1 2.5 4"
            }
            Self::Audit => "M3.5 1.5h9v13h-9zM5.5 5h5M5.5 8h5M5.5 11h3",
            Self::More => "M3 8h.1M8 8h.1M13 8h.1",
            Self::Tray => "M2 9.5h3.5l1 2h3l1-2H14M2 9.5 4 3h8l2 6.5V13H2z",
            Self::Lock => "M3.5 7h9v6.5h-9zM5.5 7V5a2.5 2.5 0 0 1 5 0v2",
            Self::Gear => {
                "M2.5 4.5h7M12.5 4.5h1M11 3v3M2.5 8h1M6.5 8h7M5 6.5v3M2.5 11.5h6M11.5 11.5h2M10 10v3"
            }
            Self::Bell => "M3.5 11.5h9l-1.2-2V7a3.3 3.3 0 0 0-6.6 0v2.5zM6.5 13.5h3",
            Self::Search => "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.5 10.5l3.5 3.5",
        }
    }

    const fn solid(self) -> bool {
        matches!(self, Self::Waiting)
    }
}

/// Draws an icon; it says nothing to a screen reader, so a word must stand beside it.
pub fn icon(icon: Icon) -> AnyView {
    let class = if icon.solid() { "icon solid" } else { "icon" };
    view! {
        <svg class=class viewBox="0 0 16 16" aria-hidden="true">
            <path d=icon.path() stroke-linecap="round"></path>
        </svg>
    }
    .into_any()
}
