//! Search over what one may see, and the commands of the palette.

use crate::access::sight::{Sight, sight};
use crate::access::{self, AppScope, ProjectScope, may};
use crate::context::OpCtx;
use crate::error::Result;
use crate::ports::{FoundEnvironment, FoundItem, FoundRelease, FoundRun, Tx};
use crate::{home, org};
use slipway_domain::access::Action;
use slipway_domain::org::OrgRef;
use slipway_domain::person::PersonRef;
use slipway_domain::search::{Command, Found, Hit, HitKind, Mark, Query, Rank, Ranked, commands, grouped};

/// How many hits of a kind an answer has at most.
pub const MOST: usize = 50;
/// How many things of a kind there are where nothing is looked for.
const RECENT: i64 = 6;

/// What fits `typed` of what the actor sees, at most `limit` of a kind; where nothing was typed, their work items and
/// the apps of late.
///
/// # Errors
/// [`Error::Unauthenticated`](crate::Error::Unauthenticated), or the database does not answer.
pub async fn find(ctx: &OpCtx, typed: &str, limit: usize) -> Result<Found> {
    ctx.user()?;
    let limit = limit.clamp(1, MOST);
    let Some(query) = Query::parse(typed) else {
        return recent(ctx).await;
    };
    let mut hits = Vec::new();
    for found in org::list(ctx).await? {
        let authorized = access::org::<may::See>(ctx, &found.slug).await?;
        let seen = sight(ctx, authorized).await?;
        places(&seen, &query, &mut hits);
        // One more than is shown tells whether there are more.
        let most = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        rows(&mut *ctx.read().await?, &seen, &query, most, &mut hits).await?;
    }
    Ok(Found {
        query: query.text().to_owned(),
        groups: grouped(hits, limit),
    })
}

/// Organization, projects and apps by name.
fn places(seen: &Sight, query: &Query, hits: &mut Vec<Ranked>) {
    let org = &seen.org().org;
    let mut add = |hit: Hit| {
        if let Some(rank) = query.rank([hit.key.as_str(), hit.title.as_str()]) {
            hits.push((rank, hit));
        }
    };
    add(org_hit(org));
    for scope in seen.projects() {
        add(project_hit(scope));
    }
    for scope in seen.apps() {
        add(app_hit(scope));
    }
}

/// What stands in the places.
async fn rows(tx: &mut dyn Tx, seen: &Sight, query: &Query, most: i64, hits: &mut Vec<Ranked>) -> Result<()> {
    let inside = |rank: Option<Rank>| rank.unwrap_or(Rank::Inside);
    for item in tx.find_items(seen, query, most).await? {
        let meant = query
            .number()
            .is_some_and(|n| item.key.ends_with(&format!("-{n}")));
        let rank = query.rank([item.key.as_str(), item.title.as_str()]);
        let rank = if meant { Rank::Start } else { inside(rank) };
        hits.extend(item_hit(seen, item).map(|hit| (rank, hit)));
    }
    for release in tx.find_releases(seen, query, most).await? {
        let version = release.version.to_lowercase();
        let rank = match version.strip_prefix(query.version()) {
            Some("") => Rank::Exact,
            Some(_) => Rank::Start,
            None => Rank::Inside,
        };
        hits.extend(release_hit(seen, release).map(|hit| (rank, hit)));
    }
    if let Some(number) = query.number() {
        for run in tx.find_runs(seen, number, most).await? {
            hits.extend(run_hit(seen, run).map(|hit| (Rank::Exact, hit)));
        }
    }
    for found in tx.find_environments(seen, query, most).await? {
        let names = [found.environment.key.as_str(), found.environment.name.as_str()];
        let rank = inside(query.rank(names));
        hits.extend(environment_hit(seen, found).map(|hit| (rank, hit)));
    }
    for person in tx.find_people(seen, query, most).await? {
        let rank = inside(query.rank([person.username.as_str(), person.name.as_str()]));
        hits.push((rank, person_hit(&seen.org().org, person)));
    }
    Ok(())
}

/// The reader's own work items, and the apps that ran a pipeline last.
async fn recent(ctx: &OpCtx) -> Result<Found> {
    let (reader, rights) = (ctx.user()?.id, ctx.rights().await?);
    let mut hits = Vec::new();
    for found in org::list(ctx).await? {
        let authorized = access::org::<may::See>(ctx, &found.slug).await?;
        let seen = sight(ctx, authorized.clone()).await?;
        let mut tx = ctx.read().await?;
        for item in tx.items_of(&seen, reader, RECENT).await? {
            hits.extend(item_hit(&seen, item).map(|hit| (Rank::Exact, hit)));
        }
        let mut apps = tx.apps_in(&authorized).await?;
        apps.retain(|app| rights.in_app(app).has(Action::See));
        hits.extend(apps.iter().map(|app| (Rank::Start, app_hit(app))));
    }
    let mut groups = grouped(hits, usize::try_from(RECENT).unwrap_or(1));
    // There is always more of late; nobody asked for it.
    for group in &mut groups {
        group.more = false;
    }
    Ok(Found {
        query: String::new(),
        groups,
    })
}

/// The commands for the page at that organization and project; places that the actor does not see have none.
///
/// # Errors
/// As [`home::chrome`].
pub async fn palette(ctx: &OpCtx, org: Option<&str>, project: Option<&str>) -> Result<Vec<Command>> {
    let (place, held, _) = home::place_of(ctx, org, project, None).await?;
    Ok(commands(place.as_ref(), held))
}

fn org_hit(org: &OrgRef) -> Hit {
    Hit {
        kind: HitKind::Org,
        key: org.slug.clone(),
        title: org.name.clone(),
        within: String::new(),
        path: format!("/orgs/{}", org.slug),
        mark: None,
        at: None,
    }
}

fn project_hit(scope: &ProjectScope) -> Hit {
    Hit {
        kind: HitKind::Project,
        key: scope.project.slug.clone(),
        title: scope.project.name.clone(),
        within: scope.org.name.clone(),
        path: scope.place().path(),
        mark: None,
        at: None,
    }
}

fn app_hit(scope: &AppScope) -> Hit {
    Hit {
        kind: HitKind::App,
        key: scope.app.slug.clone(),
        title: scope.app.name.clone(),
        within: within_project(&scope.within),
        path: scope.place().path(),
        mark: None,
        at: None,
    }
}

fn within_project(scope: &ProjectScope) -> String {
    format!("{} / {}", scope.org.name, scope.project.name)
}

fn within_app(scope: &AppScope) -> String {
    format!("{} / {}", scope.within.project.name, scope.app.name)
}

fn item_hit(seen: &Sight, item: FoundItem) -> Option<Hit> {
    let scope = seen.project(item.project)?;
    Some(Hit {
        kind: HitKind::Item,
        path: format!("{}/items/{}", scope.place().path(), item.key),
        key: item.key,
        title: item.title,
        within: within_project(scope),
        mark: Some(Mark::Item(item.kind, item.state)),
        at: None,
    })
}

fn release_hit(seen: &Sight, release: FoundRelease) -> Option<Hit> {
    let scope = seen.app(release.app)?;
    Some(Hit {
        kind: HitKind::Release,
        path: format!("{}/releases/{}", scope.place().path(), release.version),
        key: release.version,
        title: scope.app.name.clone(),
        within: within_project(&scope.within),
        mark: None,
        at: Some(release.created_at),
    })
}

fn run_hit(seen: &Sight, run: FoundRun) -> Option<Hit> {
    let scope = seen.app(run.app)?;
    Some(Hit {
        kind: HitKind::Run,
        key: format!("#{}", run.number),
        title: run.title,
        within: within_app(scope),
        path: format!("{}/runs/{}", scope.place().path(), run.number),
        mark: Some(Mark::Run(run.status)),
        at: Some(run.created_at),
    })
}

fn environment_hit(seen: &Sight, found: FoundEnvironment) -> Option<Hit> {
    let scope = seen.project(found.project)?;
    Some(Hit {
        kind: HitKind::Environment,
        key: found.environment.key,
        title: found.environment.name,
        within: within_project(scope),
        path: format!("{}/environments", scope.place().path()),
        mark: None,
        at: None,
    })
}

fn person_hit(org: &OrgRef, person: PersonRef) -> Hit {
    Hit {
        kind: HitKind::Person,
        path: format!("/orgs/{}/members/{}", org.slug, person.username),
        key: person.username,
        title: person.name,
        within: org.name.clone(),
        mark: None,
        at: None,
    }
}
