//! The daily digest: whoever wants it has one mail a morning from each organization with a mail server, and none where
//! there is nothing to say.

use crate::context::{Actor, OpCtx, Via};
use crate::error::{Error, Result};
use crate::jobs::Next;
use crate::ports::Mail;
use crate::{mail, notice, org, promotion};
use slipway_domain::access::Action;
use slipway_domain::digest::{AHEAD, Digest, DigestLine, DigestSettings, due_day, letter};
use slipway_domain::freeze::zone;
use slipway_domain::id::UserId;
use slipway_domain::notice::NoticeKind;
use slipway_domain::org::OrgRef;
use slipway_domain::person::Person;
use slipway_domain::text::Text;
use slipway_domain::time::{MINUTE, SECOND};

/// How often it is looked whose morning it is.
const LOOK_EVERY: i64 = 5 * MINUTE;
/// How many mails one turn sends: a job has a minute.
const AT_ONCE: usize = 20;

/// Whether the actor wants a digest.
///
/// # Errors
/// [`Error::Unauthenticated`], or the database does not answer.
pub async fn settings(ctx: &OpCtx) -> Result<DigestSettings> {
    let person = ctx.oneself()?.id;
    let chosen = ctx.read().await?.digest_of(person).await?;
    let (on, zone) = chosen.unwrap_or((false, String::from("UTC")));
    let has_address = ctx
        .read()
        .await?
        .person(person)
        .await?
        .is_some_and(|person| person.email.is_some());
    let mut possible = false;
    for found in org::list(ctx).await? {
        possible |= mail::in_force(ctx, found.id)
            .await
            .is_ok_and(|access| access.is_some());
    }
    Ok(DigestSettings {
        on,
        zone,
        possible: possible && has_address,
    })
}

/// Says whether the actor wants a digest, and where their morning is.
///
/// # Errors
/// As [`settings`]; [`Error::Invalid`] `zone` for one that is not known.
pub async fn set(ctx: &OpCtx, on: bool, zone_name: &str) -> Result<()> {
    let person = ctx.changing_oneself()?.id;
    let zone_name = zone_name.trim();
    if zone(zone_name).is_none() {
        let text = Text::new(
            "there is no such zone; use one such as Asia/Shanghai",
            "没有此时区，请填写如 Asia/Shanghai 的时区",
        );
        return Err(Error::field("zone", text));
    }
    let mut change = ctx.change().await?;
    let since = on.then(|| ctx.now());
    change.tx().set_digest(person, zone_name, since).await?;
    // What somebody wants to hear is theirs, and no fact that an auditor would ask for.
    change.bookkeeping();
    change.touch_person("person", person, None);
    change.commit().await
}

/// Sends what is due now.
pub(crate) async fn sweep(ctx: &OpCtx) -> Result<Next> {
    let mut sent = 0;
    for (user, zone_name) in ctx.read().await?.digest_readers().await? {
        let Some(zone) = zone(&zone_name) else { continue };
        let Some(person) = ctx.read().await?.person(user).await? else {
            continue;
        };
        let theirs = ctx.portal().ctx(
            Actor::User(person.as_ref()),
            Via::System,
            ctx.request_id(),
            person.locale.unwrap_or_default(),
        );
        for org in org::list(&theirs).await? {
            let before = ctx.read().await?.digest_sent(user, org.id).await?;
            let last = before.as_deref().filter(|day| !day.is_empty());
            let Some(day) = due_day(ctx.now(), &zone, last) else {
                continue;
            };
            if sent >= AT_ONCE {
                return Ok(Next::At(ctx.now().plus(SECOND)));
            }
            sent += usize::from(send(ctx, &theirs, (&person, &org), (&day, last)).await?);
        }
    }
    Ok(Next::At(ctx.now().plus(LOOK_EVERY)))
}

/// Sends one digest; whether a mail went out. The day is taken before, so that two replicas send once, and given back
/// where the mail server does not answer.
async fn send(
    ctx: &OpCtx,
    theirs: &OpCtx,
    (person, org): (&Person, &OrgRef),
    (day, before): (&str, Option<&str>),
) -> Result<bool> {
    let Some(to) = person.email.clone() else {
        return Ok(false);
    };
    let access = match mail::in_force(ctx, org.id).await {
        Ok(Some(access)) => access,
        // The mail settings say what is wrong.
        Ok(None) | Err(Error::Refused { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    let digest = digest(theirs, person.id, org, day).await?;
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let claimed = change.tx().claim_digest(person.id, org.id, day).await?;
    change.commit().await?;
    if !claimed || digest.is_empty() {
        return Ok(false);
    }
    let base = &ctx.portal().public_url;
    let letter = letter(theirs.locale(), &org.name, &digest, base);
    match mail::send(ctx, &access, &Mail { to, letter }).await {
        Ok(()) => Ok(true),
        Err(error) => {
            if error.is_passing() {
                let mut change = ctx.change().await?;
                change.bookkeeping();
                change.tx().return_digest(person.id, org.id, day, before).await?;
                change.commit().await?;
            }
            Ok(true)
        }
    }
}

/// What somebody's digest of an organization says on a day: only what they see.
async fn digest(theirs: &OpCtx, user: UserId, org: &OrgRef, day: &str) -> Result<Digest> {
    let rights = theirs.rights().await?;
    let today = day.parse::<jiff::civil::Date>().map_err(Error::internal)?;
    let until = today
        .checked_add(jiff::Span::new().days(AHEAD))
        .unwrap_or(today)
        .to_string();
    let mut digest = Digest::default();
    for item in theirs.read().await?.due_items(user, org.id, &until).await? {
        if !rights
            .in_project_of(org.id, item.project, item.internal)
            .has(Action::See)
        {
            continue;
        }
        let line = DigestLine {
            words: format!("{} {}", item.key, item.title),
            path: format!("/orgs/{}/projects/{}/items/{}", org.slug, item.slug, item.key),
            due_on: Some(item.due_on),
        };
        if line.due_on.as_deref() < Some(day) {
            digest.overdue.push(line);
        } else {
            digest.due.push(line);
        }
    }
    for row in promotion::inbox(theirs).await?.waiting {
        if row.place.org.id == org.id {
            digest.approvals.push(DigestLine {
                words: format!("{} → {}", row.release.version, row.environment.name),
                due_on: None,
                path: format!("/approvals/{}", row.id),
            });
        }
    }
    let own = format!("/orgs/{}/", org.slug);
    for thread in notice::list(theirs, true, None).await?.threads {
        let mentioned = thread
            .notices
            .iter()
            .any(|one| one.kind == NoticeKind::ItemMentioned && one.read_at.is_none());
        if mentioned && thread.path.starts_with(&own) {
            digest.mentions.push(DigestLine {
                words: thread.subject,
                due_on: None,
                path: thread.path,
            });
        }
    }
    Ok(digest)
}
