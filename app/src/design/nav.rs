//! The frame of every page: navigation at the side (tabs at the bottom of a phone), top bar, main.

use super::crumbs::crumbs;
use super::icon::{Icon, icon};
use super::toast::{ToastArea, Toasts};
use super::user_menu::UserMenu;
use crate::load::{Load, load};
use crate::places;
use crate::tr;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use slipway_domain::feature::Feature;
use slipway_domain::org::Chrome;

/// An entry of the navigation.
struct Entry {
    icon: Icon,
    word: String,
    href: String,
    /// Pages below this address are part of it as well.
    below: Option<String>,
    /// Other pages that are part of it, with those below them.
    also: Vec<String>,
    count: i64,
}

impl Entry {
    fn new(icon: Icon, word: String, href: String) -> Self {
        Self {
            icon,
            word,
            below: Some(href.clone()),
            also: Vec::new(),
            href,
            count: 0,
        }
    }

    /// Whether the page at `path` belongs to the entry.
    fn current(href: &str, below: Option<&str>, also: &[String], path: &str) -> bool {
        let is_below = |above: &str| path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
        path == href
            || below.is_some_and(is_below)
            || also.iter().any(|other| path == other || is_below(other))
    }

    fn view(&self, class: &'static str, path: Memo<String>) -> AnyView {
        let (href, below, also) = (self.href.clone(), self.below.clone(), self.also.clone());
        let current = move || {
            path.with(|path| Self::current(&href, below.as_deref(), &also, path))
                .then_some("page")
        };
        let count = (self.count > 0).then(|| {
            view! { <span class="nav-count">{self.count}</span> }
        });
        view! {
            <a class=class href=self.href.clone() aria-current=current>
                {icon(self.icon)}
                <span class="label">{self.word.clone()}</span>
                {count}
            </a>
        }
        .into_any()
    }
}

fn own_entries(chrome: &Chrome) -> Vec<Entry> {
    let mut home = Entry::new(Icon::Home, tr!(common.nav_home), String::from("/"));
    home.below = None;
    let mut approvals = Entry::new(
        Icon::Approval,
        tr!(common.nav_approvals),
        String::from("/approvals"),
    );
    approvals.count = chrome.approvals_waiting;
    vec![home, approvals]
}

/// The entries of the project that the page is in, or of the organization; with the name to stand above.
fn place_entries(chrome: &Chrome) -> Option<(String, Vec<Entry>)> {
    let place = chrome.place.as_ref()?;
    let Some(project) = &place.project else {
        let mut projects = Entry::new(Icon::Apps, tr!(common.nav_projects), places::org(&place.org.slug));
        projects.below = None;
        let root = places::org(&place.org.slug);
        let members = Entry::new(Icon::People, tr!(common.nav_members), format!("{root}/members"));
        let audit = chrome
            .may_read_audit
            .then(|| Entry::new(Icon::Audit, tr!(common.nav_audit), format!("{root}/audit")));
        let settings = settings_entry(chrome, &root);
        let entries = [projects, members]
            .into_iter()
            .chain(audit)
            .chain(settings)
            .collect();
        return Some((place.org.name.clone(), entries));
    };
    let root = places::project(&place.org.slug, &project.slug);
    let mut apps = Entry::new(Icon::Apps, tr!(common.nav_apps), root.clone());
    apps.below = Some(format!("{root}/apps"));
    let mut entries = vec![apps];
    if project.features.has(Feature::Boards) {
        let mut board = Entry::new(Icon::Board, tr!(common.nav_board), format!("{root}/board"));
        // What the board's tabs lead to is its own in the navigation.
        let tabs = ["backlog", "table", "iterations", "roadmap", "items"];
        board.also = tabs.map(|tab| format!("{root}/{tab}")).to_vec();
        entries.push(board);
        entries.push(Entry::new(
            Icon::Bug,
            tr!(common.nav_bugs),
            format!("{root}/bugs"),
        ));
    }
    if project.features.has(Feature::Insights) {
        entries.push(Entry::new(
            Icon::Chart,
            tr!(common.nav_insights),
            format!("{root}/insights"),
        ));
    }
    entries.push(Entry::new(
        Icon::Layers,
        tr!(common.nav_environments),
        format!("{root}/environments"),
    ));
    entries.push(Entry::new(
        Icon::People,
        tr!(common.nav_members),
        format!("{root}/members"),
    ));
    if chrome.may_read_audit {
        entries.push(Entry::new(
            Icon::Audit,
            tr!(common.nav_audit),
            format!("{root}/audit"),
        ));
    }
    entries.extend(settings_entry(chrome, &root));
    Some((project.name.clone(), entries))
}

/// The way to the settings, for those who may change them.
fn settings_entry(chrome: &Chrome, root: &str) -> Option<Entry> {
    chrome
        .may_manage
        .then(|| Entry::new(Icon::Gear, tr!(common.nav_settings), format!("{root}/settings")))
}

fn side(chrome: &Chrome, path: Memo<String>) -> AnyView {
    let own = own_entries(chrome)
        .iter()
        .map(|e| e.view("nav-item", path))
        .collect_view();
    let place = place_entries(chrome).map(|(name, entries)| {
        let items = entries.iter().map(|e| e.view("nav-item", path)).collect_view();
        view! { <p class="nav-section">{name}</p>{items} }
    });
    view! {
        <nav class="nav" aria-label=tr!(common.nav)>
            <a class="brand" href="/">{icon(Icon::Brand)}"Slipway"</a>
            {own}
            {place}
        </nav>
    }
    .into_any()
}

fn bottom(chrome: &Chrome, path: Memo<String>) -> AnyView {
    let own = own_entries(chrome)
        .iter()
        .map(|e| e.view("tab", path))
        .collect_view();
    let place = place_entries(chrome).map(|(_, entries)| {
        let first = entries.iter().take(2).map(|e| e.view("tab", path)).collect_view();
        let more = entries
            .iter()
            .skip(2)
            .map(|e| e.view("", path))
            .collect::<Vec<_>>();
        let more = (!more.is_empty()).then(|| {
            view! {
                <details class="menu">
                    <summary class="tab">{icon(Icon::More)}{tr!(common.nav_more)}</summary>
                    <div class="menu-panel">{more}</div>
                </details>
            }
        });
        view! { {first}{more} }
    });
    view! { <nav class="tabbar" aria-label=tr!(common.nav_short)>{own}{place}</nav> }.into_any()
}

/// The part of the address that says which organization, project and app the page is in.
type InAddress = (Option<String>, Option<String>, Option<String>);

pub(crate) fn place_of(path: &str) -> InAddress {
    let mut parts = path.split('/').skip(1);
    // `new` is where the next one is made.
    let mut after = |word: &str| {
        (parts.next() == Some(word))
            .then(|| parts.next())
            .flatten()
            .filter(|slug| *slug != "new")
            .map(str::to_owned)
    };
    let org = after("orgs");
    let project = org.as_ref().and_then(|_| after("projects"));
    let app = project.as_ref().and_then(|_| after("apps"));
    (org, project, app)
}

fn framed(chrome: Load<Chrome>, path: Memo<String>, part: fn(&Chrome, Memo<String>) -> AnyView) -> AnyView {
    chrome.view_or(move |chrome| part(&chrome, path), |_| ().into_any())
}

/// Leads on to where a place is now, when its address has an old slug.
fn follow(chrome: &Chrome, path: Memo<String>) {
    let to = chrome
        .place
        .as_ref()
        .and_then(|place| path.with_untracked(|path| places::moved(path, place)));
    let Some(to) = to else { return };
    #[cfg(feature = "ssr")]
    leptos_axum::redirect(&to);
    #[cfg(not(feature = "ssr"))]
    {
        let navigate = leptos_router::hooks::use_navigate();
        let options = leptos_router::NavigateOptions {
            replace: true,
            ..leptos_router::NavigateOptions::default()
        };
        Effect::new(move || navigate(&to, options.clone()));
    }
}

/// The way to the notifications, with how many are unread.
fn bell(unread: i64, path: Memo<String>) -> AnyView {
    let current = move || {
        path.with(|path| path.starts_with("/notifications"))
            .then_some("page")
    };
    let label = match unread {
        0 => tr!(common.notifications),
        n => tr!(common.notifications_unread, n = n),
    };
    let count = (unread > 0).then(|| {
        let shown = if unread > 99 {
            String::from("99+")
        } else {
            unread.to_string()
        };
        view! { <span class="nav-count" aria-hidden="true">{shown}</span> }
    });
    view! { <a class="bell" href="/notifications" aria-current=current aria-label=label>{icon(Icon::Bell)}{count}</a> }
        .into_any()
}

fn top(chrome: &Chrome, path: Memo<String>) -> AnyView {
    follow(chrome, path);
    let place = chrome.place.clone();
    view! {
        <header class="top">
            {move || path.with(|path| crumbs(path, place.as_ref()))}
            {crate::search::summon::button()}
            {bell(chrome.notices_unread, path)}
            <UserMenu person=chrome.person.clone() operator=chrome.operator/>
        </header>
    }
    .into_any()
}

/// The frame around every page. The sign-in page has none of the navigation.
#[component]
pub fn Frame(
    /// Whether a page is being fetched.
    routing: ReadSignal<bool>,
    /// The page.
    children: Children,
) -> AnyView {
    let location = use_location();
    let path = location.pathname;
    let bare =
        Memo::new(move |_| path.with(|path| matches!(path.as_str(), "/sign-in" | "/sign-in/code" | "/join")));
    let toasts = Toasts::provide();
    let palette = (!bare.get_untracked()).then(crate::search::summon::summoned);
    let offline = RwSignal::new(false);
    let main = children();
    #[cfg(feature = "hydrate")]
    in_the_browser(routing, bare, offline);
    // A page load leads to and from the sign-in page, so this does not change while the app lives.
    let chrome = (!bare.get_untracked()).then(|| read_chrome(path));
    let parts = move |part: fn(&Chrome, Memo<String>) -> AnyView| {
        move || {
            chrome
                .filter(|_| !bare.get())
                .map(|chrome| framed(chrome, path, part))
        }
    };
    view! {
        <a class="btn skip" href="#main" rel="external">{tr!(common.skip)}</a>
        <div class="progress" data-on=move || routing.get().then_some("true")></div>
        {move || offline.get().then(|| view! { <p class="offline" role="status">{tr!(common.reconnecting)}</p> })}
        <div class="frame" class:bare=bare>
            {parts(side)}
            <div class="page">
                {parts(top)}
                <main class="main" id="main" tabindex="-1">{main}</main>
            </div>
            {parts(bottom)}
        </div>
        <ToastArea toasts/>
        {palette}
    }
    .into_any()
}

/// What the frame shows of the person and the place.
fn read_chrome(path: Memo<String>) -> Load<Chrome> {
    let place = Memo::new(move |_| path.with(|path| place_of(path)));
    load(move || {
        let (org, project, app) = place.get();
        crate::me::api::ReadChrome { org, project, app }
    })
    .watching(chrome_topics)
}

/// What the frame hears of: its person, and the names and switches of its place.
fn chrome_topics(chrome: &Chrome) -> crate::live::Topics {
    let topics = crate::live::Topics::of("person", chrome.person.id);
    let Some(place) = &chrome.place else { return topics };
    match &place.project {
        Some(project) => topics.and("project", project.id),
        None => topics.and("org", place.org.id),
    }
}

/// The live stream, and the focus that follows a change of page.
#[cfg(feature = "hydrate")]
fn in_the_browser(routing: ReadSignal<bool>, bare: Memo<bool>, offline: RwSignal<bool>) {
    let made_at = use_context::<crate::Seed>().unwrap_or_default().made_at;
    Effect::new(move |listening: Option<bool>| {
        let listening = listening.unwrap_or(false);
        if !listening && !bare.get() {
            crate::live::listen(made_at, offline);
            return true;
        }
        listening
    });
    Effect::new(move |was: Option<bool>| {
        let now = routing.get();
        if was == Some(true) && !now {
            crate::browser::focus("main h1");
        }
        now
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_where_the_page_is() {
        let own = |s: &str| Some(String::from(s));
        assert_eq!(
            place_of("/orgs/acme/projects/checkout/apps/x"),
            (own("acme"), own("checkout"), own("x"))
        );
        assert_eq!(place_of("/orgs/acme"), (own("acme"), None, None));
        assert_eq!(place_of("/orgs/acme/members"), (own("acme"), None, None));
        assert_eq!(place_of("/orgs/acme/projects/new"), (own("acme"), None, None));
        assert_eq!(place_of("/orgs/new"), (None, None, None));
        assert_eq!(place_of("/approvals/1"), (None, None, None));
    }

    #[test]
    fn an_entry_is_current_for_its_page_and_the_ones_below_it() {
        assert!(Entry::current("/a/board", Some("/a/board"), &[], "/a/board/x"));
        assert!(!Entry::current("/a/board", Some("/a/board"), &[], "/a/boards"));
        assert!(!Entry::current("/a", None, &[], "/a/board"));
        assert!(Entry::current("/a", Some("/a/apps"), &[], "/a/apps/x/runs/1"));
        assert!(!Entry::current("/a", Some("/a/apps"), &[], "/a/board"));
        let also = [String::from("/a/table")];
        for path in ["/a/table", "/a/table/x"] {
            assert!(
                Entry::current("/a/board", Some("/a/board"), &also, path),
                "{path}"
            );
        }
        assert!(!Entry::current("/a/board", Some("/a/board"), &also, "/a/tables"));
    }
}
