//! Comparing releases and environments, finding commits, and what was deployed to an environment.

use crate::access::{self, App, Authorized, Project, may};
use crate::connection;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{EnvironmentRecord, ForgeError, ReleaseRecord, Tx};
use crate::promotion::{commits_between, rendered};
use crate::release::reference;
use crate::schedule::At;
use slipway_domain::comparison::{
    CommitIn, CommitPlaces, Compared, ComparisonView, Difference, EnvironmentHistory, ItemLine, Side,
    configuration_diff, item_keys,
};
use slipway_domain::diff::diff_lines;
use slipway_domain::feature::Feature;
use slipway_domain::manifest;
use slipway_domain::release::Commit;
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;

/// How many versions one can choose from.
const CHOICES: i64 = 100;
/// How many deployments a page has.
const PAGE: usize = 30;
/// How many releases are looked at for a commit.
const LOOKED_AT: i64 = 50;

/// One side, found.
struct Found {
    release: ReleaseRecord,
    environment: Option<EnvironmentRecord>,
}

impl Found {
    fn compared(&self) -> Compared {
        Compared {
            release: reference(&self.release),
            git_ref: self.release.git_ref.clone(),
            created_at: self.release.created_at,
            images: self.release.images.clone(),
            template: self.release.template.clone(),
            environment: self.environment.as_ref().map(|one| one.environment.clone()),
        }
    }
}

/// Compares two releases, or what runs in two environments; each side is a version or `@` and the key of an environment.
///
/// # Errors
/// As [`access::app`]. A side that is not there is told in the view.
pub async fn compare(
    ctx: &OpCtx,
    (org, project, app): At<'_>,
    from: &str,
    to: &str,
) -> Result<ComparisonView> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    let mut tx = ctx.read().await?;
    let chain = tx.environments(&access::project_of(&app)).await?;
    let versions = tx.releases(&app, None, CHOICES).await?;
    let mut view = ComparisonView {
        place: app.place(),
        versions: versions.into_iter().map(|release| release.version).collect(),
        environments: chain.iter().map(|one| one.environment.clone()).collect(),
        asked: (from.to_owned(), to.to_owned()),
        difference: None,
        trouble: None,
    };
    let (Some(from), Some(to)) = (Side::read(from), Side::read(to)) else {
        return Ok(view);
    };
    let from = find(&mut *tx, &app, &chain, &from).await?;
    let to = find(&mut *tx, &app, &chain, &to).await?;
    match (from, to) {
        (Ok(from), Ok(to)) => {
            view.difference = Some(difference(&mut *tx, &app, &chain, &from, &to).await?);
        }
        (Err(trouble), _) | (_, Err(trouble)) => view.trouble = Some(trouble),
    }
    Ok(view)
}

async fn find(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    chain: &[EnvironmentRecord],
    side: &Side,
) -> Result<std::result::Result<Found, Text>> {
    let (release, environment) = match side {
        Side::Release(version) => (tx.release_by_version(app, version).await?, None),
        Side::Environment(key) => {
            let Some(environment) = chain.iter().find(|one| one.environment.key == *key) else {
                return Ok(Err(Text::new(
                    format!("There is no environment {key}."),
                    format!("没有环境 {key}。"),
                )));
            };
            let release = match tx.stop(app, environment.environment.id).await?.current {
                Some((_, running)) => tx.release(app, running).await?,
                None => None,
            };
            (release, Some(environment.clone()))
        }
    };
    Ok(release
        .map(|release| Found { release, environment })
        .ok_or_else(|| match side {
            Side::Release(version) => Text::new(
                format!("There is no release {version}."),
                format!("没有发布版本 {version}。"),
            ),
            Side::Environment(key) => Text::new(
                format!("Nothing was deployed to {key} yet."),
                format!("{key} 尚未部署过。"),
            ),
        }))
}

async fn difference(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    chain: &[EnvironmentRecord],
    from: &Found,
    to: &Found,
) -> Result<Difference> {
    let (a, b) = (&from.release, &to.release);
    let back = a.created_at > b.created_at;
    let (older, newer) = if back { (b, a) } else { (a, b) };
    let commits = if a.id == b.id {
        Vec::new()
    } else {
        commits_between(tx, app, Some(older.created_at), newer.created_at).await?
    };
    let items = items(tx, app, &commits).await?;
    // Two releases are compared as they would be in the environment nearest to the users.
    let shared = match (&from.environment, &to.environment) {
        (None, None) => chain.last(),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (Some(_), Some(_)) => None,
    };
    let before = manifests(tx, app, a, shared.or(from.environment.as_ref())).await?;
    let after = manifests(tx, app, b, shared.or(to.environment.as_ref())).await?;
    let there = |found: &Found| match &found.environment {
        Some(one) if shared.is_none() => found.release.workload.in_environment(&one.environment.key),
        _ => found.release.workload.clone(),
    };
    Ok(Difference {
        from: from.compared(),
        to: to.compared(),
        back,
        commits,
        items,
        configuration: configuration_diff(&there(from), &there(to)),
        manifests: diff_lines(&before, &after),
        manifests_in: shared.map(|one| one.environment.clone()),
    })
}

/// The manifests of a release in an environment, as YAML.
async fn manifests(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    release: &ReleaseRecord,
    environment: Option<&EnvironmentRecord>,
) -> Result<String> {
    let Some(environment) = environment else {
        return Ok(String::new());
    };
    let key = &environment.environment.key;
    let namespace = environment.binding.as_ref().map_or("", |b| b.namespace.as_str());
    let kept = tx.manifests_of(app, release.id).await?;
    let objects = match kept.into_iter().find(|kept| kept.environment == *key) {
        Some(kept) => manifest::place(&kept.objects, namespace),
        None if !release.workload.manifests.is_empty() => Vec::new(),
        None => rendered(&app.workload, release, key, namespace),
    };
    Ok(manifest::yaml(&objects))
}

/// The work items that commits name, with their titles where the reader may see the board.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn items(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    commits: &[Commit],
) -> Result<Vec<ItemLine>> {
    named(tx, app, item_keys(commits, &app.within.project.key)).await
}

/// The work items that a release brought: those that its commits name, and those whose merge requests it has.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn brought(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    release: &ReleaseRecord,
) -> Result<Vec<ItemLine>> {
    let project = &app.within.project.key;
    let mut keys = item_keys(&release.commits, project);
    for number in tx.items_of_release(app, release.id).await? {
        let key = format!("{project}-{number}");
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    named(tx, app, keys).await
}

async fn named(tx: &mut dyn Tx, app: &Authorized<App, may::See>, keys: Vec<String>) -> Result<Vec<ItemLine>> {
    let project = access::project_of(app);
    let mut lines = Vec::new();
    for key in keys {
        let number = key.rsplit_once('-').and_then(|(_, number)| number.parse().ok());
        let card = match number {
            Some(number) if app.place().has(Feature::Boards) => {
                tx.item(&project, number).await?.map(|item| item.card)
            }
            _ => None,
        };
        lines.push(ItemLine {
            key,
            kind: card.as_ref().map(|card| card.kind),
            state: card.as_ref().map(|card| card.state.clone()),
            title: card.map(|card| card.title),
        });
    }
    Ok(lines)
}

/// Where a commit is: which release brought it, and in which environments it runs. `sha` is its hash or the beginning of it,
/// 7 to 64 hex digits.
///
/// # Errors
/// As [`access::app`]; it is no hash. That GitLab does not answer stands in the view.
pub async fn where_is(ctx: &OpCtx, (org, project, app): At<'_>, sha: &str) -> Result<CommitPlaces> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    let asked = sha.trim().to_ascii_lowercase();
    if !(7..=64).contains(&asked.len()) || !asked.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Error::field(
            "commit",
            Text::new(
                "give the hash of a commit, at least 7 digits of it",
                "请填写提交哈希，至少 7 位",
            ),
        ));
    }
    let mut tx = ctx.read().await?;
    let found = tx.releases_with_commit(&app, &asked, LOOKED_AT).await?;
    let lane = tx.app_lane(&app).await?;
    let mut running = Vec::new();
    for stop in lane {
        let release = match &stop.current {
            Some(current) => tx.release(&app, current.release).await?,
            None => None,
        };
        running.push((stop.environment, release));
    }
    drop(tx);
    let known = found
        .iter()
        .flat_map(|release| &release.commits)
        .find(|commit| commit.sha.starts_with(&asked))
        .cloned();
    let mut view = CommitPlaces {
        place: app.place(),
        asked: asked.clone(),
        commit: known,
        first: found.last().map(reference),
        environments: Vec::new(),
        trouble: None,
    };
    let link = match connection::link(ctx, &app).await {
        Ok(link) => Some(link),
        Err(error @ (Error::Unavailable { .. } | Error::Refused { .. })) => {
            view.trouble = Some(error.text());
            None
        }
        Err(error) => return Err(error),
    };
    if let (None, Some(link)) = (&view.commit, &link) {
        match link.forge.commit_of(link.project(), &asked).await {
            Ok(commit) => view.commit = Some(commit),
            Err(ForgeError::NotFound(_)) => {
                view.trouble = Some(Text::new(
                    "The repository has no such commit.",
                    "仓库中没有该提交。",
                ));
            }
            Err(error) => view.trouble = Some(error.text()),
        }
    }
    for (environment, release) in running {
        let there = match (&release, &view.commit, &link) {
            (None, ..) => Some(false),
            (Some(release), Some(commit), _) if release.sha == commit.sha => Some(true),
            (Some(release), Some(commit), Some(link)) => {
                // Nothing leads from what runs to the commit: it is among what led there.
                match link
                    .forge
                    .compare(link.project(), &release.sha, &commit.sha)
                    .await
                {
                    Ok(missing) => Some(missing.is_empty()),
                    Err(error) => {
                        view.trouble = Some(error.text());
                        None
                    }
                }
            }
            _ => None,
        };
        view.environments.push(CommitIn {
            environment,
            running: release.as_ref().map(reference),
            there,
        });
    }
    Ok(view)
}

/// What was deployed to an environment by its project's apps, begun before `before` (µs), newest first.
///
/// # Errors
/// As [`access::project`]; [`Error::NotFound`] where there is no such environment.
pub async fn history(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    key: &str,
    before: Option<i64>,
) -> Result<EnvironmentHistory> {
    let project: Authorized<Project, may::See> = access::project::<may::SeeReleases>(ctx, org, project)
        .await?
        .see();
    let mut tx = ctx.read().await?;
    let chain = tx.environments(&project).await?;
    let environment = chain
        .into_iter()
        .map(|one| one.environment)
        .find(|one| one.key == key)
        .ok_or(Error::NotFound)?;
    let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let mut rows = tx
        .history_of(&project, environment.id, before.map(Timestamp), limit)
        .await?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    Ok(EnvironmentHistory {
        place: project.place(),
        environment,
        older_than: rows.last().filter(|_| more).map(|row| row.started_at.micros()),
        rows,
    })
}
