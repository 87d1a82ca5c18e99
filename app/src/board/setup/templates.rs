//! What the descriptions of new items of a kind can begin with.

use super::api::{RemoveTemplate, SaveTemplate};
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::flash::Flash;
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::Panel;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::board::{BoardSetupView, ItemTemplate};
use slipway_domain::item::ItemKind;

/// The templates of a kind, and the form for another one.
pub fn panel(view: &BoardSetupView, kind: ItemKind) -> AnyView {
    let of_kind = view.templates.iter().filter(|template| template.kind == kind);
    let rows = of_kind.map(|template| row(view, template)).collect::<Vec<_>>();
    let none = rows
        .is_empty()
        .then(|| view! { <p class="muted box-body">{tr!(flow.no_templates)}</p> });
    let new = view.may_edit.then(|| {
        let open = Flash::refused(SaveTemplate::PATH, ("id", ""));
        view! { <details class="setup-new" open=open><summary>{tr!(flow.new_template)}</summary>{form(view, kind, None)}</details> }
    });
    view! { <Panel title=tr!(flow.templates)>{none}<ul class="setup-list">{rows}</ul>{new}</Panel> }
        .into_any()
}

fn row(view: &BoardSetupView, template: &ItemTemplate) -> AnyView {
    let acts = view.may_edit.then(|| {
        let remove = view! { {place_fields(&view.place)}{submit(Weight::Danger, tr!(flow.remove_template))} };
        let id = template.id.to_string();
        let open =
            Flash::refused(SaveTemplate::PATH, ("id", &id)) || Flash::refused(RemoveTemplate::PATH, ("id", &id));
        view! {
            <details class="setup-edit" open=open>
                <summary>{tr!(flow.change)}</summary>
                {form(view, template.kind, Some(template))}
                <Form action=RemoveTemplate::PATH class="inline-form" done=tr!(flow.removed) key=("id", template.id.to_string())>{remove}</Form>
            </details>
        }
    });
    view! { <li><span class="strong">{template.name.clone()}</span>{acts}</li> }.into_any()
}

fn form(view: &BoardSetupView, kind: ItemKind, template: Option<&ItemTemplate>) -> AnyView {
    let place = place_fields(&view.place);
    let id = template
        .map(|template| template.id.to_string())
        .unwrap_or_default();
    let version = template.map(|template| hidden("version", template.version.to_string()));
    let name = template.map(|template| template.name.clone()).unwrap_or_default();
    let body = template.map(|template| template.body.clone()).unwrap_or_default();
    let fields = move || {
        view! {
            {place}
            {version}
            {hidden("kind", kind.key().to_owned())}
            <Field name="name" label=tr!(flow.template_name) value=name required=true/>
            <Field name="body" label=tr!(board.description) help=tr!(board.markdown_help) value=body control=Control::Area(8) required=true/>
            <p>{submit(Weight::Plain, tr!(flow.save))}</p>
        }
    };
    view! { <Form action=SaveTemplate::PATH class="form" key=("id", id) done=tr!(flow.saved)>{fields()}</Form> }.into_any()
}
