//! Freeze windows: when nothing is deployed, or when alone something is, in an organization, a project or an app.

use crate::access::{self, Anywhere, At, Authorized, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::environment::look_at_pending;
use crate::error::{Error, FieldError, Result};
use crate::ports::{FreezeRecord, StoreError};
use crate::version;
use jiff::ToSpan as _;
use jiff::civil::DateTime;
use slipway_domain::access::Action;
use slipway_domain::environment::Tier;
use slipway_domain::freeze::{
    Effect, Freeze, FreezeCalendar, FreezeView, NoRecurrence, Recurrence, Span, Window, calendar as weeks,
    zone,
};
use slipway_domain::id::FreezeId;
use slipway_domain::project::Place;
use slipway_domain::text::Text;
use slipway_domain::time::{DAY, Timestamp};

/// How long a name may be, in characters.
const NAME: usize = 80;
/// How long a reason may be, in characters.
const REASON: usize = 500;
/// How many windows one place may have.
const MOST: usize = 200;
/// How many of the next occurrences are shown.
const NEXT: usize = 5;

/// A window as it is typed.
#[derive(Clone, Debug)]
pub struct Input {
    /// What it is called.
    pub name: String,
    /// Why, and whom to ask.
    pub reason: String,
    /// What it does.
    pub effect: Effect,
    /// The IANA zone.
    pub zone: String,
    /// When it (first) opens, local, as in `2026-12-24T18:00`.
    pub start: String,
    /// When it (first) ends, local.
    pub end: String,
    /// RFC 5545's `RRULE`; empty: once.
    pub repeats: String,
    /// The tiers that it holds for; none: all of them.
    pub tiers: Vec<Tier>,
}

impl Input {
    /// The window that was meant, or everything that is wrong with it.
    fn read(&self, id: FreezeId, place: &Authorized<Anywhere, may::Modify>) -> Result<Freeze> {
        let mut wrong = Vec::new();
        let mut say = |field: &str, text: Text| {
            wrong.push(FieldError {
                field: field.to_owned(),
                text,
            });
        };
        let (name, reason) = (self.name.trim(), self.reason.trim());
        if name.is_empty() || name.chars().count() > NAME {
            say(
                "name",
                Text::new("use 1 to 80 characters", "请使用 1 到 80 个字符"),
            );
        }
        if reason.chars().count() > REASON {
            say(
                "reason",
                Text::new("use at most 500 characters", "最多 500 个字符"),
            );
        }
        let mut time = |field: &str, text: &str| {
            let read = text.trim().parse::<DateTime>();
            if read.is_err() {
                say(
                    field,
                    Text::new(
                        "give a day and a time, as in 2026-12-24T18:00",
                        "请填写日期和时间，例如 2026-12-24T18:00",
                    ),
                );
            }
            read.ok()
        };
        let (start, end) = (time("start", &self.start), time("end", &self.end));
        let repeats = match self.repeats.trim() {
            "" => None,
            rule => match rule.parse::<Recurrence>() {
                Ok(rule) => Some(rule),
                Err(NoRecurrence(text)) => {
                    say("repeats", text);
                    None
                }
            },
        };
        let Some((start, end)) = start.zip(end) else {
            return Err(Error::Invalid(wrong));
        };
        let window = Window {
            zone: self.zone.trim().to_owned(),
            start,
            end,
            repeats,
        };
        for bad in window.check() {
            say(bad.field, bad.text);
        }
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        Ok(Freeze {
            id,
            level: place.kind(),
            name: name.to_owned(),
            reason: reason.to_owned(),
            effect: self.effect,
            window,
            tiers: self.tiers.clone(),
        })
    }
}

/// Makes a window at a place: it holds there and below.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`]; wrong fields, field by field; `too_many`.
pub async fn create(ctx: &OpCtx, at: At<'_>, input: Input) -> Result<FreezeId> {
    let place = access::anywhere_to::<may::FreezeEdit>(ctx, at).await?;
    let modify = place.modify();
    let mut change = ctx.change().await?;
    if change.tx().freezes_at(&place.see()).await?.len() >= MOST {
        return Err(Error::refused(
            "too_many",
            "There are 200 windows here. Remove some that are over.",
            "此处已有 200 个窗口，请先移除已结束的窗口。",
        ));
    }
    let record = FreezeRecord {
        freeze: input.read(ctx.id(), &modify)?,
        project: place.project_id(),
        app: place.app_id(),
        made_by: ctx.user().ok().cloned(),
        created_at: ctx.now(),
    };
    change.tx().insert_freeze(&modify, &record).await?;
    written(&mut change, &modify, "freeze.create", &record.freeze).await?;
    change.commit().await?;
    Ok(record.freeze.id)
}

/// Changes a window of the place. What waits is looked at again.
///
/// # Errors
/// As [`create`].
pub async fn edit(ctx: &OpCtx, at: At<'_>, id: FreezeId, input: Input) -> Result<()> {
    let modify = access::anywhere_to::<may::FreezeEdit>(ctx, at).await?.modify();
    let freeze = input.read(id, &modify)?;
    let mut change = ctx.change().await?;
    change.tx().lock_org(modify.org_id()).await?;
    let all = change.tx().freezes_at(&modify.see()).await?;
    let now = all
        .iter()
        .find(|record| record.freeze.id == id)
        .ok_or(Error::NotFound)?;
    change.only_on(version::freeze(&now.freeze))?;
    change.tx().update_freeze(&modify, &freeze).await.map_err(gone)?;
    written(&mut change, &modify, "freeze.edit", &freeze).await?;
    change.commit().await
}

/// Removes a window of the place. What waits is looked at again.
///
/// # Errors
/// As [`create`].
pub async fn remove(ctx: &OpCtx, at: At<'_>, id: FreezeId) -> Result<()> {
    let modify = access::anywhere_to::<may::FreezeEdit>(ctx, at).await?.modify();
    let mut change = ctx.change().await?;
    let all = change.tx().freezes_at(&modify.see()).await?;
    let record = all
        .into_iter()
        .find(|record| record.freeze.id == id)
        .ok_or(Error::NotFound)?;
    change.tx().delete_freeze(&modify, id).await.map_err(gone)?;
    written(&mut change, &modify, "freeze.remove", &record.freeze).await?;
    change.commit().await
}

fn gone(error: StoreError) -> Error {
    match error {
        StoreError::Gone => Error::NotFound,
        other => other.into(),
    }
}

async fn written(
    change: &mut Change<'_>,
    at: &Authorized<Anywhere, may::Modify>,
    action: &'static str,
    freeze: &Freeze,
) -> Result<()> {
    let place = at.place();
    let window = &freeze.window;
    let summary = serde_json::json!({
        "effect": freeze.effect.key(), "zone": window.zone, "start": window.start.to_string(),
        "end": window.end.to_string(), "repeats": window.repeats.as_ref().map(Recurrence::as_str),
        "tiers": freeze.tiers.iter().map(|tier| tier.key()).collect::<Vec<_>>(), "reason": freeze.reason,
    });
    let name = freeze.name.clone();
    change
        .audit(Entry::done(action, "freeze", freeze.id, name, &place, summary))
        .await?;
    match (&place.project, &place.app) {
        (_, Some(app)) => change.touch("app", app.id, &place),
        (Some(project), None) => change.touch("project", project.id, &place),
        (None, None) => change.touch("org", place.org.id, &place),
    }
    let ctx = change.ctx().anew();
    look_at_pending(&ctx, change, at.org_id()).await
}

/// The windows of a place and of those above it, with one month of them. `month` is `2026-12`; without it, or without a
/// zone, what is now in UTC.
///
/// # Errors
/// As [`access::anywhere`].
pub async fn calendar(
    ctx: &OpCtx,
    at: At<'_>,
    month: Option<&str>,
    zone_name: Option<&str>,
) -> Result<FreezeCalendar> {
    let place = access::anywhere(ctx, at).await?;
    let now = ctx.now();
    let (zone_name, tz) = zone_name
        .and_then(|name| Some((name.to_owned(), zone(name)?)))
        .unwrap_or_else(|| (String::from("UTC"), jiff::tz::TimeZone::UTC));
    let today = jiff::Timestamp::from_microsecond(now.micros())
        .unwrap_or_default()
        .to_zoned(tz.clone())
        .date();
    let first = month
        .and_then(|month| format!("{month}-01").parse::<jiff::civil::Date>().ok())
        .unwrap_or(today)
        .first_of_month();
    let named = |day: jiff::civil::Date| day.strftime("%Y-%m").to_string();
    let month = named(first);
    let freezes: Vec<FreezeView> = shown(ctx, &place, now).await?;
    let days = weeks(&freezes, &month, &tz).unwrap_or_default();
    let step = |by: i32| {
        first
            .checked_add(by.months())
            .map_or_else(|_| month.clone(), named)
    };
    let may_edit = ctx.rights().await?.at(&place).has(Action::FreezeEdit);
    Ok(FreezeCalendar {
        place: place.place(),
        before: step(-1),
        after: step(1),
        zone: zone_name,
        freezes,
        days,
        may_edit,
        month,
    })
}

async fn shown(
    ctx: &OpCtx,
    place: &Authorized<Anywhere, may::See>,
    now: Timestamp,
) -> Result<Vec<FreezeView>> {
    let all = ctx.read().await?.freezes_at(place).await?;
    let may_edit = ctx.rights().await?.at(place).has(Action::FreezeEdit);
    let here = place.place();
    let view = |record: FreezeRecord| {
        let window = &record.freeze.window;
        let own = record.project == place.project_id() && record.app == place.app_id();
        let mut next: Vec<Span> = window.spans(now, now.plus(400 * DAY));
        next.retain(|span| span.from > now);
        next.truncate(NEXT);
        FreezeView {
            place: Place {
                org: here.org.clone(),
                project: here.project.clone().filter(|_| record.project.is_some()),
                app: here.app.clone().filter(|_| record.app.is_some()),
            },
            made_by: record.made_by,
            now: window.around(now),
            next,
            may_edit: own && may_edit,
            freeze: record.freeze,
        }
    };
    Ok(all.into_iter().map(view).collect())
}
