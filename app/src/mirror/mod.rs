//! Work items that mirror GitLab issues: an app's settings for them, and what an item's page shows of its issue.

pub mod api;

use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, FormState, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::status::{Status, pill};
use crate::design::time::time;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::place::{archived_note, check_box};
use crate::places::app_params;
use crate::tr;
use api::{ReadMirror, SetMirror, SettleMirror};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::item::{ItemKind, ItemView};
use slipway_domain::mirror::{CLOSED, Conflict, LinkState, MirrorField, MirrorLink, MirrorView, OPENED};
use slipway_domain::project::Place;

/// The issue of an item, how the two stand, and what somebody has to settle.
pub fn panel(item: &ItemView) -> Option<AnyView> {
    let link = item.mirror.as_ref()?;
    let web = link.web_url.starts_with("https://") || link.web_url.starts_with("http://");
    let name = if web {
        view! { <a class="link" href=link.web_url.clone() rel="noreferrer">{link.name()}</a> }.into_any()
    } else {
        view! { <span>{link.name()}</span> }.into_any()
    };
    let by = (!link.author.is_empty())
        .then(|| view! { <span class="small muted">{tr!(mirror.by, name = link.author.clone())}</span> });
    let met = link
        .synced_at
        .map(|at| view! { <span class="small muted">{tr!(mirror.met)}" "{time(at)}</span> });
    let remark = link
        .remark
        .as_ref()
        .map(|remark| view! { <p class="small muted">{say(remark)}</p> });
    let trouble = link
        .trouble
        .as_ref()
        .map(|trouble| view! { <p class="note bad">{say(trouble)}</p> });
    let number = crate::board::number_of(&item.card.key).unwrap_or_default();
    let conflicts = link
        .conflicts
        .iter()
        .map(|conflict| settled_by(&item.place, (number, link.version), conflict, item.may_edit))
        .collect::<Vec<_>>();
    let state = state(link);
    Some(
        view! {
            <Panel title=tr!(mirror.issue)>
                <div class="stack box-body">
                    <div class="row wrap">{name}{state}{by}{met}</div>
                    {trouble}
                    {remark}
                    {conflicts}
                </div>
            </Panel>
        }
        .into_any(),
    )
}

fn state(link: &MirrorLink) -> AnyView {
    if !link.conflicts.is_empty() {
        return pill(Status::Degraded, tr!(mirror.conflict)).into_any();
    }
    let look = match link.state {
        LinkState::Making => Status::Queued,
        LinkState::Linked if link.trouble.is_some() => Status::Failed,
        LinkState::Linked => Status::Success,
        LinkState::Gone | LinkState::Moved | LinkState::Confidential => Status::Cancelled,
    };
    pill(look, say(&link.state.text())).into_any()
}

/// What a side holds, for people.
fn held(field: MirrorField, value: &str) -> String {
    match (field, value) {
        (MirrorField::State, OPENED) => tr!(mirror.opened),
        (MirrorField::State, CLOSED) => tr!(mirror.closed),
        (_, "") => tr!(mirror.nothing),
        (MirrorField::Assignee, id) => tr!(mirror.person, id = id.to_owned()),
        (_, value) => value.to_owned(),
    }
}

/// Both values of a field, and the two ways to settle it, for who may.
fn settled_by(place: &Place, (number, version): (i64, i64), conflict: &Conflict, may: bool) -> AnyView {
    let field = conflict.field;
    let (ours, theirs) = (held(field, &conflict.ours), held(field, &conflict.theirs));
    let form = may.then(|| {
        let at = place_fields(place);
        view! {
            <Form action=SettleMirror::PATH class="form" done=tr!(mirror.settled)>
                {at}
                {hidden("number", number.to_string())}
                {hidden("field", field.key().to_owned())}
                {hidden("version", version.to_string())}
                <div class="row wrap">
                    <button type="submit" class="btn" name="ours" value="true">{tr!(mirror.keep_ours)}</button>
                    <button type="submit" class="btn" name="ours" value="false">{tr!(mirror.take_theirs)}</button>
                </div>
            </Form>
        }
    });
    view! {
        <section class="stack tight">
            <h3>{tr!(mirror.differs, field = say(&field.text()))}</h3>
            <dl class="facts">
                <dt>{tr!(mirror.ours)}</dt>
                <dd>{ours}</dd>
                <dt>{tr!(mirror.theirs)}</dt>
                <dd>{theirs}</dd>
            </dl>
            {form}
        </section>
    }
    .into_any()
}

/// `App/settings/mirror`.
pub fn mirror_page() -> AnyView {
    let params = app_params();
    load(move || {
        let (org, project, app) = params();
        ReadMirror { org, project, app }
    })
    .watching(|page: &MirrorView| {
        let app = page.place.app.iter();
        app.fold(Topics::default(), |topics, app| topics.and("app", app.id))
    })
    .view(|page| show(&page))
}

fn show(page: &MirrorView) -> AnyView {
    let name = page.place.app.as_ref().map(|app| app.name.clone());
    let (standing, waiting, form) = (standing(page), waiting(page), form(page));
    view! {
        <PageHead title=tr!(mirror.title) line=name.unwrap_or_default().into_any()/>
        {archived_note(&page.place)}
        <div class="stack wide">
            {standing}
            {waiting}
            <Panel title=tr!(mirror.settings)>{form}</Panel>
            <Panel title=tr!(mirror.what)>
                <div class="box-body stack tight">
                    <p>{tr!(mirror.what_is)}</p>
                    <p>{tr!(mirror.what_is_not)}</p>
                    <p>{tr!(mirror.what_comments)}</p>
                    <p>{tr!(mirror.what_hidden)}</p>
                </div>
            </Panel>
        </div>
    }
    .into_any()
}

/// How it goes.
fn standing(page: &MirrorView) -> Option<AnyView> {
    page.since?;
    let trouble = page
        .trouble
        .as_ref()
        .map(|trouble| view! { <p class="note bad" role="status">{say(trouble)}</p> });
    let looked = match page.reconciled_at {
        Some(at) => time(at).into_any(),
        None => view! { <span class="muted">{tr!(mirror.not_yet)}</span> }.into_any(),
    };
    let taking = page.taking.map(|taking| {
        let words = if taking.done {
            tr!(mirror.taken, made = taking.made)
        } else {
            tr!(mirror.taking, pages = taking.pages, made = taking.made)
        };
        view! { <dt>{tr!(mirror.from_before)}</dt><dd>{words}</dd> }
    });
    let (linked, conflicts) = (page.linked, page.conflicts.len());
    let repository = page.repository.clone().unwrap_or_default();
    Some(
        view! {
            <Panel title=tr!(mirror.standing)>
                <div class="box-body stack tight">
                    {trouble}
                    <dl class="facts">
                        <dt>{tr!(mirror.repository)}</dt>
                        <dd>{repository}</dd>
                        <dt>{tr!(mirror.looked)}</dt>
                        <dd>{looked}</dd>
                        <dt>{tr!(mirror.linked)}</dt>
                        <dd>{linked}</dd>
                        <dt>{tr!(mirror.conflicts)}</dt>
                        <dd>{conflicts}</dd>
                        {taking}
                    </dl>
                </div>
            </Panel>
        }
        .into_any(),
    )
}

/// The items with something to settle.
fn waiting(page: &MirrorView) -> Option<AnyView> {
    if page.conflicts.is_empty() {
        return None;
    }
    let mut project = page.place.clone();
    project.app = None;
    let base = project.path();
    let rows = page
        .conflicts
        .iter()
        .map(|row| {
            let fields = row.conflicts.iter().map(|one| say(&one.field.text())).collect::<Vec<_>>();
            view! {
                <li class="row wrap">
                    <a class="link" href=format!("{base}/items/{}", row.key)><code>{row.key.clone()}</code>" "{row.title.clone()}</a>
                    {pill(Status::Degraded, fields.join(" · "))}
                </li>
            }
        })
        .collect::<Vec<_>>();
    Some(
        view! { <Panel title=tr!(mirror.to_settle)><ul class="checks box-body">{rows}</ul></Panel> }
            .into_any(),
    )
}

fn form(page: &MirrorView) -> AnyView {
    if page.repository.is_none() {
        return view! { <p class="muted box-body">{tr!(mirror.no_repository)}</p> }.into_any();
    }
    let at = place_fields(&page.place);
    let (rules, on, version) = (page.rules.clone(), page.since.is_some(), page.version);
    let kinds = ItemKind::ALL
        .iter()
        .map(|kind| (kind.key().to_owned(), say(&kind.text())))
        .collect::<Vec<_>>();
    let taken = page.taking.is_some();
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        let form = FormState::here();
        let ticked = move |name: &str, on: bool| {
            if form.came_back() {
                form.typed(name).is_some()
            } else {
                on
            }
        };
        view! {
            {at}
            {hidden("version", version.to_string())}
            <fieldset class="choice-list">
                <legend class="visually-hidden">{tr!(mirror.settings)}</legend>
                {check_box("on", "true", ticked("on", on), tr!(mirror.on), tr!(mirror.on_help))}
                {check_box("creates", "true", ticked("creates", rules.creates), tr!(mirror.creates), tr!(mirror.creates_help))}
                {check_box("take", "true", ticked("take", taken), tr!(mirror.take), tr!(mirror.take_help))}
            </fieldset>
            <Field
                name="kind" label=tr!(mirror.kind) help=tr!(mirror.kind_help) control=Control::Select(kinds)
                value=rules.kind.key().to_owned()
            />
            <Field
                name="labels" label=tr!(mirror.labels) help=tr!(mirror.labels_help) control=Control::Area(4)
                value=rules.typed()
            />
            <p>{submit(Weight::Primary, tr!(place.save))}</p>
        }
    };
    view! { <Form action=SetMirror::PATH class="form narrow box-body" done=tr!(place.saved)>{fields()}</Form> }
        .into_any()
}
