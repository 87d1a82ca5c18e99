//! The palette: a combobox over a list of what was found and what can be done (WAI-ARIA, list autocomplete with
//! manual selection).

#[cfg(feature = "hydrate")]
use super::api::{Find, ReadCommands};
use super::choices::{Choice, Group, Switch, groups, word};
use super::keys::{self, Step};
use super::summon::Pressed;
#[cfg(feature = "hydrate")]
use crate::AppError;
use crate::design::icon::{Icon, icon};
use crate::design::nav::place_of;
#[cfg(feature = "hydrate")]
use crate::places::encode;
use crate::tr;
use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::EventTarget;
use leptos_router::hooks::{use_location, use_navigate};
#[cfg(feature = "hydrate")]
use server_fn::ServerFn;
use slipway_domain::search::{Command, Found, LONGEST, Query};
use std::time::Duration;

/// How long typing rests before it is asked for.
const PAUSE: Duration = Duration::from_millis(120);
/// How many hits of a kind the palette shows.
#[cfg(feature = "hydrate")]
const SHOWN: usize = 5;
/// The code of a key that an input method has taken.
const COMPOSING: u32 = 229;
/// What is shown around the chosen option, in pixels.
#[cfg(feature = "hydrate")]
const ROOM: i32 = 32;

/// The state of the palette.
#[derive(Clone, Copy)]
struct Palette {
    dialog: NodeRef<html::Dialog>,
    help: NodeRef<html::Dialog>,
    input: NodeRef<html::Input>,
    preference: NodeRef<html::Form>,
    typed: RwSignal<String>,
    found: RwSignal<Option<Found>>,
    commands: RwSignal<Vec<Command>>,
    /// Why nothing could be found.
    failed: RwSignal<Option<String>>,
    active: RwSignal<usize>,
    /// The name and value of the preference that is posted.
    choice: RwSignal<(&'static str, &'static str)>,
    /// Whether Enter was pressed before there was an answer.
    enter: StoredValue<bool>,
    /// Grows with every question, so that an answer to an earlier one is dropped.
    #[cfg(feature = "hydrate")]
    asked: StoredValue<u32>,
}

/// The palette and the list of keys; closed until [`Pressed`] opens one of them.
pub fn palette() -> AnyView {
    let this = Palette {
        dialog: NodeRef::new(),
        help: NodeRef::new(),
        input: NodeRef::new(),
        preference: NodeRef::new(),
        typed: RwSignal::new(String::new()),
        found: RwSignal::new(None),
        commands: RwSignal::new(Vec::new()),
        failed: RwSignal::new(None),
        active: RwSignal::new(0),
        choice: RwSignal::new(("theme", "system")),
        enter: StoredValue::new(false),
        #[cfg(feature = "hydrate")]
        asked: StoredValue::new(0),
    };
    let shown = Memo::new(move |_| {
        let typed = this.typed.get();
        this.found.with(|found| {
            this.commands
                .with(|commands| groups(&typed, found.as_ref(), commands))
        })
    });
    let navigate = use_navigate();
    let go = move |path: &str| navigate(path, leptos_router::NavigateOptions::default());
    let go = StoredValue::new_local(go);
    let go = move |path: &str| go.with_value(|go| go(path));
    follow_keys(this, go);
    let choose = move |n: usize| {
        let chosen = shown.with_untracked(|groups| groups.iter().flat_map(|g| &g.choices).nth(n).cloned());
        if let Some(choice) = chosen {
            this.close();
            this.carry_out(&choice, go);
        }
    };
    Effect::new(move |_| {
        if this.is_answered() && this.enter.get_value() {
            this.enter.set_value(false);
            choose(0);
        }
    });
    let count = move || shown.with(|groups| groups.iter().map(|group| group.choices.len()).sum::<usize>());
    let location = use_location();
    let next = move || format!("{}{}", location.pathname.get(), with_mark(&location.search.get()));
    view! {
        <dialog class="palette" node_ref=this.dialog aria-label=tr!(search.title) on:click=move |ev| this.outside(&ev)>
            <div class="palette-field">
                {icon(Icon::Search)}
                <input
                    node_ref=this.input type="text" role="combobox" aria-expanded="true" aria-controls="palette-list"
                    aria-autocomplete="list" aria-activedescendant=move || (count() > 0).then(|| option_id(this.active.get()))
                    aria-label=tr!(search.label) placeholder=tr!(search.placeholder)
                    autocomplete="off" spellcheck="false" maxlength=LONGEST
                    prop:value=this.typed
                    on:input:target=move |ev| this.type_in(ev.target().value())
                    on:keydown=move |ev| this.key(&ev, untrack(count), choose)
                />
                <button type="button" class="btn quiet small" on:click=move |_| this.close()>{tr!(common.close)}</button>
            </div>
            <div id="palette-list" class="palette-list" role="listbox" aria-label=tr!(search.results)>
                {move || shown.with(|groups| list(groups, this.active, choose))}
            </div>
            {move || this.failed.get().map(|failed| view! { <p class="palette-note fault">{failed}</p> })}
            <p class="visually-hidden" role="status">{move || tr!(search.count, n = count())}</p>
            <p class="palette-keys small muted" aria-hidden="true">
                <span><kbd>"↑"</kbd><kbd>"↓"</kbd>" "{tr!(search.key_choose)}</span>
                <span><kbd>"Enter"</kbd>" "{tr!(search.key_open)}</span>
                <span><kbd>"Esc"</kbd>" "{tr!(search.key_close)}</span>
                <span><kbd>"?"</kbd>" "{tr!(search.keys)}</span>
            </p>
            <form method="post" action="/preferences" node_ref=this.preference hidden>
                <input type="hidden" name="next" value=next/>
                <input type="hidden" name=move || this.choice.get().0 value=move || this.choice.get().1/>
            </form>
        </dialog>
        {keys::help(this.help)}
    }
    .into_any()
}

fn with_mark(search: &str) -> String {
    if search.is_empty() {
        String::new()
    } else {
        format!("?{search}")
    }
}

fn option_id(n: usize) -> String {
    format!("palette-{n}")
}

fn list(groups: &[Group], active: RwSignal<usize>, choose: impl Fn(usize) + Copy + 'static) -> AnyView {
    let mut n = 0;
    groups
        .iter()
        .enumerate()
        .map(|(at, group)| {
            let heading = format!("palette-group-{at}");
            let label = heading.clone();
            let options = group
                .choices
                .iter()
                .map(|choice| {
                    let this = n;
                    n += 1;
                    view! {
                        <div
                            class="hit" role="option" id=option_id(this)
                            aria-selected=move || if active.get() == this { "true" } else { "false" }
                            on:click=move |_| choose(this)
                            on:pointermove=move |_| if active.get_untracked() != this { active.set(this) }
                        >
                            {word(choice)}
                        </div>
                    }
                    .into_any()
                })
                .collect::<Vec<_>>();
            view! {
                <div role="group" aria-labelledby=label>
                    <p class="palette-group" id=heading role="presentation">{group.title.clone()}</p>
                    {options}
                </div>
            }
            .into_any()
        })
        .collect::<Vec<_>>()
        .into_any()
}

impl Palette {
    fn close(self) {
        if let Some(dialog) = self.dialog.get_untracked() {
            dialog.close();
        }
    }

    /// Opens it empty, with the commands of the page at `path`; closes it where it is open.
    fn toggle(self, path: &str) {
        let Some(dialog) = self.dialog.get_untracked() else {
            return;
        };
        if dialog.open() {
            dialog.close();
            return;
        }
        if let Some(help) = self.help.get_untracked() {
            help.close();
        }
        self.typed.set(String::new());
        self.active.set(0);
        self.enter.set_value(false);
        let _ = dialog.show_modal();
        if let Some(input) = self.input.get_untracked() {
            let _ = input.focus();
        }
        let (org, project, _) = place_of(path);
        self.read_commands(org, project);
        self.ask(Duration::ZERO);
    }

    /// A click beside the palette closes it.
    fn outside(self, ev: &ev::MouseEvent) {
        let Some(dialog) = self.dialog.get_untracked() else {
            return;
        };
        let own: &EventTarget = &dialog;
        if ev.target().as_ref() == Some(own) {
            dialog.close();
        }
    }

    fn type_in(self, typed: String) {
        self.typed.set(typed);
        self.active.set(0);
        self.enter.set_value(false);
        self.ask(PAUSE);
    }

    /// Whether what is listed was found for what is typed now.
    fn is_answered(self) -> bool {
        let typed = self.typed.get();
        let asked = Query::parse(&typed);
        self.found.with(|found| {
            let found = found.as_ref().map(|found| found.query.as_str());
            found == Some(asked.as_ref().map_or("", Query::text))
        })
    }

    /// Arrows, Home and End move through the list, Enter chooses. What an input method does with keys is its own.
    fn key(self, ev: &ev::KeyboardEvent, count: usize, choose: impl Fn(usize)) {
        if ev.is_composing() || ev.key_code() == COMPOSING {
            return;
        }
        let last = count.saturating_sub(1);
        let at = self.active.get_untracked();
        let to = match ev.key().as_str() {
            "ArrowDown" => {
                if at >= last {
                    0
                } else {
                    at + 1
                }
            }
            "ArrowUp" => {
                if at == 0 {
                    last
                } else {
                    at - 1
                }
            }
            "Home" => 0,
            "End" => last,
            "Enter" => {
                ev.prevent_default();
                if at > 0 || untrack(|| self.is_answered()) || self.failed.with_untracked(Option::is_some) {
                    choose(at);
                } else {
                    // The first choice is not known yet.
                    self.enter.set_value(true);
                }
                return;
            }
            _ => return,
        };
        ev.prevent_default();
        self.active.set(to);
        reveal(to);
    }

    fn carry_out(self, choice: &Choice, go: impl FnOnce(&str)) {
        match choice {
            Choice::Hit(hit) => go(&hit.path),
            Choice::Page(_, path) => go(path),
            Choice::Switch(_, Switch::Preference(name, value)) => {
                self.choice.set((*name, *value));
                let form = self.preference;
                request_animation_frame(move || {
                    if let Some(form) = form.get_untracked() {
                        let _ = form.submit();
                    }
                });
            }
            Choice::Switch(_, Switch::Keys) => self.show_keys(),
        }
    }

    fn show_keys(self) {
        if let Some(help) = self.help.get_untracked().filter(|help| !help.open()) {
            let _ = help.show_modal();
        }
    }
}

#[cfg(feature = "hydrate")]
impl Palette {
    /// Asks for what is typed, unless something else is typed within `pause`.
    fn ask(self, pause: Duration) {
        let number = self.asked.get_value().wrapping_add(1);
        self.asked.set_value(number);
        let latest = move || self.asked.try_get_value() == Some(number);
        set_timeout(
            move || {
                if latest() {
                    leptos::task::spawn_local(self.read(latest));
                }
            },
            pause,
        );
    }

    /// Reads the answer to what is typed, and drops it where it is no longer the `latest` question.
    async fn read(self, latest: impl Fn() -> bool) {
        let url = format!(
            "{}?q={}&limit={SHOWN}",
            Find::PATH,
            encode(&self.typed.get_untracked())
        );
        let answer = crate::browser::get(&url).await;
        if !latest() {
            return;
        }
        match answer.and_then(|text| crate::json::parse::<Found>(&text).map_err(|_| AppError::offline())) {
            Ok(found) => {
                self.failed.set(None);
                self.found.set(Some(found));
            }
            Err(error) => {
                self.found.set(None);
                self.failed.set(Some(error.message));
            }
        }
    }

    fn read_commands(self, org: Option<String>, project: Option<String>) {
        let mut url = String::from(ReadCommands::PATH);
        for (mark, name, value) in [('?', "org", org), ('&', "project", project)] {
            if let Some(value) = value {
                url = format!("{url}{mark}{name}={}", encode(&value));
            }
        }
        leptos::task::spawn_local(async move {
            // Without an answer there are no commands; what could not be found says why.
            if let Ok(text) = crate::browser::get(&url).await
                && let Ok(commands) = crate::json::parse(&text)
            {
                self.commands.try_set(commands);
            }
        });
    }
}

#[cfg(not(feature = "hydrate"))]
#[expect(clippy::unused_self, reason = "the same shape as in the browser")]
impl Palette {
    fn ask(self, _pause: Duration) {}
    fn read_commands(self, _org: Option<String>, _project: Option<String>) {}
}

/// Scrolls the list so that the option is seen whole.
#[cfg(feature = "hydrate")]
fn reveal(option: usize) {
    use wasm_bindgen::JsCast;
    let find = |id: &str| {
        document()
            .get_element_by_id(id)
            .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok())
    };
    let (Some(list), Some(option)) = (find("palette-list"), find(&option_id(option))) else {
        return;
    };
    let (above, below) = (
        option.offset_top() - ROOM,
        option.offset_top() + option.offset_height() + ROOM,
    );
    if above < list.scroll_top() {
        list.set_scroll_top(above);
    } else if below > list.scroll_top() + list.client_height() {
        list.set_scroll_top(below - list.client_height());
    }
}

#[cfg(not(feature = "hydrate"))]
fn reveal(_option: usize) {}

/// Does what the keys say that were pressed outside of the palette.
fn follow_keys(this: Palette, go: impl Fn(&str) + Copy + 'static) {
    let Some(pressed) = use_context::<Pressed>() else {
        return;
    };
    let path = use_location().pathname;
    let after_g = StoredValue::new(false);
    Effect::new(move |_| {
        if this.dialog.get().is_none() {
            return;
        }
        for key in pressed.take() {
            let path = path.get_untracked();
            let step = keys::step(&key, after_g.get_value(), &path);
            after_g.set_value(step == Step::Started);
            match step {
                Step::Palette => this.toggle(&path),
                Step::Help => this.show_keys(),
                Step::Go(to) => go(&to),
                Step::Row(down) => keys::move_row(down),
                Step::Started | Step::Nothing => {}
            }
        }
    });
}
