//! The files of an item: shown, saved, attached by a form, dropped or pasted, and taken away.

use super::api::RemoveAttachment;
use crate::design::avatar::initials;
use crate::design::button::{Weight, submit};
use crate::design::flash::Flash;
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::Panel;
use crate::design::time::time;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::item::{Attachment, ItemView};

/// Where files are sent to.
pub const UPLOAD: &str = "/attachments";

/// The files of an item, and the form for another one.
pub fn panel(item: &ItemView) -> AnyView {
    let files = item
        .attachments
        .iter()
        .map(|one| file(item, one))
        .collect::<Vec<_>>();
    let list = if files.is_empty() {
        view! { <p class="muted box-body">{tr!(board.no_attachments)}</p> }.into_any()
    } else {
        view! { <ul class="checks box-body">{files}</ul> }.into_any()
    };
    let form = item.may_comment.then(|| form(item));
    view! { <Panel title=tr!(board.attachments)>{list}{form}</Panel> }.into_any()
}

/// Where a file is.
fn address(item: &ItemView, one: &Attachment) -> String {
    let number = super::number_of(&item.card.key).unwrap_or_default();
    format!(
        "/api/v1{}/items/{number}/attachments/{}",
        item.place.path(),
        one.id
    )
}

/// `12 KB`, as people count.
fn size(bytes: i64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", (bytes + 500) / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

fn file(item: &ItemView, one: &Attachment) -> AnyView {
    let href = address(item, one);
    let picture = one
        .is_image()
        .then(|| view! { <img class="attachment" src=href.clone() alt=one.name.clone() loading="lazy"/> });
    let remove = one.may_delete.then(|| {
        let number = super::number_of(&item.card.key).unwrap_or_default();
        let fields = view! {
            {place_fields(&item.place)}
            {hidden("number", number.to_string())}
            {submit(Weight::Quiet, tr!(board.remove_file))}
        };
        view! {
            <Form
                action=RemoveAttachment::PATH class="inline-form" key=("attachment", one.id.to_string())
                confirm=tr!(board.remove_file_sure)
            >{fields}</Form>
        }
    });
    view! {
        <li class="row wrap">
            <a class="link" href=href rel="external" download=one.name.clone()>{one.name.clone()}</a>
            <span class="small muted">{size(one.size)}</span>
            {initials(&one.author)}
            <span class="small muted">{time(one.created_at)}</span>
            {remove}
            {picture}
        </li>
    }
    .into_any()
}

/// A form of its own kind: files are sent in parts, with or without a script.
fn form(item: &ItemView) -> AnyView {
    let number = super::number_of(&item.card.key).unwrap_or_default();
    let wrong = Flash::of(UPLOAD).map(|flash| {
        let words = flash.error.fields.first().map(|(_, words)| words.clone());
        view! { <p class="error" role="alert">{words.unwrap_or(flash.error.message)}</p> }
    });
    view! {
        <form
            method="post" action=UPLOAD enctype="multipart/form-data" class="form-row box-body drop-zone"
            on:drop=move |event| crate::browser::drop_file(&event)
            on:dragover=move |event| event.prevent_default()
            on:paste=move |event| crate::browser::paste_file(&event)
        >
            {place_fields(&item.place)}
            {hidden("number", number.to_string())}
            <label class="field">
                <span>{tr!(board.attach_file)}</span>
                <input class="input" type="file" name="file" required/>
                <span class="help">{tr!(board.attach_help)}</span>
            </label>
            {submit(Weight::Plain, tr!(board.attach))}
            {wrong}
        </form>
    }
    .into_any()
}
