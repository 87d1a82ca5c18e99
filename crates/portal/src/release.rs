//! Releases: what a green run built, as one immutable thing.

use crate::access::{self, App, Authorized, may};
use crate::change::Entry;
use crate::comparison;
use crate::connection::Link;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::fault;
use crate::ports::{
    EnvironmentRecord, ForgeError, JobRecord, ReleaseManifests, ReleaseRecord, RunRecord, SnapshotKind,
    StoreError,
};
use crate::promotion;
use crate::snapshot;
use crate::subscriber::event;
use crate::trail;
use slipway_domain::access::Action;
use slipway_domain::feature::Feature;
use slipway_domain::id::ReleaseId;
use slipway_domain::manifest::{self, Target, plain};
use slipway_domain::pipeline::parse_dotenv;
use slipway_domain::proposal::template_of;
use slipway_domain::release::{
    Commit, Evidence, Image, ReleaseList, ReleaseRef, ReleaseRow, ReleaseView, RenderedManifests, Workload,
};
use slipway_domain::report::Reports;
use slipway_domain::report::scan::{Scan, ScanSummary};
use slipway_domain::run::RunStatus;
use slipway_domain::signature::Signature;
use slipway_domain::subscriber::EventKind;
use slipway_domain::text::Text;
use std::collections::BTreeMap;

/// What an image job writes.
const RELEASE_FILE: &str = "release.env";
/// The largest such file that is read, in bytes.
const LARGEST_FILE: usize = 64 * 1024;
/// The largest manifest of a repository that is read, in bytes.
const LARGEST_MANIFEST: usize = 256 * 1024;
/// How many commits the first release has.
const FIRST_COMMITS: usize = 20;
/// The most commits a release has.
const MOST_COMMITS: usize = 250;
/// How many releases a page has.
const PAGE: i64 = 30;

/// What a run built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Built {
    images: Vec<Image>,
    version: Option<String>,
    trouble: Option<Text>,
}

/// Makes the release of a green run, once: a branch or tag whose image jobs left a `release.env`. The inner result is
/// GitLab's answer: why there is no release although there should be one, or `None`.
pub(crate) async fn of_run(
    ctx: &OpCtx,
    app: &Authorized<App, may::PipelineRun>,
    link: &Link,
    run: &RunRecord,
    jobs: &[JobRecord],
) -> Result<Result<Option<Text>, ForgeError>> {
    let see = app.see();
    let place = app.place();
    if place.archived().is_some() || !place.has(Feature::Releases) {
        return Ok(Ok(None));
    }
    if run.row.source == "merge_request_event" || run.row.git_ref.starts_with("refs/merge-requests/") {
        return Ok(Ok(None));
    }
    if ctx
        .read()
        .await?
        .release_of_run(&see, run.row.id)
        .await?
        .is_some()
    {
        return Ok(Ok(None));
    }
    let built = match built(link, jobs).await {
        Ok(built) => built,
        Err(error) => return Ok(Err(error)),
    };
    if built.trouble.is_some() || built.images.is_empty() {
        return Ok(Ok(built.trouble));
    }
    let previous = ctx
        .read()
        .await?
        .releases(&see, None, 1)
        .await?
        .into_iter()
        .next();
    let commits = match commits(link, run, previous.as_ref()).await {
        Ok(commits) => commits,
        Err(error) => return Ok(Err(error)),
    };
    let mut tx = ctx.read().await?;
    let (_, _, workload) = tx.app_detail(&see).await?;
    let chain = tx.environments(&access::project_of(&see)).await?;
    drop(tx);
    let target = (app, run.row.sha.as_str(), &workload);
    let manifests = match manifests(link, target, &chain, &built.images).await {
        Ok(Ok(manifests)) => manifests,
        Ok(Err(trouble)) => return Ok(Ok(Some(trouble))),
        Err(error) => return Ok(Err(error)),
    };
    let subject = run.row.id.to_string();
    let reports =
        snapshot::last::<Reports>(ctx, &see, (SnapshotKind::Reports, &subject), Text::default()).await?;
    let reports = reports.value.unwrap_or_default();
    let scans = reports.scans.iter().map(Scan::summary).collect();
    let template = match link
        .forge
        .file(link.project(), ".gitlab-ci.yml", &run.row.sha)
        .await
    {
        Ok(file) => file.and_then(|file| template_of(&String::from_utf8_lossy(&file.content))),
        Err(error) if error.is_passing() => return Ok(Err(error)),
        Err(_) => None,
    };
    make(
        ctx,
        app,
        run,
        Parts {
            built,
            commits,
            previous: previous.map(|p| p.version),
            template,
            workload,
            manifests,
            scans,
            signatures: reports.signatures,
        },
    )
    .await?;
    Ok(Ok(None))
}

/// Reads `release.env` of every green job that kept files.
async fn built(link: &Link, jobs: &[JobRecord]) -> Result<Built, ForgeError> {
    let mut built = Built::default();
    for job in jobs
        .iter()
        .filter(|job| job.has_artifacts && job.row.status == RunStatus::Success)
    {
        let file = match link
            .forge
            .artifact(link.project(), job.row.forge_id, RELEASE_FILE)
            .await
        {
            Ok(Some(file)) if file.len() <= LARGEST_FILE => file,
            Err(error) if error.is_passing() => return Err(error),
            // None, too large, expired, or not for this token to read.
            _ => continue,
        };
        read(
            &mut built,
            &job.row.name,
            &parse_dotenv(&String::from_utf8_lossy(&file)),
        );
    }
    Ok(built)
}

fn read(built: &mut Built, job: &str, values: &BTreeMap<String, String>) {
    let value = |name: &str| values.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
    if let Some(version) = value("RELEASE_VERSION") {
        built.version.get_or_insert_with(|| version.to_owned());
    }
    // A file without an image is of another kind of job: a chart, say.
    let Some(repository) = value("IMAGE_NAME") else {
        return;
    };
    match value("IMAGE_DIGEST") {
        Some(digest) if Image::is_digest(digest) => {
            let image = Image {
                repository: repository.to_owned(),
                digest: digest.to_owned(),
            };
            if !built.images.contains(&image) {
                built.images.push(image);
            }
        }
        Some(_) => {
            built.trouble = Some(Text::new(
                format!(
                    "No release: IMAGE_DIGEST in {RELEASE_FILE} of the job “{job}” is no digest (sha256: and 64 hex digits)."
                ),
                format!(
                    "未生成发布版本：作业“{job}”的 {RELEASE_FILE} 中 IMAGE_DIGEST 不是摘要（sha256: 加 64 位十六进制）。"
                ),
            ));
        }
        None => {
            built.trouble = Some(Text::new(
                format!(
                    "No release: {RELEASE_FILE} of the job “{job}” has no IMAGE_DIGEST. The job must write the digest that it pushed."
                ),
                format!(
                    "未生成发布版本：作业“{job}”的 {RELEASE_FILE} 中没有 IMAGE_DIGEST。该作业须写入所推送镜像的摘要。"
                ),
            ));
        }
    }
}

/// The commits since the release before, newest first.
async fn commits(
    link: &Link,
    run: &RunRecord,
    previous: Option<&ReleaseRecord>,
) -> Result<Vec<Commit>, ForgeError> {
    let (forge, project) = (&link.forge, link.project());
    let since = match previous {
        Some(previous) => forge.compare(project, &previous.sha, &run.row.sha).await,
        None => Err(ForgeError::NotFound(String::from("no release before"))),
    };
    let mut commits = match since {
        Ok(commits) => commits,
        Err(error) if error.is_passing() => return Err(error),
        // The commit of the release before is gone (a forced push), or there is none.
        Err(_) => match forge.commits(project, &run.row.sha, FIRST_COMMITS).await {
            Ok(commits) => commits,
            Err(error) if error.is_passing() => return Err(error),
            Err(_) => Vec::new(),
        },
    };
    commits.truncate(MOST_COMMITS);
    Ok(commits)
}

struct Parts {
    built: Built,
    commits: Vec<Commit>,
    previous: Option<String>,
    template: Option<String>,
    workload: Workload,
    manifests: Vec<ReleaseManifests>,
    scans: Vec<ScanSummary>,
    signatures: Vec<Signature>,
}

/// What the release is in each environment of the chain, rendered for good; the inner result is why it cannot be.
async fn manifests(
    link: &Link,
    (app, sha, workload): (&Authorized<App, may::PipelineRun>, &str, &Workload),
    chain: &[EnvironmentRecord],
    images: &[Image],
) -> Result<Result<Vec<ReleaseManifests>, Text>, ForgeError> {
    let mut files: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut all = Vec::new();
    for key in chain.iter().map(|one| &one.environment.key) {
        let objects = if workload.manifests.is_empty() {
            let target = Target {
                app: &app.workload.name,
                project: &app.workload.part_of,
                environment: key,
                namespace: "",
            };
            manifest::render(target, images, workload)
        } else {
            let mut texts = Vec::new();
            for path in workload.manifests.iter().map(|path| plain::path_in(path, key)) {
                if !files.contains_key(&path) {
                    let text = text_of(link, &path, sha).await?;
                    files.insert(path.clone(), text);
                }
                match files.get(&path).and_then(Clone::clone) {
                    Some(text) => texts.push((path, text)),
                    None => return Ok(Err(no_manifest(&path))),
                }
            }
            match plain::read(&texts, images, &app.workload.name) {
                Ok(objects) => objects,
                Err(text) => return Ok(Err(no_release(&text))),
            }
        };
        all.push(ReleaseManifests {
            environment: key.clone(),
            hash: manifest::hash(&objects),
            objects,
        });
    }
    Ok(Ok(all))
}

/// A file of the repository at a commit; `None`: it is not there, or not to be read, or too large.
async fn text_of(link: &Link, path: &str, sha: &str) -> Result<Option<String>, ForgeError> {
    match link.forge.file(link.project(), path, sha).await {
        Ok(Some(file)) if file.content.len() <= LARGEST_MANIFEST => {
            Ok(Some(String::from_utf8_lossy(&file.content).into_owned()))
        }
        Err(error) if error.is_passing() => Err(error),
        Ok(_) | Err(_) => Ok(None),
    }
}

fn no_release(why: &Text) -> Text {
    Text::new(
        format!("No release: {}", why.en),
        format!("未生成发布版本：{}", why.zh),
    )
}

fn no_manifest(path: &str) -> Text {
    no_release(&Text::new(
        format!(
            "the repository has no {path} at this commit, or one larger than 256 KiB. Change the workload, or add the file."
        ),
        format!("该提交中没有 {path}，或文件超过 256 KiB。请修改工作负载或添加该文件。"),
    ))
}

async fn make(
    ctx: &OpCtx,
    app: &Authorized<App, may::PipelineRun>,
    run: &RunRecord,
    parts: Parts,
) -> Result<()> {
    let see = app.see();
    let place = app.place();
    let author = parts
        .commits
        .iter()
        .find(|commit| commit.sha == run.row.sha)
        .map(|commit| commit.author_email.clone());
    let mut change = ctx.change().await?;
    // Two looks at one run may both get here; the transaction lets one of them make the release.
    if change.tx().release_of_run(&see, run.row.id).await?.is_some() {
        return Ok(());
    }
    let version = match parts.built.version.as_deref().and_then(plain_version) {
        Some(version) => version,
        None => format!("0.{}.0", run.row.number),
    };
    let version = match change.tx().release_by_version(&see, &version).await? {
        None => version,
        Some(_) => format!("{version}+run.{}", run.row.number),
    };
    let created_by = match author.filter(|email| !email.is_empty()) {
        Some(email) => change
            .tx()
            .people_by_email(&[email])
            .await?
            .first()
            .map(|person| person.id),
        None => None,
    };
    let release = ReleaseRecord {
        id: ctx.id::<ReleaseId>(),
        app: app.id(),
        version,
        sha: run.row.sha.clone(),
        git_ref: run.row.git_ref.clone(),
        run: Some(run.row.id),
        images: parts.built.images,
        workload: parts.workload,
        template: parts.template,
        commits: parts.commits,
        previous: parts.previous,
        evidence: Evidence {
            scans: parts.scans,
            signatures: parts.signatures,
            ..run.evidence.clone().unwrap_or_default()
        },
        created_at: ctx.now(),
        created_by,
        defective: None,
    };
    match change.tx().insert_release(&app.modify(), &release).await {
        Ok(()) => {}
        // Another replica was faster. Its transaction is committed, ours is rolled back.
        Err(StoreError::Constraint(_)) => {
            drop(change);
            return match ctx.read().await?.release_of_run(&see, run.row.id).await? {
                Some(_) => Ok(()),
                None => Err(Error::internal(
                    "a release met a constraint although its run has none",
                )),
            };
        }
        Err(error) => return Err(error.into()),
    }
    for manifests in &parts.manifests {
        change
            .tx()
            .insert_manifests(&app.modify(), release.id, manifests)
            .await?;
    }
    trail::on_release(&mut change, app, &release).await?;
    let images: Vec<String> = release.images.iter().map(Image::reference).collect();
    let hashes: BTreeMap<&str, &str> = parts
        .manifests
        .iter()
        .map(|one| (one.environment.as_str(), one.hash.as_str()))
        .collect();
    let summary = serde_json::json!({ "run": run.row.number, "sha": release.sha, "images": images, "manifests": hashes });
    change
        .audit(Entry::done(
            "release.create",
            "release",
            release.id,
            release.version.clone(),
            &place,
            summary,
        ))
        .await?;
    change.touch("app", app.id(), &place);
    change.touch("run", run.row.id, &place);
    event::release(&mut change, EventKind::ReleaseCreated, &place, &release).await?;
    promotion::on_release(ctx, &mut change, &app.modify(), &release).await?;
    change.commit().await?;
    fault::point("release.made");
    Ok(())
}

/// A version as it may stand in a URL and a label: 1 to 64 of `A-Za-z0-9.+-`, beginning with a letter or digit,
/// without a leading `v` before a digit.
fn plain_version(text: &str) -> Option<String> {
    let text = text
        .strip_prefix('v')
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or(text);
    let good = |c: char| c.is_ascii_alphanumeric() || ".+-_".contains(c);
    let fits = (1..=64).contains(&text.len())
        && text.chars().all(good)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric());
    fits.then(|| text.to_owned())
}

/// A page of an app's releases: those made before the one of version `before`, newest first.
///
/// # Errors
/// As [`access::app`]; [`Error::NotFound`] where there is no release `before`.
pub async fn list(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    before: Option<&str>,
) -> Result<ReleaseList> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    let mut tx = ctx.read().await?;
    let before = match before {
        Some(version) => Some(
            tx.release_by_version(&app, version)
                .await?
                .ok_or(Error::NotFound)?
                .created_at,
        ),
        None => None,
    };
    let mut records = tx.releases(&app, before, PAGE + 1).await?;
    let lane = tx.app_lane(&app).await?;
    let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = records.len() > page;
    records.truncate(page);
    let mut releases = Vec::new();
    for record in &records {
        let title = match (record.commits.first(), record.run) {
            (Some(commit), _) => commit.title.clone(),
            (None, Some(run)) => tx
                .run(&app, run)
                .await?
                .map(|run| run.row.title)
                .unwrap_or_default(),
            (None, None) => String::new(),
        };
        releases.push(ReleaseRow {
            release: reference(record),
            git_ref: record.git_ref.clone(),
            created_at: record.created_at,
            title,
            running_in: running_in(&lane, record.id),
            defective_at: record.defective.as_ref().map(|(at, _)| *at),
        });
    }
    Ok(ReleaseList {
        place: app.place(),
        older_than: records
            .last()
            .filter(|_| more)
            .map(|record| record.version.clone()),
        releases,
    })
}

pub(crate) fn reference(record: &ReleaseRecord) -> ReleaseRef {
    ReleaseRef {
        id: record.id,
        version: record.version.clone(),
        sha: record.sha.clone(),
    }
}

fn running_in(
    lane: &[slipway_domain::app::LaneStop],
    release: ReleaseId,
) -> Vec<slipway_domain::environment::EnvironmentRef> {
    let here =
        |stop: &&slipway_domain::app::LaneStop| stop.current.as_ref().is_some_and(|c| c.release == release);
    lane.iter()
        .filter(here)
        .map(|stop| stop.environment.clone())
        .collect()
}

/// What the release's page shows.
///
/// # Errors
/// As [`access::app`]; [`Error::NotFound`] where there is no such version.
pub async fn view(ctx: &OpCtx, org: &str, project: &str, app: &str, version: &str) -> Result<ReleaseView> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    let mut tx = ctx.read().await?;
    let record = tx
        .release_by_version(&app, version)
        .await?
        .ok_or(Error::NotFound)?;
    let lane = tx.app_lane(&app).await?;
    let run = match record.run {
        Some(run) => tx.run(&app, run).await?.map(|run| (run.row.id, run.row.number)),
        None => None,
    };
    let created_by = match record.created_by {
        Some(id) => tx.person(id).await?.map(|person| person.as_ref()),
        None => None,
    };
    let items = comparison::brought(&mut *tx, &app, &record).await?;
    let kept = tx.manifests_of(&app, record.id).await?;
    let chain = tx.environments(&access::project_of(&app)).await?;
    drop(tx);
    let manifests = chain.into_iter().filter_map(|one| {
        let kept = kept.iter().find(|kept| kept.environment == one.environment.key)?;
        Some(RenderedManifests {
            environment: one.environment,
            yaml: manifest::yaml(&kept.objects),
            hash: kept.hash.clone(),
        })
    });
    let manifests = manifests.collect();
    let may_mark = access::rights_in(ctx, &app).await?.has(Action::ReleaseCreate);
    let choices = promotion::choices(ctx, &app, &record).await?;
    Ok(ReleaseView {
        place: app.place(),
        release: reference(&record),
        git_ref: record.git_ref,
        created_at: record.created_at,
        created_by,
        run,
        images: record.images,
        commits: record.commits,
        previous: record.previous,
        evidence: record.evidence,
        template: record.template,
        workload: record.workload,
        items,
        manifests,
        may_mark: may_mark && record.defective.is_none(),
        running_in: running_in(&lane, record.id),
        choices,
        defective: record.defective,
    })
}

/// Marks a release defective, for good: it cannot be promoted any more.
///
/// # Errors
/// As [`access::app`]; no reason is given; it is marked already.
pub async fn mark_defective(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    version: &str,
    why: &str,
) -> Result<()> {
    let app = access::app::<may::ReleaseCreate>(ctx, org, project, app).await?;
    let why = why.trim();
    if why.is_empty() || why.chars().count() > 500 {
        return Err(Error::field(
            "why",
            Text::new(
                "say why, in up to 500 characters",
                "请说明原因，不超过 500 个字符",
            ),
        ));
    }
    let place = app.place();
    let mut change = ctx.change().await?;
    let record = change
        .tx()
        .release_by_version(&app.see(), version)
        .await?
        .ok_or(Error::NotFound)?;
    if record.defective.is_some() {
        return Err(Error::conflict(
            "already_defective",
            "This release is marked defective already.",
            "该发布版本已被标记为有缺陷。",
        ));
    }
    let now = ctx.now();
    change
        .tx()
        .mark_defective(&app.modify(), record.id, now, why)
        .await?;
    let summary = serde_json::json!({ "why": why });
    change
        .audit(Entry::done(
            "release.mark_defective",
            "release",
            record.id,
            version,
            &place,
            summary,
        ))
        .await?;
    event::release(&mut change, EventKind::ReleaseDefective, &place, &record).await?;
    promotion::on_defective(ctx, &mut change, &app.see(), record.id).await?;
    change.touch("app", app.id(), &place);
    change.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Built {
        let mut built = Built::default();
        read(&mut built, "image", &parse_dotenv(text));
        built
    }

    #[test]
    fn a_release_is_made_of_digests_only() {
        let digest = format!("sha256:{}", "a1".repeat(32));
        let good = one(&format!(
            "IMAGE_NAME=r/app\nIMAGE_DIGEST={digest}\nRELEASE_VERSION=1.2.3\n"
        ));
        assert_eq!(
            good.images,
            [Image {
                repository: "r/app".into(),
                digest
            }]
        );
        assert_eq!((good.version.as_deref(), &good.trouble), (Some("1.2.3"), &None));
        assert!(
            one("IMAGE_NAME=r/app\nRELEASE_VERSION=1.2.3\n")
                .trouble
                .unwrap()
                .en
                .contains("IMAGE_DIGEST")
        );
        assert!(one("IMAGE_NAME=r/app\nIMAGE_DIGEST=latest\n").trouble.is_some());
        let chart = one("RELEASE_VERSION=1.2.3\n");
        assert!(chart.trouble.is_none() && chart.images.is_empty());
    }

    #[test]
    fn a_version_fits_into_a_url() {
        assert_eq!(plain_version("v1.2.3").as_deref(), Some("1.2.3"));
        assert_eq!(plain_version("vanilla").as_deref(), Some("vanilla"));
        assert_eq!(plain_version("1.0.0-rc.1+5").as_deref(), Some("1.0.0-rc.1+5"));
        assert_eq!(plain_version("../../etc"), None);
        assert_eq!(plain_version("1 2"), None);
        assert_eq!(plain_version(""), None);
        assert_eq!(plain_version(&"1".repeat(65)), None);
    }
}
