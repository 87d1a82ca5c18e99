//! The saved views of a page: links to what they show, and the forms that keep them.

use super::api::{EditView, RemoveView, SaveView};
use crate::design::button::{Weight, submit};
use crate::design::field::Field;
use crate::design::flash::Flash;
use crate::design::form::{Form, hidden, place_fields};
use crate::design::status::tag;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::project::Place;
use slipway_domain::table::{SavedView, ViewPage};

/// The views of a page, and the form that saves `asked`, which it shows now.
pub fn bar(place: &Place, page: ViewPage, (views, may_share): (&[SavedView], bool), asked: &str) -> AnyView {
    let asked = SavedView::kept(asked);
    let links = views
        .iter()
        .map(|view| {
            let current = (SavedView::kept(&view.query) == asked).then_some("page");
            let shared = view.shared.then(|| tag(tr!(table.shared)));
            let opens = view.is_default.then(|| tag(tr!(table.opens_with)));
            let href = format!("?{}", if view.query.is_empty() { "view=all" } else { &view.query });
            view! { <a class="btn small" href=href aria-current=current>{view.name.clone()}{shared}{opens}</a> }
        })
        .collect::<Vec<_>>();
    let all = (!views.is_empty())
        .then(|| view! { <a class="btn quiet small" href="?view=all">{tr!(table.everything)}</a> });
    let fields = {
        let place = place_fields(place);
        move || {
            view! {
                {place}
                {hidden("page", page.key().to_owned())}
                {hidden("query", asked)}
                <Field name="name" label=tr!(table.view_name) required=true/>
                {boxes(may_share, false, false)}
                {submit(Weight::Plain, tr!(table.save_view))}
            }
        }
    };
    let refused = Flash::of(SaveView::PATH).is_some();
    let kept: Vec<AnyView> = views
        .iter()
        .filter(|view| view.may_edit)
        .map(|view| keep(place, view, may_share))
        .collect();
    let kept = (!kept.is_empty()).then(|| view! { <ul class="setup-list">{kept}</ul> });
    view! {
        <div class="views-bar gap-below" role="group" aria-label=tr!(table.views)>{all}{links}
            <details open=refused>
                <summary class="btn quiet small">{tr!(table.manage)}</summary>
                <div class="box box-body">
                    <Form action=SaveView::PATH class="form-row" done=tr!(table.view_saved)>{fields()}</Form>
                    {kept}
                </div>
            </details>
        </div>
    }
    .into_any()
}

fn boxes(may_share: bool, shared: bool, is_default: bool) -> AnyView {
    let share = may_share.then(|| {
        view! { <label class="check"><input type="checkbox" name="shared" value="true" checked=shared/>{tr!(table.share)}</label> }
    });
    view! {
        {share}
        <label class="check"><input type="checkbox" name="is_default" value="true" checked=is_default/>{tr!(table.make_default)}</label>
    }
    .into_any()
}

/// The forms that change a view and take it away.
fn keep(place: &Place, view: &SavedView, may_share: bool) -> AnyView {
    let (id, version) = (view.id.to_string(), view.version.to_string());
    let (name, query) = (view.name.clone(), view.query.clone());
    let (shared, is_default) = (view.shared, view.is_default);
    let places = (place_fields(place), place_fields(place));
    let fields = move || {
        view! {
            {places.0}
            {hidden("version", version)}
            {hidden("query", query)}
            <Field name="name" label=tr!(table.view_name) value=name required=true/>
            {boxes(may_share, shared, is_default)}
            {submit(Weight::Plain, tr!(table.save))}
        }
    };
    let remove = view! { {places.1}{submit(Weight::Quiet, tr!(table.remove_view))} };
    view! {
        <li>
            <Form action=EditView::PATH class="form-row" key=("id", id.clone()) done=tr!(table.view_saved)>{fields()}</Form>
            <Form action=RemoveView::PATH class="inline-form" key=("id", id)>{remove}</Form>
        </li>
    }
    .into_any()
}
