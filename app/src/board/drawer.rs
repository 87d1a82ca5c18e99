//! An item that is open beside the board, the backlog or the table: it stands in the address as `?item=CHK-12`, so it can
//! be sent to somebody, and Esc closes it. Without JavaScript links lead to its page.

use super::api::ReadDrawer;
use super::{item, talk};
use crate::AppError;
use crate::design::time::time;
use crate::live::Topics;
use crate::load::load;
use crate::places::{param, query};
use crate::tr;
use leptos::ev;
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use leptos_router::params::ParamsMap;
use slipway_domain::item::ItemView;

/// Goes to an address.
#[cfg(feature = "hydrate")]
type Going = Box<dyn Fn(&str)>;

/// What opens and closes the drawer of a page.
#[derive(Clone, Copy)]
pub struct Drawer {
    query: Memo<ParamsMap>,
    path: Memo<String>,
    /// A browser has one thread; the server draws on many, and never goes anywhere.
    #[cfg(feature = "hydrate")]
    navigate: StoredValue<Going, LocalStorage>,
    /// The item whose drawer gets the focus once it is drawn: live updates draw it again, and must not.
    wants_focus: StoredValue<String>,
}

impl Drawer {
    /// Of the page that is drawn.
    pub fn here() -> Self {
        Self {
            query: use_query_map(),
            path: use_location().pathname,
            #[cfg(feature = "hydrate")]
            navigate: StoredValue::new_local(going()),
            wants_focus: StoredValue::new(String::new()),
        }
    }

    /// The address of the page with `key` open, or with nothing open.
    pub fn address(self, key: Option<&str>) -> String {
        let mut query = self.query.get_untracked();
        query.remove("item");
        if let Some(key) = key {
            query.insert(String::from("item"), key.to_owned());
        }
        format!("{}{}", self.path.get_untracked(), query.to_query_string())
    }

    /// Opens an item where a plain click on its link would lead to its page.
    pub fn open(self, key: &str, ev: &ev::MouseEvent) {
        if ev.ctrl_key() || ev.meta_key() || ev.shift_key() || ev.button() != 0 {
            return;
        }
        ev.prevent_default();
        self.wants_focus.set_value(key.to_owned());
        self.go(&self.address(Some(key)));
    }

    #[cfg(feature = "hydrate")]
    fn go(self, address: &str) {
        self.navigate.with_value(|navigate| navigate(address));
    }

    #[cfg(not(feature = "hydrate"))]
    #[expect(clippy::unused_self, reason = "the same shape as in the browser")]
    fn go(self, _address: &str) {}

    fn drawn(self, key: &str) {
        if self.wants_focus.with_value(|wanted| wanted == key) {
            self.wants_focus.set_value(String::new());
            crate::browser::focus("#drawer-title");
        }
    }

    /// Closes it, and puts the focus back where it was opened.
    fn close(self, key: &str) {
        self.go(&self.address(None));
        crate::browser::focus(format!("[data-opens='{key}']"));
    }
}

/// Goes to an address; the page stays where it is scrolled: only its address and what is open beside it change.
#[cfg(feature = "hydrate")]
fn going() -> Going {
    let navigate = leptos_router::hooks::use_navigate();
    Box::new(move |address| {
        let options = leptos_router::NavigateOptions {
            scroll: false,
            ..leptos_router::NavigateOptions::default()
        };
        navigate(address, options);
    })
}

/// The place of a drawer beside a page. What is in it is a part of the WASM of its own, which the browser fetches when an
/// item is opened for the first time; the server leaves it out, since links without JavaScript lead to the item's page.
pub fn drawer(drawer: Drawer) -> AnyView {
    provide_context(drawer);
    let key = query("item");
    let drawn = RwSignal::new(false);
    Effect::new(move |_| drawn.set(true));
    let called = Memo::new(move |was: Option<&bool>| was == Some(&true) || (drawn.get() && key().is_some()));
    let inside = move || called.get().then(|| Suspend::new(fetched()));
    view! { {inside} }.into_any()
}

/// The drawer, once its part is there. A browser has one thread, and the server never gets here.
fn fetched() -> impl Future<Output = AnyView> + Send {
    leptos::__reexports::send_wrapper::SendWrapper::new(async { (crate::part::drawer().make)().await })
}

/// What is in the drawer of a page; nothing where nothing is open.
pub fn inside() -> AnyView {
    let Some(drawer) = use_context::<Drawer>() else {
        return ().into_any();
    };
    let (org, project, key) = (param("org"), param("project"), query("item"));
    load(move || ReadDrawer {
        org: org(),
        project: project(),
        key: key(),
    })
    .watching(|item: &Option<ItemView>| {
        item.as_ref()
            .map_or_else(Topics::default, |item| Topics::of("item", item.card.id))
    })
    .view_or(
        move |item| match item {
            None => ().into_any(),
            Some(item) => show(drawer, &item),
        },
        unread,
    )
}

/// An item that cannot be read: why, and the way back.
fn unread(error: AppError) -> AnyView {
    let back = use_context::<Drawer>().map(|drawer| drawer.address(None));
    let why = error.message;
    view! {
        <section class="drawer" role="dialog" aria-label=why.clone()>
            <p class="note bad gap-below" role="alert">{why.clone()}</p>
            <a class="btn" href=back.unwrap_or_default()>{tr!(board.close_drawer)}</a>
        </section>
    }
    .into_any()
}

fn show(drawer: Drawer, of: &ItemView) -> AnyView {
    let card = &of.card;
    let key = card.key.clone();
    drawer.drawn(&key);
    let closing = key.clone();
    let on_key = move |ev: ev::KeyboardEvent| {
        if ev.key() == "Escape" && !ev.is_composing() && !ev.default_prevented() {
            ev.prevent_default();
            drawer.close(&closing);
        }
    };
    let clicked = key.clone();
    let on_close = move |ev: ev::MouseEvent| {
        ev.prevent_default();
        drawer.close(&clicked);
    };
    let page = format!("{}/items/{key}", of.place.path());
    view! {
        <section class="drawer" role="dialog" aria-labelledby="drawer-title" on:keydown=on_key>
            <header class="drawer-head">
                <div>
                    <h2 id="drawer-title" tabindex="-1">{card.title.clone()}</h2>
                    <p class="muted"><code>{key}</code>" · "{of.reporter.name.clone()}" · "{time(of.created_at)}</p>
                </div>
                <div class="row wrap">
                    {talk::watch(of)}
                    {item::edit_link(of)}
                    <a class="btn quiet" href=page>{tr!(board.whole_page)}</a>
                    <a class="btn quiet" href=drawer.address(None) on:click=on_close>{tr!(board.close_drawer)}</a>
                </div>
            </header>
            {item::inside(of)}
        </section>
    }
    .into_any()
}
