//! Moving cards: by pointer, by keyboard, by menu. The card moves at once; when the server refuses, it
//! slides back with the reason.

use super::card::kanban_card;
use super::drawer::Drawer;
use super::order::{lane_of, spot};
use crate::design::status::{Status, pill};
use crate::design::toast::Toasts;
use crate::i18n::say;
use crate::tr;
use leptos::ev;
use leptos::prelude::*;
use slipway_domain::board::ColumnKey;
use slipway_domain::id::ItemId;
use slipway_domain::item::{BoardColumn, BoardLane, Card, CardWays};

/// A card in the hand: its key, and the board before it was lifted.
#[derive(Clone)]
#[cfg_attr(
    not(feature = "hydrate"),
    expect(dead_code, reason = "only a browser lifts cards")
)]
struct Lifted {
    id: ItemId,
    key: String,
    before: Vec<BoardLane>,
}

/// The board as it is shown, and the card that is being moved.
#[derive(Clone, Copy)]
pub struct Moves {
    /// As it is shown: one lane without a name, or several.
    lanes: StoredValue<Vec<BoardLane>>,
    /// As the server said last. Cards have versions, so what it says next differs whenever one has moved.
    heard: StoredValue<Vec<BoardLane>>,
    /// Where cards can go.
    ways: StoredValue<Vec<CardWays>>,
    today: StoredValue<String>,
    /// Shows `lanes` and `said`, in the elements that are there: focus and open menus stay.
    #[cfg_attr(
        not(feature = "hydrate"),
        expect(dead_code, reason = "only a browser draws again")
    )]
    redraw: RwSignal<u32>,
    lifted: RwSignal<Option<Lifted>>,
    /// The column under the pointer.
    over: RwSignal<Option<ColumnKey>>,
    /// What a screen reader is told.
    said: StoredValue<String>,
    org: Signal<String>,
    project: Signal<String>,
    /// Opens cards beside the board.
    pub drawer: Drawer,
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
        drawer: Drawer,
    ) -> Self {
        Self {
            lanes: StoredValue::new(Vec::new()),
            heard: StoredValue::new(Vec::new()),
            ways: StoredValue::new(Vec::new()),
            today: StoredValue::new(String::new()),
            redraw,
            lifted: RwSignal::new(None),
            over: RwSignal::new(None),
            said: StoredValue::new(String::new()),
            org: Signal::derive(org),
            project: Signal::derive(project),
            drawer,
            toasts: use_context(),
        }
    }

    /// Takes what the server says, once. While a card is in the hand it is kept, and shown when the card is let go.
    pub fn refresh(self, lanes: Vec<BoardLane>, ways: Vec<CardWays>, today: String) {
        if self.heard.with_value(|heard| *heard != lanes) {
            if self.lifted.with_untracked(Option::is_none) {
                self.lanes.set_value(lanes.clone());
            }
            self.heard.set_value(lanes);
        }
        self.ways.set_value(ways);
        self.today.set_value(today);
    }

    /// Today, as due days count.
    pub fn today(self) -> String {
        self.today.get_value()
    }

    /// The columns that a card can be moved to.
    pub fn ways_of(self, card: &Card) -> Vec<ColumnKey> {
        self.ways.with_value(|ways| {
            ways.iter()
                .find(|way| way.kind == card.kind && way.state == *card.state.state_key())
                .map(|way| way.columns.clone())
                .unwrap_or_default()
        })
    }

    /// What a column is called.
    pub fn name_of(self, key: &ColumnKey) -> String {
        self.lanes.with_value(|lanes| {
            let column = lanes
                .iter()
                .flat_map(|lane| &lane.columns)
                .find(|column| column.key == *key);
            column.map(|column| say(&column.name)).unwrap_or_default()
        })
    }

    pub fn is_lifted(self, id: ItemId) -> bool {
        self.lifted
            .with(|lifted| lifted.as_ref().is_some_and(|lifted| lifted.id == id))
    }

    pub fn place_fields(self) -> AnyView {
        super::place_fields(self.org.get_untracked(), self.project.get_untracked())
    }

    /// The lanes with their columns.
    pub fn view(self, base: &str, may_move: bool) -> AnyView {
        let lanes = self.lanes.with_value(|lanes| {
            let named = lanes.len() > 1 || lanes.iter().any(|lane| lane.name.is_some());
            let lanes = lanes.iter().enumerate();
            let lanes = lanes.map(|(at, lane)| self.lane(lane, (at, named), base, may_move));
            lanes.collect::<Vec<_>>()
        });
        view! {
            <p class="visually-hidden" id="board-keys">{tr!(board.keys)}</p>
            <p class="visually-hidden" role="status" aria-live="polite">{self.said.get_value()}</p>
            {lanes}
        }
        .into_any()
    }

    fn lane(self, lane: &BoardLane, (at, named): (usize, bool), base: &str, may_move: bool) -> AnyView {
        let columns = lane
            .columns
            .iter()
            .map(|column| self.column(column, (at, named), base, may_move));
        let columns = columns.collect::<Vec<_>>();
        if !named {
            return view! { <div class="board" role="group" aria-label=tr!(common.nav_board)>{columns}</div> }.into_any();
        }
        let name = lane.name.as_ref().map_or_else(|| tr!(board.lane_none), say);
        let count: usize = lane.columns.iter().map(|column| column.cards.len()).sum();
        view! {
            <section class="lane">
                <h2 class="lane-head">{name.clone()}<span class="small muted">{count}</span></h2>
                <div class="board" role="group" aria-label=name>{columns}</div>
            </section>
        }
        .into_any()
    }

    fn column(
        self,
        column: &BoardColumn,
        (lane, named): (usize, bool),
        base: &str,
        may_move: bool,
    ) -> AnyView {
        let key = column.key.clone();
        let over = {
            let key = key.clone();
            move || {
                self.over
                    .with(|over| over.as_ref() == Some(&key))
                    .then_some("true")
            }
        };
        let cards = column
            .cards
            .iter()
            .map(|card| kanban_card(card, base, may_move, self))
            .collect::<Vec<_>>();
        let name = say(&column.name);
        let heading = if named {
            view! { <h3>{name}</h3> }.into_any()
        } else {
            view! { <h2>{name}</h2> }.into_any()
        };
        let add = (column.adds && lane == 0).then(|| super::quick_add(self, &key));
        let (hovered, dropped) = (key.clone(), key.clone());
        view! {
            <section
                class="board-column" data-column=key.as_str().to_owned() data-over=over
                on:dragover=move |ev: ev::DragEvent| self.hover(&hovered, &ev)
                on:drop=move |ev: ev::DragEvent| self.dropped(&dropped, &ev)
            >
                <header>{heading}{held(column)}</header>
                <ul class="board-cards">{cards}</ul>
                {add}
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
        self.lanes.with_value(|lanes| {
            let found = lane_of(lanes, id).and_then(|lane| Some((lane, spot(&lane.columns, id)?)));
            let Some((lane, (key, index))) = found else {
                return String::new();
            };
            let column = lane.columns.iter().find(|column| column.key == key);
            tr!(
                board.place,
                column = column.map(|column| say(&column.name)).unwrap_or_default(),
                n = index + 1,
                of = column.map_or(0, |column| column.cards.len())
            )
        })
    }
}

/// How many cards a column holds, and how many it is meant to.
fn held(column: &BoardColumn) -> AnyView {
    let Some(limit) = column.limit else {
        return view! { <span class="small muted">{column.cards.len()}</span> }.into_any();
    };
    let words = tr!(board.limit_held, n = column.count, most = limit.most);
    let rule = if limit.blocks {
        tr!(board.limit_blocks)
    } else {
        tr!(board.limit_warns)
    };
    let (full, over) = (column.count >= limit.most, column.count > limit.most);
    let state = if over {
        Some(pill(Status::Degraded, tr!(board.limit_over)))
    } else {
        (full && limit.blocks).then(|| pill(Status::Frozen, tr!(board.limit_full)))
    };
    view! { <span class="small muted" title=rule>{words}</span>{state} }.into_any()
}

#[cfg(not(feature = "hydrate"))]
#[expect(clippy::unused_self, reason = "the same shape as in the browser")]
impl Moves {
    pub fn drag(self, _id: ItemId, _key: &str, _ev: &ev::DragEvent) {}
    pub fn give_up(self, _told: bool) {}
    pub fn key(self, _id: ItemId, _ev: &ev::KeyboardEvent) {}
    pub fn chosen(self, _id: ItemId, _ev: &ev::SubmitEvent) {}
    fn hover(self, _column: &ColumnKey, _ev: &ev::DragEvent) {}
    fn dropped(self, _column: &ColumnKey, _ev: &ev::DragEvent) {}
}

#[cfg(feature = "hydrate")]
mod browser {
    use super::super::api::MoveItem;
    use super::super::order::{Spot, Way, lane_of, neighbors, placed, step};
    use super::{Lifted, Moves, spot};
    use crate::board::card::element_id;
    use crate::tr;
    use leptos::ev;
    use leptos::prelude::*;
    use server_fn::ServerFn;
    use slipway_domain::board::ColumnKey;
    use slipway_domain::id::ItemId;
    use slipway_domain::item::{BoardColumn, BoardLane};
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
            let before = self.lanes.get_value();
            let key = key_of(&before, id);
            self.lifted.set(Some(Lifted {
                id,
                key: key.unwrap_or_default(),
                before,
            }));
        }

        /// Shows what the server said last.
        fn as_heard(self) {
            if let Some(heard) = self.heard.try_get_value() {
                let _ = self.lanes.try_set_value(heard);
            }
            self.draw();
        }

        fn put(self, id: ItemId, to: &Spot) {
            self.lanes.update_value(|lanes| *lanes = placed(lanes, id, to));
            self.draw();
        }

        /// The columns of the lane that a card is in.
        fn columns_around(self, id: ItemId) -> Vec<BoardColumn> {
            self.lanes.with_value(|lanes| {
                lane_of(lanes, id)
                    .map(|lane| lane.columns.clone())
                    .unwrap_or_default()
            })
        }

        /// Puts the card in the hand down where it is, and tells the server.
        fn put_down(self) {
            self.over.set(None);
            let Some(Lifted { id, key, before }) = self.lifted.get_untracked() else {
                return;
            };
            self.lifted.set(None);
            let columns = self.columns_around(id);
            let was = lane_of(&before, id).and_then(|lane| spot(&lane.columns, id));
            let (Some(was), Some(is)) = (was, spot(&columns, id)) else {
                return self.as_heard();
            };
            if was == is {
                return self.as_heard();
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
            fields.append("column", is.0.as_str());
            for (name, neighbor) in [("after", after), ("before", under)] {
                if let Some(neighbor) = neighbor {
                    fields.append(name, &neighbor.to_string());
                }
            }
            leptos::task::spawn_local(async move {
                let Err(refused) = crate::browser::post(MoveItem::PATH, &fields).await else {
                    return;
                };
                // Others may have moved it meanwhile: it goes where it is, not where it was.
                self.as_heard();
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
            self.lifted.set(None);
            self.as_heard();
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

        pub(super) fn hover(self, column: &ColumnKey, ev: &ev::DragEvent) {
            if self.lifted.with_untracked(Option::is_some) {
                ev.prevent_default();
                if self.over.with_untracked(|over| over.as_ref() != Some(column)) {
                    self.over.set(Some(column.clone()));
                }
            }
        }

        pub(super) fn dropped(self, column: &ColumnKey, ev: &ev::DragEvent) {
            ev.prevent_default();
            let Some(lifted) = self.lifted.get_untracked() else {
                return;
            };
            self.put(lifted.id, &(column.clone(), cards_above(ev, &lifted.key)));
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
                    let columns = self.columns_around(id);
                    if let Some(from) = spot(&columns, id) {
                        self.put(id, &step(&columns, &from, way));
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
            let Some(column) = button.and_then(|button| ColumnKey::parse(&button.value())) else {
                return;
            };
            ev.prevent_default();
            close_menu(ev);
            self.lift(id);
            self.put(id, &(column, usize::MAX));
            self.put_down();
            self.keep_focus(id);
        }

        /// The card may have got another element: the focus goes there.
        fn keep_focus(self, id: ItemId) {
            let key = self.lanes.with_value(|lanes| key_of(lanes, id));
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

    fn key_of(lanes: &[BoardLane], id: ItemId) -> Option<String> {
        let mut cards = lanes
            .iter()
            .flat_map(|lane| &lane.columns)
            .flat_map(|column| &column.cards);
        cards.find(|card| card.id == id).map(|card| card.key.clone())
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
