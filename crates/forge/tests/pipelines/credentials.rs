//! Nothing of GitLab holds what opens a cluster, and what is started there deploys nothing.

use crate::world::{ORG, PROJECT, World, form};
use serde_json::{Value, json};
use slipway_domain::run::RunStatus;
use slipway_portal::access::{self, may};
use slipway_portal::{app, cluster, connection, environment, promotion, proposal, run, variable};
use slipway_sandbox::kubernetes::{self, KubernetesConfig, KubernetesHandle, Speed};

const APP: &str = "storefront";

async fn kubernetes() -> KubernetesHandle {
    let config = KubernetesConfig {
        name: String::from("one"),
        addr: ([127, 0, 0, 1], 0).into(),
        data: None,
        registry: None,
        speed: Speed::Fast,
    };
    kubernetes::start(config).await.expect("the sandbox starts")
}

/// What opens the cluster, or says where it is.
fn secrets(cluster: &KubernetesHandle) -> Vec<String> {
    vec![
        cluster.token().to_owned(),
        cluster.read_only_token().to_owned(),
        cluster.url(),
        String::from("KUBECONFIG"),
        String::from("client-certificate-data"),
    ]
}

fn clean(what: &str, text: &str, secrets: &[String]) {
    for secret in secrets {
        assert!(!text.contains(secret.as_str()), "{what} has {secret:?}");
    }
}

/// A text that GitLab answers with.
async fn text(world: &World, path: &str) -> String {
    let request = reqwest::Client::new()
        .get(format!("{}/api/v4/{path}", world.gitlab.url()))
        .header("private-token", world.gitlab.admin_token());
    let answer = request.send().await.expect("the sandbox answers");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.text().await.expect("a text")
}

/// Every file of the repository, on every branch.
async fn files(world: &World, repository: i64) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let branches = world
        .call(
            "GET",
            &format!("projects/{repository}/repository/branches"),
            Value::Null,
        )
        .await;
    for branch in branches.as_array().expect("branches") {
        let name = branch["name"].as_str().expect("a name");
        let git_ref = name.replace('/', "%2F");
        let tree = format!("projects/{repository}/repository/tree?recursive=true&per_page=100&ref={git_ref}");
        for entry in world
            .call("GET", &tree, Value::Null)
            .await
            .as_array()
            .expect("a tree")
        {
            if entry["type"] == "blob" {
                let path = entry["path"].as_str().expect("a path").replace('/', "%2F");
                let at = format!("projects/{repository}/repository/files/{path}/raw?ref={git_ref}");
                found.push((format!("{name}:{path}"), text(world, &at).await));
            }
        }
    }
    assert!(found.len() > 3, "{found:?}");
    found
}

/// What GitLab answers about the project and its group.
async fn answers(world: &World, repository: i64) -> Vec<(String, String)> {
    let project = format!("projects/{repository}");
    let group = world.call("GET", &project, Value::Null).await["namespace"]["id"].clone();
    let mut found = Vec::new();
    for path in [
        project.clone(),
        format!("{project}/variables"),
        format!("groups/{group}/variables"),
        format!("{project}/hooks"),
        format!("{project}/environments"),
        format!("{project}/deployments"),
        format!("{project}/pipeline_schedules"),
        format!("{project}/releases"),
        format!("{project}/merge_requests?state=all"),
        format!("{project}/pipelines"),
    ] {
        found.push((path.clone(), text(world, &path).await));
    }
    found
}

/// The log of every job that ran, by its name.
async fn traces(world: &World, repository: i64) -> Vec<(String, String)> {
    let jobs = world
        .call(
            "GET",
            &format!("projects/{repository}/jobs?per_page=100"),
            Value::Null,
        )
        .await;
    let mut found = Vec::new();
    for job in jobs.as_array().expect("jobs") {
        let (id, name) = (&job["id"], job["name"].as_str().unwrap_or_default());
        let path = format!("projects/{repository}/jobs/{id}/trace");
        found.push((format!("the log of {name}"), text(world, &path).await));
    }
    found
}

/// A pipeline from the gallery, merged, and its run on `main`.
async fn built(world: &World) -> i64 {
    let ctx = world.ctx();
    let input = form("static-site", &[("output", "dist")]);
    proposal::propose(&ctx, ORG, PROJECT, APP, &input)
        .await
        .expect("proposed");
    let shown = world
        .until("a merge request that can be merged", || async {
            let page = app::page(&world.ctx(), ORG, PROJECT, APP).await.expect("the app");
            page.proposal.filter(|proposal| proposal.may_merge)
        })
        .await;
    proposal::merge(&ctx, ORG, PROJECT, APP, shown.id)
        .await
        .expect("merged");
    let number = world
        .until("a run of main", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, APP, None)
                .await
                .expect("the runs");
            list.runs
                .iter()
                .find(|run| run.git_ref == "main")
                .map(|run| run.number)
        })
        .await;
    let view = world.finished(APP, number).await;
    assert_eq!(
        view.run.status,
        RunStatus::Success,
        "{}",
        world.words(APP, &view).await
    );
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_34_gitlab_holds_no_cluster_credential_and_a_job_that_is_played_there_deploys_nothing() {
    let world = World::new().await;
    let kubernetes = kubernetes().await;
    let secrets = secrets(&kubernetes);
    let ctx = world.ctx();
    let input = cluster::Input {
        name: String::from("one"),
        kubeconfig: kubernetes::kubeconfig(&[&kubernetes]),
        context: None,
    };
    let id = cluster::create(&ctx, ORG, input).await.expect("a cluster");
    environment::create_default_chain(&ctx, ORG, PROJECT, |key| Some((id, format!("checkout-{key}"))))
        .await
        .expect("a chain");
    world.connected(APP).await;
    let repository = world.sample(APP);
    let number = built(&world).await;
    let view = world
        .until("a release", || async {
            let view = run::view(&world.ctx(), ORG, PROJECT, APP, number)
                .await
                .expect("the run");
            view.release.is_some().then_some(view)
        })
        .await;
    let (_, version) = view.release.expect("a release");
    let ask = promotion::Ask {
        waiver: Some(String::from("hotfix")),
        idempotency: None,
    };
    let waiting = promotion::request_named(&ctx, ORG, PROJECT, APP, &version, "live", ask)
        .await
        .expect("asked");

    let looted = looted(&world, repository).await;
    for (what, text) in files(&world, repository).await {
        clean(&what, &text, &secrets);
    }
    for (what, text) in answers(&world, repository).await {
        clean(&what, &text, &secrets);
    }
    let logs = traces(&world, repository).await;
    assert!(
        logs.iter().any(|(name, _)| name == "the log of sneak"),
        "{logs:?}"
    );
    for (what, text) in &logs {
        clean(what, text, &secrets);
    }
    templates(&secrets);
    slipways_own(&world, &secrets).await;
    stays_shut(&world, &kubernetes, &looted, waiting).await;
    kubernetes.shutdown().await;
}

/// Plays a job directly in GitLab, on a pipeline that nobody asked Slipway for, and takes all that it is given: each value of
/// its environment.
async fn looted(world: &World, repository: i64) -> Vec<String> {
    let sneak = "sneak:\n  when: manual\n  script:\n    - env | sort\n    - cat .gitlab-ci.yml\n    - ls -a ~ . || true\n    - cat ~/.kube/config || true\n";
    world.commit(repository, "update", ".gitlab-ci.yml", sneak).await;
    let job = world
        .until("a job to play", || async {
            let jobs = world
                .call(
                    "GET",
                    &format!("projects/{repository}/jobs?per_page=100"),
                    Value::Null,
                )
                .await;
            let jobs = jobs.as_array().cloned().unwrap_or_default();
            jobs.into_iter()
                .find(|job| job["name"] == "sneak" && job["status"] == "manual")
        })
        .await["id"]
        .clone();
    world
        .call(
            "POST",
            &format!("projects/{repository}/jobs/{job}/play"),
            json!({}),
        )
        .await;
    let log = world
        .until("it to end", || async {
            let now = world
                .call("GET", &format!("projects/{repository}/jobs/{job}"), Value::Null)
                .await;
            let ended = matches!(now["status"].as_str(), Some("success" | "failed"));
            if !ended {
                return None;
            }
            Some(text(world, &format!("projects/{repository}/jobs/{job}/trace")).await)
        })
        .await;
    let values: Vec<String> = log
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(_, value)| value.trim().to_owned())
        .filter(|value| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic()))
        .collect();
    assert!(values.len() > 10, "it was given an environment: {log}");
    values
}

/// The built-in templates name no credential, and no program that would need one.
fn templates(secrets: &[String]) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../domain/templates");
    let mut read = 0;
    let mut folders = vec![std::path::PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let (what, text) = (
                entry.path().display().to_string(),
                std::fs::read_to_string(entry.path()).expect("a text"),
            );
            clean(&what, &text, secrets);
            for program in ["kubectl", "helm install", "helm upgrade", "kubeconfig"] {
                assert!(!text.to_lowercase().contains(program), "{what} has {program:?}");
            }
            read += 1;
        }
    }
    assert!(read > 15, "{read}");
}

/// What Slipway says itself, to people and to programs.
async fn slipways_own(world: &World, secrets: &[String]) {
    let ctx = world.ctx();
    let said = [
        serde_json::to_string(&cluster::settings(&ctx, ORG).await.expect("clusters")),
        serde_json::to_string(&environment::list(&ctx, ORG, PROJECT).await.expect("environments")),
        serde_json::to_string(&connection::list(&ctx, ORG).await.expect("connections")),
        serde_json::to_string(
            &variable::list(&ctx, (ORG, PROJECT, APP))
                .await
                .expect("variables"),
        ),
        serde_json::to_string(&app::page(&ctx, ORG, PROJECT, APP).await.expect("the app")),
        serde_json::to_string(&world.log_of(APP).await),
    ];
    // Slipway tells where a cluster is to nobody but whoever set it up.
    for said in said {
        clean("an answer of Slipway", &said.expect("JSON"), secrets);
    }
}

/// Nothing was deployed, nothing that the job had opens the cluster, and the promotion waits as before.
async fn stays_shut(
    world: &World,
    kubernetes: &KubernetesHandle,
    looted: &[String],
    waiting: slipway_domain::id::PromotionId,
) {
    let client = reqwest::Client::new();
    let deployments = format!("{}/apis/apps/v1/deployments", kubernetes.url());
    let anonymous = client.get(&deployments).send().await.expect("an answer").status();
    assert!(matches!(anonymous.as_u16(), 401 | 403), "{anonymous}");
    for value in looted {
        let answer = client
            .get(&deployments)
            .bearer_auth(value)
            .send()
            .await
            .expect("an answer");
        assert!(
            matches!(answer.status().as_u16(), 401 | 403),
            "{value:?} opens the cluster"
        );
    }
    let all: Value = client
        .get(&deployments)
        .bearer_auth(kubernetes.token())
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("a list");
    assert_eq!(all["items"], json!([]), "nothing was deployed around the gates");
    let system = world.portal.system("judge");
    let app = access::app::<may::See>(&system, ORG, PROJECT, APP)
        .await
        .expect("the app");
    let mut tx = system.read().await.expect("a reader");
    let promotion = tx
        .promotion(&app, waiting)
        .await
        .expect("an answer")
        .expect("it is there");
    assert!(promotion.state.is_pending(), "{:?}", promotion.state);
    assert!(
        tx.deployments(&app, waiting)
            .await
            .expect("the attempts")
            .is_empty()
    );
}
