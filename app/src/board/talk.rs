//! What people say about an item, what it is linked to, its parts, and who watches it.

use super::api::{AddComment, DeleteComment, EditComment, LinkItem, UnlinkItem, WatchItem};
use super::parts::{self as pieces, choices};
use crate::design::avatar::initials;
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::flash::Flash;
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::Panel;
use crate::design::status::{Status, pill};
use crate::design::time::time;
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::item::{Comment, ItemLine, ItemView, LinkedItem, Relation};

/// The hidden fields that say which item a form is about.
fn item_fields(item: &ItemView) -> AnyView {
    let number = super::number_of(&item.card.key).unwrap_or_default();
    view! { {place_fields(&item.place)}{hidden("number", number.to_string())} }.into_any()
}

/// Begins or ends watching.
pub fn watch(item: &ItemView) -> AnyView {
    let word = if item.watching {
        tr!(board.unwatch)
    } else {
        tr!(board.watch)
    };
    let fields = view! {
        {item_fields(item)}
        {hidden("watching", (!item.watching).to_string())}
        {submit(Weight::Plain, word)}
    };
    view! { <Form action=WatchItem::PATH class="inline-form">{fields}</Form> }.into_any()
}

fn line(base: &str, item: &ItemLine) -> AnyView {
    if item.deleted {
        return view! {
            <code class="muted nowrap">{item.key.clone()}</code><span class="muted">{item.title.clone()}</span>
            {pill(Status::Cancelled, tr!(board.deleted))}
        }
        .into_any();
    }
    view! {
        <a class="row wrap" href=format!("{base}/items/{}", item.key)>
            <code class="muted nowrap">{item.key.clone()}</code><span>{item.title.clone()}</span>
        </a>
        {pieces::state(&item.state)}
    }
    .into_any()
}

/// The parts of an item that has some.
pub fn parts(item: &ItemView) -> Option<AnyView> {
    let base = item.place.path();
    let rows = item
        .parts
        .iter()
        .map(|part| view! { <li>{line(&base, part)}</li> }.into_any())
        .collect::<Vec<_>>();
    (!rows.is_empty()).then(|| {
        view! { <Panel title=tr!(board.parts)><ul class="checks box-body">{rows}</ul></Panel> }.into_any()
    })
}

/// The links of an item, and the form for another one.
pub fn links(item: &ItemView) -> AnyView {
    let rows = item
        .links
        .iter()
        .map(|link| linked(item, link))
        .collect::<Vec<_>>();
    let list = (!rows.is_empty()).then(|| view! { <ul class="checks box-body">{rows}</ul> });
    let none = (item.links.is_empty() && !item.may_edit)
        .then(|| view! { <p class="muted box-body">{tr!(board.no_links)}</p> });
    let form = item.may_edit.then(|| {
        let hidden = item_fields(item);
        let relations = choices(Relation::ALL, |relation| (relation.key(), relation.text()));
        let fields = move || {
            view! {
                {hidden}
                <Field name="relation" label=tr!(board.relation) control=Control::Select(relations)/>
                <Field name="other" label=tr!(board.other_item) required=true/>
                {submit(Weight::Plain, tr!(board.link))}
            }
        };
        view! { <Form action=LinkItem::PATH class="form-row box-body" done=tr!(board.linked_now)>{fields()}</Form> }
    });
    view! { <Panel title=tr!(board.links)>{list}{none}{form}</Panel> }.into_any()
}

fn linked(item: &ItemView, link: &LinkedItem) -> AnyView {
    let remove = item.may_edit.then(|| {
        let key = link.item.key.clone();
        let fields = view! {
            {item_fields(item)}
            {hidden("relation", link.relation.key().to_owned())}
            {hidden("other", key.clone())}
            <button type="submit" class="btn quiet small" aria-label=tr!(board.unlink_item, key = key)>{tr!(board.unlink)}</button>
        };
        view! { <Form action=UnlinkItem::PATH class="inline-form">{fields}</Form> }
    });
    let base = item.place.path();
    view! { <li><span class="muted">{say(&link.relation.text())}</span>{line(&base, &link.item)}{remove}</li> }.into_any()
}

/// What people say about the item, and the form for more.
pub fn comments(item: &ItemView) -> AnyView {
    let said = item
        .comments
        .iter()
        .map(|one| comment(item, one))
        .collect::<Vec<_>>();
    let list = if said.is_empty() {
        view! { <p class="muted box-body">{tr!(board.no_comments)}</p> }.into_any()
    } else {
        view! { <ol class="comments">{said}</ol> }.into_any()
    };
    let form = item.may_comment.then(|| {
        let hidden = item_fields(item);
        let fields = move || {
            view! {
                {hidden}
                <Field name="body" label=tr!(board.new_comment) help=tr!(board.markdown_help) control=Control::Area(4) required=true/>
                <p>{submit(Weight::Plain, tr!(board.comment))}</p>
            }
        };
        view! { <Form action=AddComment::PATH class="form box-body" done=tr!(board.commented)>{fields()}</Form> }
    });
    view! { <Panel title=tr!(board.comments)>{list}{form}</Panel> }.into_any()
}

fn comment(item: &ItemView, one: &Comment) -> AnyView {
    let edited = one
        .edited_at
        .map(|at| view! { <span class="muted small">{tr!(board.edited)}" "{time(at)}</span> });
    let edit = one.may_edit.then(|| edit_form(item, one));
    let remove = one.may_delete.then(|| {
        let fields = view! { {item_fields(item)}{submit(Weight::Quiet, tr!(board.remove_comment))} };
        view! {
            <Form
                action=DeleteComment::PATH class="inline-form" key=("comment", one.id.to_string())
                confirm=tr!(board.remove_comment_sure)
            >{fields}</Form>
        }
    });
    view! {
        <li class="comment" id=format!("comment-{}", one.id)>
            <p class="row wrap">{initials(&one.author)}<span class="strong">{one.author.name.clone()}</span><span class="muted small">{time(one.created_at)}</span>{edited}</p>
            <div class="markdown" inner_html=one.html.clone()></div>
            <div class="row wrap">{edit}{remove}</div>
        </li>
    }
    .into_any()
}

fn edit_form(item: &ItemView, one: &Comment) -> AnyView {
    let (hidden_fields, version, body) = (item_fields(item), one.version, one.body.clone());
    let fields = move || {
        view! {
            {hidden_fields}
            {hidden("version", version.to_string())}
            <Field name="body" label=tr!(board.your_comment) value=body control=Control::Area(4) required=true/>
            <p>{submit(Weight::Plain, tr!(board.save))}</p>
        }
    };
    let open = Flash::refused(EditComment::PATH, ("comment", &one.id.to_string()));
    view! {
        <details class="fold" open=open>
            <summary class="btn quiet small">{tr!(board.edit)}</summary>
            <Form action=EditComment::PATH class="form" key=("comment", one.id.to_string())>{fields()}</Form>
        </details>
    }
    .into_any()
}
