//! What subscribers are told of: written in the transaction of what happened. Ids, keys and addresses of pages, and no
//! free text: whoever receives it asks Slipway for more.

use crate::change::Change;
use crate::context::Actor;
use crate::error::{Error, Result};
use crate::jobs::Job;
use crate::ports::{NewMessage, PromotionRecord, ReleaseRecord};
use serde::Serialize;
use serde_json::{Value, json};
use slipway_domain::id::{ItemId, SubscriberId};
use slipway_domain::item::{ItemKind, ItemState};
use slipway_domain::member::Holder;
use slipway_domain::project::Place;
use slipway_domain::run::RunRow;
use slipway_domain::subscriber::EventKind;

/// A body, in the order that Standard Webhooks recommends.
#[derive(Serialize)]
struct Body {
    r#type: &'static str,
    timestamp: String,
    data: Value,
}

/// The body of what happened now at `place`; `path` is its page, `data` says more of it.
pub(super) fn body(change: &Change<'_>, kind: EventKind, place: &Place, path: &str, data: Value) -> String {
    let ctx = change.ctx();
    let org = json!({ "id": place.org.id, "slug": place.org.slug });
    let project = place
        .project
        .as_ref()
        .map(|project| json!({ "id": project.id, "slug": project.slug }));
    let app = place
        .app
        .as_ref()
        .map(|app| json!({ "id": app.id, "slug": app.slug }));
    let actor = match ctx.actor() {
        Actor::User(person) => Some(json!({ "id": person.id, "username": person.username })),
        Actor::System | Actor::Anonymous => None,
    };
    let mut all = json!({
        "organization": org,
        "project": project,
        "app": app,
        "actor": actor,
        "url": format!("{}{path}", ctx.portal().public_url),
    });
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), data) {
        all.extend(more);
    }
    let body = Body {
        r#type: kind.key(),
        timestamp: ctx.now().rfc3339(),
        data: all,
    };
    // Maps of JSON values always become JSON.
    serde_json::to_string(&body).unwrap_or_default()
}

/// Has what is due for a subscriber sent once this change is committed.
pub(super) async fn wake(change: &mut Change<'_>, subscriber: SubscriberId) -> Result<()> {
    let now = change.ctx().now();
    let key = format!("subscriber:{subscriber}");
    change.enqueue(&Job::Send { subscriber }, now, Some(&key)).await
}

/// Writes one message for each subscriber that hears of the place and wants this kind.
async fn announce(
    change: &mut Change<'_>,
    kind: EventKind,
    place: &Place,
    path: &str,
    data: Value,
) -> Result<()> {
    let (org, project) = (place.org.id, place.project.as_ref().map(|project| project.id));
    let mut listeners = change.tx().listeners(org, project).await?;
    listeners.retain(|(_, kinds)| kinds.has(kind));
    if listeners.is_empty() {
        return Ok(());
    }
    let body = body(change, kind, place, path, data);
    if body.is_empty() {
        return Err(Error::internal("an event is no JSON"));
    }
    for (subscriber, _) in listeners {
        let message = NewMessage {
            id: change.ctx().id(),
            subscriber,
            org,
            kind,
            body: body.clone(),
            at: change.ctx().now(),
        };
        change.tx().insert_message(&message).await?;
        change.touch("subscriber", subscriber, place);
        wake(change, subscriber).await?;
    }
    Ok(())
}

/// Something happened to a promotion: of the release `version`, to the environment of the key `environment`. `verdict`
/// is what somebody decided.
pub(crate) async fn promotion(
    change: &mut Change<'_>,
    kind: EventKind,
    place: &Place,
    promotion: &PromotionRecord,
    (version, environment): (&str, &str),
    verdict: Option<&str>,
) -> Result<()> {
    let path = format!("{}/promotions/{}", place.path(), promotion.id);
    let mut about = json!({
        "id": promotion.id,
        "kind": promotion.kind.key(),
        "state": promotion.state.key(),
        "version": version,
        "environment": environment,
        "requested_by": promotion.requested_by,
    });
    if let (Some(verdict), Some(about)) = (verdict, about.as_object_mut()) {
        about.insert(String::from("verdict"), verdict.into());
    }
    announce(change, kind, place, &path, json!({ "promotion": about })).await
}

/// A release was made, or marked defective.
pub(crate) async fn release(
    change: &mut Change<'_>,
    kind: EventKind,
    place: &Place,
    release: &ReleaseRecord,
) -> Result<()> {
    let path = format!("{}/releases/{}", place.path(), release.version);
    let about = json!({
        "id": release.id,
        "version": release.version,
        "sha": release.sha,
        "ref": release.git_ref,
    });
    announce(change, kind, place, &path, json!({ "release": about })).await
}

/// A run ended.
pub(crate) async fn run(change: &mut Change<'_>, place: &Place, run: &RunRow) -> Result<()> {
    let path = format!("{}/runs/{}", place.path(), run.number);
    let about = json!({
        "id": run.id,
        "number": run.number,
        "status": run.status.key(),
        "ref": run.git_ref,
        "sha": run.sha,
    });
    announce(
        change,
        EventKind::RunFinished,
        place,
        &path,
        json!({ "run": about }),
    )
    .await
}

/// A work item as subscribers are told of it.
pub(crate) struct Item<'a> {
    /// Which.
    pub(crate) id: ItemId,
    /// Its key, as in `CHK-12`.
    pub(crate) key: &'a str,
    /// Its kind.
    pub(crate) kind: ItemKind,
    /// Its state.
    pub(crate) state: &'a ItemState,
    /// Its state before; `None`: it is new.
    pub(crate) before: Option<&'a ItemState>,
}

/// A work item was created, or changed its state.
pub(crate) async fn item(change: &mut Change<'_>, place: &Place, item: Item<'_>) -> Result<()> {
    let path = format!("{}/items/{}", place.path(), item.key);
    let kind = match item.before {
        Some(_) => EventKind::ItemChanged,
        None => EventKind::ItemCreated,
    };
    let about = json!({
        "id": item.id,
        "key": item.key,
        "kind": item.kind.key(),
        "state": item.state.key(),
        "before": item.before.map(ItemState::key),
    });
    announce(change, kind, place, &path, json!({ "item": about })).await
}

/// Somebody's roles at a place changed; `action` is what the audit log calls it, as in `member.grant`, and `summary`
/// has the keys of the roles.
pub(crate) async fn member(
    change: &mut Change<'_>,
    place: &Place,
    action: &str,
    holder: Holder,
    summary: &Value,
) -> Result<()> {
    let path = format!("{}/members", place.path());
    let (kind, id) = match holder {
        Holder::Person(id) => ("person", id.to_string()),
        Holder::Group(id) => ("group", id.to_string()),
    };
    let about = json!({
        "kind": kind,
        "id": id,
        "change": action.trim_start_matches("member."),
        "role": summary.get("role").or_else(|| summary.get("to")),
        "before": summary.get("from"),
    });
    announce(
        change,
        EventKind::MemberChanged,
        place,
        &path,
        json!({ "member": about }),
    )
    .await
}
