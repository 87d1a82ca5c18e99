//! How an app runs: every kind, what a deployment leaves behind, and what approvals hold for.

use super::stage::{APP, ORG, PROJECT, Stage, code, one_of, release_in};
use slipway_domain::access::Role;
use slipway_domain::audit::Outcome;
use slipway_domain::environment::Health;
use slipway_domain::manifest;
use slipway_domain::pod::PodsPage;
use slipway_domain::promotion::PromotionState;
use slipway_domain::rollout::RunOutcome;
use slipway_domain::workload::{
    ConfigFile, Ingress, Times, Volume, Workload, WorkloadForm, WorkloadKind, WorkloadOverride,
};
use slipway_portal::access::{self, may};
use slipway_portal::ports::ReleaseManifests;
use slipway_portal::{comparison, workload};

const AT: (&str, &str, &str) = (ORG, PROJECT, APP);

/// What the cluster has under the app's name, by the uid of what runs its pods.
async fn uid(stage: &Stage) -> String {
    stage.workload("dev").await.expect("it is there").uid
}

pub async fn every_kind_is_watched_until_it_is_there_and_takes_the_place_of_the_one_before(stage: Stage) {
    let of = |kind: WorkloadKind| Workload {
        kind,
        schedule: (kind == WorkloadKind::CronJob).then(|| Times {
            cron: String::from("0 2 * * *"),
            zone: String::from("Asia/Shanghai"),
        }),
        ..Workload::default()
    };
    let mut before = None;
    for (n, kind) in (1..).zip(WorkloadKind::ALL) {
        let version = format!("1.{n}.0");
        release_in(&stage.portal, &version, n, of(*kind), "nobody").await;
        let id = stage.ask(&version, "dev").await;
        stage.reaches(id, PromotionState::Succeeded).await;
        let found = uid(&stage).await;
        assert_ne!(Some(&found), before.as_ref(), "{kind:?} is another object");
        let deployed = &stage.deployments(id).await[0];
        let runner = deployed
            .manifests
            .iter()
            .find(|object| manifest::runs_pods(object));
        assert_eq!(runner.expect("one runs pods")["kind"], kind.kubernetes());
        before = Some(found);
    }
    // Once more: a Job cannot be changed, so another promotion of it is another Job.
    release_in(&stage.portal, "2.0.0", 9, of(WorkloadKind::Job), "nobody").await;
    let id = stage.ask("2.0.0", "dev").await;
    stage.reaches(id, PromotionState::Succeeded).await;
    assert_ne!(Some(uid(&stage).await), before);
}

pub async fn what_a_deployment_has_no_more_is_deleted_but_for_volumes(stage: Stage) {
    let whole = Workload {
        files: vec![ConfigFile {
            path: String::from("/etc/app.yaml"),
            content: String::from("a: 1\n"),
        }],
        volumes: vec![Volume {
            name: String::from("data"),
            path: String::from("/data"),
            mib: Some(64),
        }],
        ingress: Some(Ingress {
            host: String::from("orders.example.com"),
            path: String::from("/"),
            ..Ingress::default()
        }),
        ..Workload::default()
    };
    release_in(&stage.portal, "1.0.0", 1, whole, "nobody").await;
    let first = stage.deploy("1.0.0", "dev").await;
    let objects = stage.deployments(first).await[0].manifests.clone();
    let client = stage.cluster().await;
    release_in(&stage.portal, "1.1.0", 2, Workload::default(), "nobody").await;
    let second = stage.deploy("1.1.0", "dev").await;
    let left = manifest::left_behind(&objects, &stage.deployments(second).await[0].manifests);
    let kinds: Vec<&str> = left.iter().filter_map(|object| object["kind"].as_str()).collect();
    assert_eq!(kinds, ["Ingress", "ConfigMap"]);
    // They are gone: an apply of an older fence finds nothing that carries a newer one.
    for object in &left {
        client
            .apply(object, 0, &[])
            .await
            .expect("there is none any more");
    }
    let claim = objects
        .iter()
        .find(|object| object["kind"] == "PersistentVolumeClaim");
    let refused = client.apply(claim.expect("a claim"), 0, &[]).await;
    assert!(
        refused.is_err(),
        "what is in a volume cannot be made again: it stays"
    );
}

pub async fn rule_23_what_a_later_deployment_applied_is_not_deleted_by_who_lost_the_lock(stage: Stage) {
    let whole = Workload {
        ingress: Some(Ingress {
            host: String::from("orders.example.com"),
            path: String::from("/"),
            ..Ingress::default()
        }),
        ..Workload::default()
    };
    release_in(&stage.portal, "1.0.0", 1, whole, "nobody").await;
    let first = stage.deploy("1.0.0", "dev").await;
    let objects = stage.deployments(first).await[0].manifests.clone();
    let ingress = objects.iter().find(|object| object["kind"] == "Ingress");
    // A later deployment, of another worker, has the ingress again before this one comes to delete it.
    let mut later = ingress.expect("an ingress").clone();
    later["metadata"]["annotations"][manifest::FENCE] = "99".into();
    let client = stage.cluster().await;
    client.apply(&later, 99, &[]).await.expect("applied");
    release_in(&stage.portal, "1.1.0", 2, Workload::default(), "nobody").await;
    let id = stage.ask("1.1.0", "dev").await;
    let view = stage.reaches(id, PromotionState::Failed).await;
    assert!(
        view.row
            .reason
            .as_ref()
            .is_some_and(|why| why.en.contains("another promotion took the environment")),
        "{:?}",
        view.row.reason
    );
    let refused = client.apply(&later, 98, &[]).await;
    assert!(
        matches!(refused, Err(slipway_portal::ports::ClusterError::Fenced(_))),
        "it is there, and the later one's: {refused:?}"
    );
    // It says nothing of what runs there either.
    let lea = stage.as_person(&stage.people.lea);
    let lane = slipway_portal::app::overview(&lea, ORG, PROJECT, APP)
        .await
        .expect("the app")
        .lane;
    let current = lane[0].current.as_ref().map(|current| current.version.as_str());
    assert_eq!(current, Some("1.0.0"));
}

pub async fn how_a_schedule_is_depends_on_its_last_run(stage: Stage) {
    use k8s_openapi::api::batch::v1::{CronJob, Job};
    use kube::api::{Api, PostParams};
    let nightly = Workload {
        kind: WorkloadKind::CronJob,
        schedule: Some(Times {
            cron: String::from("0 2 29 2 *"),
            zone: String::from("Asia/Shanghai"),
        }),
        ..Workload::default()
    };
    release_in(&stage.portal, "1.0.0", 1, nightly.clone(), "nobody").await;
    stage.deploy("1.0.0", "dev").await;
    let client = super::stage::kube_client(&stage).await;
    let cron_jobs = Api::<CronJob>::namespaced(client.clone(), "checkout-dev");
    let jobs = Api::<Job>::namespaced(client, "checkout-dev");
    // As `kubectl create job --from=cronjob/order-api` makes one.
    let run = async |name: &str| {
        let cron_job = cron_jobs.get(APP).await.expect("the schedule");
        let template = cron_job.spec.job_template;
        let owner = serde_json::json!([{
            "apiVersion": "batch/v1", "kind": "CronJob", "name": APP, "uid": cron_job.metadata.uid, "controller": true,
        }]);
        let job = serde_json::json!({
            "metadata": { "name": name, "ownerReferences": owner, "annotations": { "cronjob.kubernetes.io/instantiate": "manual" } },
            "spec": template.spec,
        });
        let job: Job = serde_json::from_value(job).expect("a Job");
        jobs.create(&PostParams::default(), &job).await.expect("a run");
    };
    let page = async |what: &str, done: &dyn Fn(&PodsPage) -> bool| {
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
        loop {
            stage.clock.advance(20 * slipway_domain::time::SECOND);
            stage.tick().await;
            let lea = stage.as_person(&stage.people.lea);
            let page = slipway_portal::pod::page(&lea, AT, "dev")
                .await
                .expect("the page");
            if done(&page) {
                return page;
            }
            assert!(std::time::Instant::now() < deadline, "{what}: {:?}", page.runs);
        }
    };
    let health = async || {
        let lea = stage.as_person(&stage.people.lea);
        let overview = slipway_portal::app::overview(&lea, ORG, PROJECT, APP)
            .await
            .expect("the app");
        let observed = overview.lane[0].observed.clone().expect("looked at");
        (
            observed.health,
            observed.reason.map(|why| why.en).unwrap_or_default(),
        )
    };
    let becomes = async |wanted: Health| {
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
        while health().await.0 != wanted {
            assert!(std::time::Instant::now() < deadline, "{:?}", health().await);
            stage.clock.advance(20 * slipway_domain::time::SECOND);
            stage.tick().await;
        }
    };
    run("by-hand-1").await;
    let ended = |name: &'static str, outcome: RunOutcome| {
        move |page: &PodsPage| {
            page.runs
                .iter()
                .any(|run| run.name == name && run.outcome == outcome && run.current)
        }
    };
    let seen = page("a run that ends well", &ended("by-hand-1", RunOutcome::Succeeded)).await;
    assert!(seen.runs[0].started_at.is_some() && seen.runs[0].ended_at.is_some());
    becomes(Health::Healthy).await;

    // Kubernetes counts in seconds: what is told apart by time lies more than one apart.
    let second = std::time::Duration::from_millis(1100);
    tokio::time::sleep(second).await;
    stage.behave(2, "crash-loop");
    release_in(&stage.portal, "1.1.0", 2, nightly.clone(), "nobody").await;
    stage.deploy("1.1.0", "dev").await;
    tokio::time::sleep(second).await;
    run("by-hand-2").await;
    let seen = page("a run that fails", &ended("by-hand-2", RunOutcome::Failed)).await;
    assert!(
        seen.runs[0]
            .message
            .as_ref()
            .is_some_and(|why| why.contains("backoff limit"))
    );
    assert!(
        !seen.runs.iter().any(|run| run.name == "by-hand-1" && run.current),
        "that was another release's"
    );
    becomes(Health::Degraded).await;
    assert!(health().await.1.contains("by-hand-2"), "{:?}", health().await);

    // What mends it is deployed, and is well until a run of its own fails.
    tokio::time::sleep(second).await;
    release_in(&stage.portal, "1.2.0", 3, nightly, "nobody").await;
    stage.deploy("1.2.0", "dev").await;
    becomes(Health::Healthy).await;
}

pub async fn rule_14_another_configuration_is_another_thing_to_approve(stage: Stage) {
    let people = &stage.people;
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 2)).await;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    stage.approve(&people.dev, id).await.expect("approved");
    let subject = stage.view(id).await.subject;
    // What is set now holds from the next release on: this one stays as it was made, and so do its approvals.
    let lea = stage.as_person(&people.lea);
    let seen = workload::view(&lea, ORG, PROJECT, APP)
        .await
        .expect("the workload");
    let mut changed = seen.workload.clone();
    changed.variables.insert(String::from("FLAG"), String::from("on"));
    workload::set(&lea, ORG, PROJECT, APP, &seen.mark, &changed)
        .await
        .expect("set");
    stage.tick().await;
    let view = stage.view(id).await;
    assert!(view.decisions[0].counts);
    assert_eq!(view.subject, subject);
    // The same image with another configuration is another thing; the same with the same is not.
    release_in(&stage.portal, "1.0.1", 1, changed, "nobody").await;
    let other = stage.ask("1.0.1", "dev").await;
    let view = stage.view(other).await;
    assert_ne!(view.subject, subject);
    release_in(&stage.portal, "1.0.2", 1, seen.workload, "nobody").await;
    let same = stage.ask("1.0.2", "dev").await;
    assert_eq!(stage.view(same).await.subject, subject);
}

pub async fn what_was_rendered_when_the_release_was_made_is_what_is_applied(stage: Stage) {
    let release = stage.release("1.0.0", 1).await;
    let system = stage.system();
    let app = access::app::<may::ReleaseCreate>(&system, ORG, PROJECT, APP)
        .await
        .expect("the app");
    let target = manifest::Target {
        app: APP,
        project: PROJECT,
        environment: "dev",
        namespace: "",
    };
    let one = Workload {
        replicas: 1,
        ..Workload::default()
    };
    let objects = manifest::render(target, &release.images, &one);
    let kept = ReleaseManifests {
        environment: String::from("dev"),
        hash: manifest::hash(&objects),
        objects,
    };
    let mut tx = stage.portal.store.write().await.expect("a transaction");
    tx.insert_manifests(&app.modify(), release.id, &kept)
        .await
        .expect("kept");
    tx.commit().await.expect("it commits");
    let id = stage.deploy("1.0.0", "dev").await;
    let deployed = &stage.deployments(id).await[0];
    assert_eq!(deployed.manifests, manifest::place(&kept.objects, "checkout-dev"));
    assert_eq!(deployed.desired, 1);
}

pub async fn the_workload_is_set_by_who_may_as_they_saw_it_and_written_down(stage: Stage) {
    let people = &stage.people;
    let (dev, lea) = (stage.as_person(&people.dev), stage.as_person(&people.lea));
    let seen = workload::view(&dev, ORG, PROJECT, APP).await.expect("it is seen");
    assert!(!seen.may_edit && seen.environments.len() == 4);
    let mut form = WorkloadForm::of(&seen.workload, &[String::from("live")]);
    form.overrides[0].replicas = String::from("5");
    form.secrets = String::from("DB_PASSWORD=orders-db/password");
    let refused = workload::set_typed(&dev, ORG, PROJECT, APP, &seen.mark, &form).await;
    assert_eq!(code(refused), "forbidden");
    let wrong = WorkloadForm {
        port: String::from("http"),
        ..form.clone()
    };
    let refused = workload::set_typed(&lea, ORG, PROJECT, APP, &seen.mark, &wrong).await;
    assert_eq!(code(refused), "invalid");
    workload::set_typed(&lea, ORG, PROJECT, APP, &seen.mark, &form)
        .await
        .expect("set");
    let refused = workload::set_typed(&lea, ORG, PROJECT, APP, &seen.mark, &form).await;
    assert_eq!(code(refused), "changed_meanwhile");
    let now = workload::view(&lea, ORG, PROJECT, APP).await.expect("it is seen");
    let over = WorkloadOverride {
        replicas: Some(5),
        ..WorkloadOverride::default()
    };
    assert_eq!(now.workload.overrides["live"], over);
    let live = &now.environments[3];
    assert_eq!((live.over.added, live.over.removed), (1, 1));
    assert!(live.yaml.contains("secretKeyRef"));
    let rows = stage.audit("app.workload").await;
    let done: Vec<_> = rows.iter().filter(|row| row.2 == Outcome::Done).collect();
    assert_eq!(done.len(), 1, "{rows:?}");
}

pub async fn releases_and_environments_are_compared(stage: Stage) {
    let more = Workload {
        replicas: 3,
        ..Workload::default()
    };
    stage.release("1.0.0", 1).await;
    stage.clock.advance(slipway_domain::time::SECOND);
    release_in(&stage.portal, "1.1.0", 2, more, "nobody").await;
    stage.deploy("1.0.0", "qa").await;
    stage.deploy("1.1.0", "dev").await;
    let lea = stage.as_person(&stage.people.lea);
    let compare = |from: &'static str, to: &'static str| comparison::compare(&lea, AT, from, to);
    let view = compare("1.0.0", "1.1.0").await.expect("compared");
    let difference = view.difference.expect("there is one");
    assert!(!difference.back);
    assert_eq!(difference.items[0].key, "CHK-2");
    assert_eq!(
        (difference.configuration.added, difference.configuration.removed),
        (1, 1)
    );
    // The image and the number of pods.
    assert_eq!((difference.manifests.added, difference.manifests.removed), (2, 2));
    let back = compare("@dev", "@qa")
        .await
        .expect("compared")
        .difference
        .expect("there is one");
    assert!(back.back && back.manifests_in.is_none());
    assert_eq!(
        (
            back.from.release.version.as_str(),
            back.to.release.version.as_str()
        ),
        ("1.1.0", "1.0.0")
    );
    let same = compare("1.1.0", "@dev")
        .await
        .expect("compared")
        .difference
        .expect("there is one");
    assert!(same.commits.is_empty() && same.manifests.is_empty() && same.configuration.is_empty());
    assert!(compare("1.1.0", "9.9.9").await.expect("told").trouble.is_some());
    assert!(compare("1.1.0", "@live").await.expect("told").trouble.is_some());
    // Without a repository only what Slipway itself knows is told.
    let sha = format!("{:040x}", 2);
    let place = comparison::where_is(&lea, AT, &sha).await.expect("told");
    assert_eq!(place.first.map(|first| first.version).as_deref(), Some("1.1.0"));
    let there: Vec<_> = place.environments.iter().map(|one| one.there).collect();
    assert_eq!(there, [Some(true), None, Some(false), Some(false)]);
    assert!(place.trouble.is_some());
    assert_eq!(code(comparison::where_is(&lea, AT, "main").await), "invalid");
    let history = comparison::history(&lea, ORG, PROJECT, "qa", None)
        .await
        .expect("the history");
    assert_eq!(history.rows.len(), 1);
    assert_eq!(
        (
            history.rows[0].app.as_str(),
            history.rows[0].release.version.as_str()
        ),
        (APP, "1.0.0")
    );
}
