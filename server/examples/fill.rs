//! Fills an empty database with a project of many apps, for `cargo xtask bench` and for the made-up requests of
//! `cargo xtask test`: each has runs, releases, and something deployed in every environment. Prints one line of JSON:
//! what the load needs.
//!
//! `fill DATABASE_URL KEY APPS`
//!
//! With a cluster that answers, the apps have no pipelines, and a release that is `ready` to be promoted, or `running` in every
//! environment, in the cluster as well:
//!
//! `fill DATABASE_URL KEY APPS KUBECONFIG ready|running`

use anyhow::{Context as _, bail};
use slipway_domain::access::ScopeKind;
use slipway_domain::app::{Observed, Repository};
use slipway_domain::environment::{EnvironmentRef, Health};
use slipway_domain::id::{ClusterId, ConnectionId, UserId};
use slipway_domain::manifest::{self, Stamp};
use slipway_domain::person::PersonRef;
use slipway_domain::promotion::{DeploymentState, PromotionKind, PromotionState};
use slipway_domain::release::{Evidence, Image, Workload};
use slipway_domain::run::{RunRow, RunStatus};
use slipway_domain::text::Locale;
use slipway_domain::time::{HOUR, MINUTE};
use slipway_domain::token::Scope;
use slipway_portal::access::{self, App, Authorized, may};
use slipway_portal::person::{self, NewAccount};
use slipway_portal::ports::{
    Cluster, ClusterAccess, DeploymentRecord, NowRunning, PromotionRecord, ReleaseRecord, RepositoryLink,
    RunRecord, Tx,
};
use slipway_portal::seal::Sealer;
use slipway_portal::{
    Actor, OpCtx, Portal, Via, app, cluster, connection, environment, group, org, project, role, token,
};
use slipway_server::{config::Database, outside};
use std::sync::Arc;

const USERNAME: &str = "bench";
const PASSWORD: &str = "slipway-bench";
const HOOK_TOKEN: &str = "the token of the bench";
/// Runs of each app.
const RUNS: i64 = 20;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (url, key, apps, outside) = match arguments.as_slice() {
        [url, key, apps] => (url, key, apps, None),
        [url, key, apps, kubeconfig, how] if how == "ready" || how == "running" => {
            let kubeconfig = std::fs::read_to_string(kubeconfig).context("no kubeconfig")?;
            let running = how == "running";
            (url, key, apps, Some(Outside { kubeconfig, running }))
        }
        _ => bail!("usage: fill DATABASE_URL KEY APPS [KUBECONFIG ready|running]"),
    };
    let database = Database { url: url.clone() };
    let store = outside::database(&database).await?;
    let address = String::from("http://127.0.0.1:3000");
    let portal = outside::portal(
        store,
        Sealer::new(key, &[]),
        slipway_portal::outgoing::Outgoing::with_loopback(),
        outside::Told::default(),
        address,
    )
    .await?;
    let place = place(&portal, outside).await?;
    let mut first = None;
    for number in 1..=apps.parse::<u32>().context("APPS is not a number")? {
        let id = fill(&portal, &place, number).await?;
        first.get_or_insert(id);
    }
    let first = first.context("APPS is 0")?;
    let input = token::Input {
        name: String::from("bench"),
        scopes: Scope::offered(false),
        days: 1,
    };
    let token = token::create(&place.owner, input).await?.secret;
    let ids = others(&place).await?;
    let said = serde_json::json!({
        "ids": ids,
        "username": USERNAME, "token": token, "password": PASSWORD, "hook": format!("/hooks/gitlab/{first}"), "hook_token": HOOK_TOKEN,
        "project": "/orgs/acme/projects/checkout", "app": "/orgs/acme/projects/checkout/apps/app-1",
    });
    println!("{said}");
    Ok(())
}

/// A cluster that answers.
struct Outside {
    kubeconfig: String,
    /// Whether the apps run in it.
    running: bool,
}

/// Where the apps go.
struct Place {
    owner: OpCtx,
    person: PersonRef,
    connection: ConnectionId,
    cluster: ClusterId,
    environments: Vec<EnvironmentRef>,
    /// The cluster, where it answers, and whether the apps run in it.
    outside: Option<(Arc<dyn Cluster>, bool)>,
}

/// Nobody answers there: what is measured is Slipway.
const NOBODY: &str = "apiVersion: v1\nkind: Config\ncurrent-context: one\n\
     contexts: [{name: one, context: {cluster: one, user: one}}]\n\
     clusters: [{name: one, cluster: {server: 'http://127.0.0.1:9'}}]\nusers: [{name: one, user: {}}]\n";

async fn place(portal: &Portal, outside: Option<Outside>) -> anyhow::Result<Place> {
    let system = portal.system("bench");
    let account = NewAccount {
        username: USERNAME.to_owned(),
        name: String::from("Bench"),
        email: None,
        password: PASSWORD.to_owned(),
    };
    let person = person::create(&system, account).await?;
    org::create(&system, "acme", "Acme", person.id).await?;
    let owner = portal.ctx(Actor::User(person.clone()), Via::Cli, "bench", Locale::En);
    let input = project::Input {
        slug: String::from("checkout"),
        name: String::from("Checkout"),
        description: String::new(),
        key: String::from("CHK"),
        internal: false,
    };
    project::create(&owner, "acme", input).await?;
    let kubeconfig = outside
        .as_ref()
        .map_or(NOBODY, |outside| outside.kubeconfig.as_str());
    let input = cluster::Input {
        name: String::from("one"),
        kubeconfig: kubeconfig.to_owned(),
        context: None,
    };
    let cluster = cluster::create(&owner, "acme", input).await?;
    environment::create_default_chain(&owner, "acme", "checkout", |key| {
        Some((cluster, format!("checkout-{key}")))
    })
    .await?;
    let input = connection::Input {
        name: String::from("GitLab"),
        // Nobody answers there: what is measured is Slipway.
        base_url: String::from("http://127.0.0.1:9"),
        token: String::from("none"),
    };
    let connection = connection::create(&owner, "acme", input).await?;
    let see = access::project::<may::See>(&owner, "acme", "checkout").await?;
    let chain = owner.read().await?.environments(&see).await?;
    let outside = match outside {
        None => None,
        Some(Outside { kubeconfig, running }) => {
            let access = ClusterAccess {
                kubeconfig: Some(kubeconfig),
                context: None,
                operator: false,
            };
            let client = portal.clusters.connect(&access).await?;
            for one in &chain {
                client.ensure_namespace(&namespace_of(&one.environment)).await?;
            }
            Some((client, running))
        }
    };
    Ok(Place {
        owner,
        person,
        connection,
        cluster,
        environments: chain.into_iter().map(|e| e.environment).collect(),
        outside,
    })
}

fn namespace_of(environment: &EnvironmentRef) -> String {
    format!("checkout-{}", environment.key)
}

/// What made-up requests need beside the apps: things to name by their ids, and an organization that they may rename and
/// archive.
async fn others(place: &Place) -> anyhow::Result<serde_json::Value> {
    let spare = org::create_own(&place.owner, "spare", "Spare").await?;
    // Who owns one more than before.
    let owner = &place.owner.anew();
    let input = project::Input {
        slug: String::from("checkout"),
        name: String::from("Checkout"),
        description: String::new(),
        key: String::from("CHK"),
        internal: false,
    };
    project::create(owner, &spare.slug, input).await?;
    let input = app::Input {
        slug: String::from("app-1"),
        name: String::from("App"),
        description: String::new(),
    };
    app::create(owner, &spare.slug, "checkout", input).await?;
    let role = role::Input {
        name: String::from("Captain"),
        scope: ScopeKind::Project,
        actions: vec![String::from("app.create")],
    };
    Ok(serde_json::json!({
        "connection": place.connection.to_string(),
        "cluster": place.cluster.to_string(),
        "group": group::create(owner, "acme", "Captains").await?.to_string(),
        "role": role::create(owner, "acme", &role).await?.to_string(),
        "person": place.person.id.to_string(),
    }))
}

async fn fill(portal: &Portal, place: &Place, number: u32) -> anyhow::Result<slipway_domain::id::AppId> {
    let slug = format!("app-{number}");
    let input = app::Input {
        slug: slug.clone(),
        name: slug.clone(),
        description: String::from("One of many."),
    };
    let id = app::create(&place.owner, "acme", "checkout", input).await?;
    let app = access::app::<may::AppManage>(&portal.system("bench"), "acme", "checkout", &slug)
        .await?
        .modify();
    let mut tx = portal.store.write().await?;
    if place.outside.is_none() {
        pipelines(tx.as_mut(), portal, place, &app, number).await?;
    }
    let release = release(&place.owner, &app);
    tx.insert_release(&app, &release).await?;
    let mut applied = Vec::new();
    if place.outside.as_ref().is_none_or(|(_, running)| *running) {
        for environment in &place.environments {
            applied.extend(deploy(tx.as_mut(), place, &app, &slug, &release, environment).await?);
        }
    }
    tx.commit().await?;
    if let Some((client, _)) = &place.outside {
        let all = applied.iter().map(|object| client.apply(object, 1, &[]));
        futures::future::try_join_all(all).await?;
    }
    Ok(id)
}

/// A repository and its runs.
async fn pipelines(
    tx: &mut dyn Tx,
    portal: &Portal,
    place: &Place,
    app: &Authorized<App, may::Modify>,
    number: u32,
) -> anyhow::Result<()> {
    let slug = format!("app-{number}");
    let id = app.id();
    let link = RepositoryLink {
        connection: place.connection,
        repository: Repository {
            connection: String::from("GitLab"),
            project_id: i64::from(number),
            path: format!("acme/{slug}"),
            web_url: format!("http://127.0.0.1:9/acme/{slug}"),
            default_branch: Some(String::from("main")),
        },
        hook_id: Some(1),
        hook_secret: Some(portal.sealer.seal(&format!("webhook of {id}"), HOOK_TOKEN)),
    };
    tx.set_repository(app, &link).await?;
    for run in 1..=RUNS {
        tx.put_run(app, &run_record(&place.owner, i64::from(number), run))
            .await?;
    }
    Ok(())
}

fn run_record(ctx: &OpCtx, project: i64, number: i64) -> RunRecord {
    let now = ctx.now().plus(number * MINUTE - HOUR);
    RunRecord {
        row: RunRow {
            id: ctx.id(),
            number,
            status: RunStatus::Success,
            git_ref: String::from("main"),
            sha: format!("{project:020x}{number:020x}"),
            title: String::from("Sell more"),
            author: String::from("Dora Diaz"),
            source: String::from("push"),
            created_at: now,
            started_at: Some(now),
            finished_at: Some(now.plus(MINUTE)),
            failed_job: None,
        },
        forge_id: project * 1000 + number,
        tag: false,
        protected: true,
        web_url: String::from("http://127.0.0.1:9/p"),
        needs: None,
        evidence: None,
        failure: None,
        release_trouble: None,
        seen_at: now,
        settled_at: Some(now),
    }
}

fn release(ctx: &OpCtx, app: &Authorized<App, may::Modify>) -> ReleaseRecord {
    ReleaseRecord {
        id: ctx.id(),
        app: app.id(),
        version: String::from("1.0.0"),
        sha: format!("{:040x}", 20),
        git_ref: String::from("main"),
        run: None,
        images: vec![Image {
            repository: String::from("registry.example.com/acme/crowd"),
            digest: format!("sha256:{:064x}", 1),
        }],
        workload: Workload {
            replicas: 1,
            ..Workload::default()
        },
        template: None,
        commits: Vec::new(),
        previous: None,
        evidence: Evidence::default(),
        created_at: ctx.now(),
        created_by: None,
        defective: None,
    }
}

/// Deploys it, as the database has it; the objects as they are to be applied where a cluster answers.
async fn deploy(
    tx: &mut dyn Tx,
    place: &Place,
    app: &Authorized<App, may::Modify>,
    slug: &str,
    release: &ReleaseRecord,
    at: &EnvironmentRef,
) -> anyhow::Result<Vec<serde_json::Value>> {
    let (now, environment, namespace) = (place.owner.now(), at.id, namespace_of(at));
    let target = manifest::Target {
        app: slug,
        project: "checkout",
        environment: &at.key,
        namespace: &namespace,
    };
    let manifests = match &place.outside {
        Some(_) => manifest::render(target, &release.images, &release.workload),
        None => Vec::new(),
    };
    let by: UserId = place.person.id;
    let promotion = PromotionRecord {
        id: place.owner.id(),
        release: release.id,
        environment,
        kind: PromotionKind::Promotion,
        state: PromotionState::Succeeded,
        version: 1,
        reason: None,
        subjects: Vec::new(),
        gates: Vec::new(),
        evaluation: None,
        waiver: None,
        requested_by: Some(by),
        requested_at: now,
        expires_at: now.plus(HOUR),
        tries: 0,
        base: None,
        ended_at: Some(now),
        idempotency_key: None,
        pauses: Vec::new(),
        on_behalf_of: None,
    };
    tx.insert_promotion(app, &promotion).await?;
    let deployment = DeploymentRecord {
        id: place.owner.id(),
        promotion: promotion.id,
        release: release.id,
        environment,
        attempt: 1,
        state: DeploymentState::Succeeded,
        fence: 1,
        cluster: place.cluster,
        namespace: namespace.clone(),
        manifests: manifests.clone(),
        reason: None,
        ready: 1,
        desired: 1,
        health: Health::Healthy,
        trouble: Vec::new(),
        started_at: now,
        applied_at: Some(now),
        finished_at: Some(now),
        observed_at: Some(now),
        trouble_since: None,
        lost_at: None,
        takes: Vec::new(),
        warnings: Vec::new(),
    };
    tx.insert_deployment(app, &deployment).await?;
    let running = NowRunning {
        deployment: deployment.id,
        release: release.id,
        at: now,
        by: Some(by),
    };
    tx.set_running(app, environment, &running).await?;
    tx.set_commits_ahead(app, environment, Some(3)).await?;
    let observed = Observed {
        health: Health::Healthy,
        reason: None,
        ready: 1,
        desired: 1,
        at: now,
    };
    tx.set_observed(app, environment, &observed).await?;
    let marks = Stamp {
        promotion: promotion.id.to_string(),
        release: release.id.to_string(),
        version: release.version.clone(),
        fence: 1,
        attempt: 1,
    };
    Ok(manifest::stamp(&manifests, &marks))
}
