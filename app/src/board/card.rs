//! A card of the board: what it says, and the three ways to move it.

use super::api::MoveItem;
use super::moves::Moves;
use super::parts::{self, urgency};
use crate::design::avatar::avatar;
use crate::design::icon::{Icon, icon};
use crate::design::status::tag;
use crate::i18n::say;
use crate::tr;
use leptos::ev;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::item::Card;

/// The id of a card's element.
pub fn element_id(key: &str) -> String {
    format!("card-{key}")
}

/// A card in its column. `may_move` says whether it offers to be moved.
pub fn kanban_card(card: &Card, base: &str, may_move: bool, moves: Moves) -> AnyView {
    let id = card.id;
    let opened = card.key.clone();
    let lifted = move || moves.is_lifted(id).then_some("true");
    let label = format!("{} {}", card.key, card.title);
    let points = card
        .points
        .map(|points| view! { <span class="small muted">{parts::points(points)}</span> });
    let due = parts::due(card, &moves.today());
    let body = view! {
        <div class="row spread">
            <code class="small muted">{card.key.clone()}</code>
            <span class="row">
                {card.assignee.as_ref().map(avatar)}
                {may_move.then(|| move_menu(card, moves))}
            </span>
        </div>
        <a
            class="kanban-title" href=format!("{base}/items/{}", card.key) draggable="false" data-opens=card.key.clone()
            on:click=move |ev: ev::MouseEvent| moves.drawer.open(&opened, &ev)
        >{card.title.clone()}</a>
        <div class="row wrap">{tag(say(&card.kind.text()))}{urgency(card)}{due}{points}</div>
    };
    if !may_move {
        return view! { <li class="kanban-card" id=element_id(&card.key)>{body}</li> }.into_any();
    }
    let key = card.key.clone();
    view! {
        <li>
            <article
                class="kanban-card" id=element_id(&card.key) draggable="true" tabindex="0"
                aria-label=label aria-describedby="board-keys" data-lifted=lifted
                on:dragstart=move |ev: ev::DragEvent| moves.drag(id, &key, &ev)
                on:dragend=move |_| moves.give_up(false)
                on:keydown=move |ev: ev::KeyboardEvent| moves.key(id, &ev)
            >
                {body}
            </article>
        </li>
    }
    .into_any()
}

/// `Move to…`: a plain form, one button a column that the workflow leads to.
fn move_menu(card: &Card, moves: Moves) -> AnyView {
    let id = card.id;
    let buttons = moves
        .ways_of(card)
        .into_iter()
        .map(|column| {
            let name = moves.name_of(&column);
            view! { <button type="submit" class="btn small" name="column" value=column.as_str().to_owned()>{name}</button> }
        })
        .collect_view();
    let number = super::number_of(&card.key).unwrap_or_default();
    view! {
        <details class="menu">
            <summary aria-label=tr!(board.move_item, key = card.key.clone())>{icon(Icon::More)}</summary>
            <div class="menu-panel">
                <p class="small muted">{tr!(board.move_to)}</p>
                <form
                    method="post" action=MoveItem::PATH class="move-form"
                    on:submit=move |ev: ev::SubmitEvent| moves.chosen(id, &ev)
                >
                    {moves.place_fields()}
                    <input type="hidden" name="number" value=number/>
                    {buttons}
                </form>
            </div>
        </details>
    }
    .into_any()
}
