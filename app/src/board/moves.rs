//! Moving cards: by pointer, by keyboard, by menu. The card moves at once; when the server refuses, it
//! slides back with the reason.

use super::card::kanban_card;
use super::order::spot;
use crate::design::toast::Toasts;
use crate::i18n::say;
use crate::tr;
use leptos::ev;
use leptos::prelude::*;
use slipway_domain::id::ItemId;
use slipway_domain::item::{BoardColumn, Category};

/// A card in the hand: its key, and the board before it was lifted.
#[derive(Clone)]
#[cfg_attr(
    not(feature = "hydrate"),
    expect(dead_code, reason = "only a browser lifts cards")
)]
struct Lifted {
    id: ItemId,
    key: String,
    before: Vec<BoardColumn>,
}

/// The board as it is shown, and the card that is being moved.
#[derive(Clone, Copy)]
pub struct Moves {
    /// As it is shown.
    columns: StoredValue<Vec<BoardColumn>>,
    /// As the server said last. Cards have versions, so what it says next differs whenever one has moved.
    heard: StoredValue<Vec<BoardColumn>>,
    /// Shows `columns` and `said`, in the elements that are there: focus and open menus stay.
    #[cfg_attr(
        not(feature = "hydrate"),
        expect(dead_code, reason = "only a browser draws again")
    )]
    redraw: RwSignal<u32>,
    lifted: RwSignal<Option<Lifted>>,
    /// The column under the pointer.
    over: RwSignal<Option<Category>>,
    /// What a screen reader is told.
    said: StoredValue<String>,
    org: Signal<String>,
    project: Signal<String>,
    #[cfg_attr(
        not(feature = "hydrate"),
        expect(dead_code, reason = "only a browser is refused here")
    )]
    toasts: Option<Toasts>,
}

impl Moves {
    pub fn new(
        org: impl Fn() -> String + Send + Sync + 'static,
        project: impl Fn() -> String + Send + Sync + 'static,
        redraw: RwSignal<u32>,
    ) -> Self {
        Self {
            columns: StoredValue::new(Vec::new()),
            heard: StoredValue::new(Vec::new()),
            redraw,
            lifted: RwSignal::new(None),
            over: RwSignal::new(None),
            said: StoredValue::new(String::new()),
            org: Signal::derive(org),
            project: Signal::derive(project),
            toasts: use_context(),
        }
    }

    /// Takes what the server says, once, unless a card is in the hand: then it comes after the drop.
    pub fn refresh(self, columns: Vec<BoardColumn>) {
        let is_new = self.heard.with_value(|heard| *heard != columns);
        if is_new && self.lifted.with_untracked(Option::is_none) {
            self.columns.set_value(columns.clone());
            self.heard.set_value(columns);
        }
    }

    pub fn is_lifted(self, id: ItemId) -> bool {
        self.lifted
            .with(|lifted| lifted.as_ref().is_some_and(|lifted| lifted.id == id))
    }

    pub fn place_fields(self) -> AnyView {
        super::place_fields(self.org.get_untracked(), self.project.get_untracked())
    }

    /// The columns.
    pub fn view(self, base: &str, may_create: bool, may_move: bool) -> AnyView {
        let columns = self.columns.with_value(|columns| {
            let columns = columns.iter().map(|column| self.column(column, base, may_move));
            columns.collect::<Vec<_>>()
        });
        view! {
            <p class="visually-hidden" id="board-keys">{tr!(board.keys)}</p>
            <p class="visually-hidden" role="status" aria-live="polite">{self.said.get_value()}</p>
            <div class="board" role="group" aria-label=tr!(common.nav_board)>{columns}</div>
            {may_create.then(|| super::quick_add(self))}
        }
        .into_any()
    }

    fn column(self, column: &BoardColumn, base: &str, may_move: bool) -> AnyView {
        let category = column.category;
        let over = move || (self.over.get() == Some(category)).then_some("true");
        let cards = column
            .cards
            .iter()
            .map(|card| kanban_card(card, base, may_move, self))
            .collect::<Vec<_>>();
        let name = say(&category.text());
        view! {
            <section
                class="board-column" data-column=category.key() data-over=over
                on:dragover=move |ev: ev::DragEvent| self.hover(category, &ev)
                on:drop=move |ev: ev::DragEvent| self.dropped(category, &ev)
            >
                <header><h2>{name}</h2><span class="small muted">{column.cards.len()}</span></header>
                <ul class="board-cards">{cards}</ul>
            </section>
        }
        .into_any()
    }

    /// Where a card stands now, in words.
    #[cfg_attr(
        not(feature = "hydrate"),
        expect(dead_code, reason = "only a browser lifts cards")
    )]
    fn place_of(self, id: ItemId) -> String {
        self.columns.with_value(|columns| {
            let Some((category, index)) = spot(columns, id) else {
                return String::new();
            };
            let count = columns
                .iter()
                .find(|column| column.category == category)
                .map_or(0, |column| column.cards.len());
            tr!(
                board.place,
                column = say(&category.text()),
                n = index + 1,
                of = count
            )
        })
    }
}

#[cfg(not(feature = "hydrate"))]
#[expect(clippy::unused_self, reason = "the same shape as in the browser")]
impl Moves {
    pub fn drag(self, _id: ItemId, _key: &str, _ev: &ev::DragEvent) {}
    pub fn give_up(self, _told: bool) {}
    pub fn key(self, _id: ItemId, _ev: &ev::KeyboardEvent) {}
    pub fn chosen(self, _id: ItemId, _ev: &ev::SubmitEvent) {}
    fn hover(self, _category: Category, _ev: &ev::DragEvent) {}
    fn dropped(self, _category: Category, _ev: &ev::DragEvent) {}
}

#[cfg(feature = "hydrate")]
mod browser {
    use super::super::api::MoveItem;
    use super::super::order::{Spot, Way, moved, neighbors, step};
    use super::{Lifted, Moves, spot};
    use crate::board::card::element_id;
    use crate::tr;
    use leptos::ev;
    use leptos::prelude::*;
    use server_fn::ServerFn;
    use slipway_domain::id::ItemId;
    use slipway_domain::item::Category;
    use wasm_bindgen::JsCast;

    impl Moves {
        fn draw(self) {
            let _ = self.redraw.try_update(|count| *count = count.wrapping_add(1));
        }

        fn say(self, text: String) {
            let _ = self.said.try_set_value(text);
            self.draw();
        }

        fn lift(self, id: ItemId) {
            let before = self.columns.get_value();
            let key = before
                .iter()
                .flat_map(|c| &c.cards)
                .find(|card| card.id == id)
                .map(|card| card.key.clone());
            self.lifted.set(Some(Lifted {
                id,
                key: key.unwrap_or_default(),
                before,
            }));
        }

        fn put(self, id: ItemId, to: Spot) {
            self.columns
                .update_value(|columns| *columns = moved(columns, id, to));
            self.draw();
        }

        /// Puts the card in the hand down where it is, and tells the server.
        fn put_down(self) {
            self.over.set(None);
            let Some(Lifted { id, key, before }) = self.lifted.get_untracked() else {
                return;
            };
            self.lifted.set(None);
            let columns = self.columns.get_value();
            let (Some(was), Some(is)) = (spot(&before, id), spot(&columns, id)) else {
                return;
            };
            if was == is {
                return;
            }
            self.say(tr!(board.dropped, key = key.clone(), place = self.place_of(id)));
            let (after, under) = neighbors(&columns, id);
            let Ok(fields) = web_sys::UrlSearchParams::new() else {
                return;
            };
            fields.append("org", &self.org.get_untracked());
            fields.append("project", &self.project.get_untracked());
            fields.append(
                "number",
                &super::super::number_of(&key).unwrap_or_default().to_string(),
            );
            fields.append("column", is.0.key());
            for (name, neighbor) in [("after", after), ("before", under)] {
                if let Some(neighbor) = neighbor {
                    fields.append(name, &neighbor.to_string());
                }
            }
            leptos::task::spawn_local(async move {
                let Err(refused) = crate::browser::post(MoveItem::PATH, &fields).await else {
                    return;
                };
                self.columns
                    .try_update_value(|columns| *columns = moved(columns, id, was));
                self.say(refused.message.clone());
                if let Some(toasts) = self.toasts {
                    toasts.failed(format!("{key}: {}", refused.message));
                }
                if document()
                    .active_element()
                    .is_some_and(|focused| focused.class_list().contains("kanban-card"))
                {
                    self.keep_focus(id);
                }
                request_animation_frame(move || slide_back(&key));
            });
        }

        /// Puts everything back as it was; `told` says it aloud.
        pub fn give_up(self, told: bool) {
            self.over.set(None);
            let Some(lifted) = self.lifted.get_untracked() else {
                return;
            };
            self.columns.set_value(lifted.before);
            self.lifted.set(None);
            self.draw();
            if told {
                self.say(tr!(board.given_up, key = lifted.key));
            }
        }

        pub fn drag(self, id: ItemId, key: &str, ev: &ev::DragEvent) {
            if let Some(transfer) = ev.data_transfer() {
                let _ = transfer.set_data("text/plain", key);
                transfer.set_effect_allowed("move");
            }
            self.lift(id);
        }

        pub(super) fn hover(self, category: Category, ev: &ev::DragEvent) {
            if self.lifted.with_untracked(Option::is_some) {
                ev.prevent_default();
                if self.over.get_untracked() != Some(category) {
                    self.over.set(Some(category));
                }
            }
        }

        pub(super) fn dropped(self, category: Category, ev: &ev::DragEvent) {
            ev.prevent_default();
            let Some(lifted) = self.lifted.get_untracked() else {
                return;
            };
            self.put(lifted.id, (category, cards_above(ev, &lifted.key)));
            self.put_down();
        }

        pub fn key(self, id: ItemId, ev: &ev::KeyboardEvent) {
            if ev.target() != ev.current_target() || ev.is_composing() {
                return;
            }
            // The focus follows a moved card a frame later: until then its keys arrive at another card.
            let lifted = self
                .lifted
                .with_untracked(|lifted| lifted.as_ref().map(|lifted| lifted.id));
            let (id, held) = lifted.map_or((id, false), |lifted| (lifted, true));
            let way = match ev.key().as_str() {
                "ArrowLeft" => Some(Way::Left),
                "ArrowRight" => Some(Way::Right),
                "ArrowUp" => Some(Way::Up),
                "ArrowDown" => Some(Way::Down),
                _ => None,
            };
            match (ev.key().as_str(), held, way) {
                (" ", false, _) => {
                    self.lift(id);
                    self.say(tr!(board.lifted, place = self.place_of(id)));
                }
                (" " | "Enter", true, _) => {
                    self.put_down();
                    self.keep_focus(id);
                }
                ("Escape", true, _) => {
                    self.give_up(true);
                    self.keep_focus(id);
                }
                (_, true, Some(way)) => {
                    let columns = self.columns.get_value();
                    if let Some(from) = spot(&columns, id) {
                        self.put(id, step(&columns, from, way));
                        self.say(self.place_of(id));
                        self.keep_focus(id);
                    }
                }
                _ => return,
            }
            ev.prevent_default();
        }

        pub fn chosen(self, id: ItemId, ev: &ev::SubmitEvent) {
            let button = ev
                .submitter()
                .and_then(|button| button.dyn_into::<web_sys::HtmlButtonElement>().ok());
            let Some(category) = button.and_then(|button| Category::from_key(&button.value())) else {
                return;
            };
            ev.prevent_default();
            close_menu(ev);
            self.lift(id);
            self.put(id, (category, usize::MAX));
            self.put_down();
            self.keep_focus(id);
        }

        /// The card may have got another element: the focus goes there.
        fn keep_focus(self, id: ItemId) {
            let key = self.columns.with_value(|columns| {
                columns
                    .iter()
                    .flat_map(|c| &c.cards)
                    .find(|card| card.id == id)
                    .map(|card| card.key.clone())
            });
            request_animation_frame(move || {
                let element = key.and_then(|key| document().get_element_by_id(&element_id(&key)));
                if let Some(element) =
                    element.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok())
                {
                    let _ = element.focus();
                }
            });
        }
    }

    /// How many cards of the column under the pointer stand above it, the moving one left out.
    fn cards_above(ev: &ev::DragEvent, moving: &str) -> usize {
        let column = ev
            .current_target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let Some(cards) = column.and_then(|column| column.query_selector_all(".kanban-card").ok()) else {
            return 0;
        };
        let moving = element_id(moving);
        let y = f64::from(ev.client_y());
        (0..cards.length())
            .filter_map(|index| cards.get(index)?.dyn_into::<web_sys::Element>().ok())
            .filter(|card| card.id() != moving)
            .take_while(|card| {
                let rectangle = card.get_bounding_client_rect();
                rectangle.top() + rectangle.height() / 2.0 < y
            })
            .count()
    }

    /// The menu that a form stands in would stay open, and then be another card's.
    fn close_menu(ev: &ev::SubmitEvent) {
        let form = ev
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        if let Some(menu) = form.and_then(|form| form.closest("details").ok().flatten()) {
            let _ = menu.remove_attribute("open");
        }
    }

    fn slide_back(key: &str) {
        if let Some(card) = document().get_element_by_id(&element_id(key)) {
            let classes = card.class_list();
            let _ = classes.remove_1("slid-back");
            request_animation_frame(move || {
                let _ = classes.add_1("slid-back");
            });
        }
    }
}
