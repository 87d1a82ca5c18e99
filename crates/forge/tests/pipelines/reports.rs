//! Reports and files of runs, and why jobs wait.

use crate::world::{ORG, PROJECT, World};
use serde_json::json;
use slipway_domain::report::scan::{ScanKind, Severity};
use slipway_domain::report::{CaseFilter, CaseStatus};
use slipway_domain::run::{RunStatus, RunView};
use slipway_domain::time::{HOUR, SECOND};
use slipway_portal::run::JobAt;
use slipway_portal::{Error, artifact, report, run};
use slipway_sandbox::faults::{Fault, FaultMatch};

const APP: &str = "storefront";
const AT: (&str, &str, &str) = (ORG, PROJECT, APP);

const FILE: &str = r#"
unit:
  script:
    - printf '<testsuites><testsuite name="s"><testcase name="adds" classname="Cart" time="0.5"/><testcase name="sells" classname="Cart" time="1"><failure message="no">expected 1</failure></testcase><testcase name="later" classname="Cart"><skipped/></testcase></testsuite></testsuites>' > junit.xml
    - 'echo "TOTAL 87.5%"'
    - exit 1
  coverage: /TOTAL (\d+\.\d+)%/
  allow_failure: true
  artifacts: { when: always, reports: { junit: junit.xml } }
scan:
  script:
    - printf '{"SchemaVersion":2,"Results":[{"Target":"Cargo.lock","Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"a","InstalledVersion":"1","Severity":"LOW","Title":"small"},{"VulnerabilityID":"CVE-2","PkgName":"b","InstalledVersion":"2","FixedVersion":"3","Severity":"CRITICAL","Title":"large","PrimaryURL":"https://avd.example/2"}]}]}' > scan-dependencies.json
    - mkdir -p dist/css && printf 'body' > dist/css/site.css && printf 'hello' > 'dist/hello world.txt'
  artifacts: { expire_in: 2 days, paths: [scan-dependencies.json, dist/] }
sign:
  script:
    - printf '{"critical":{"identity":{"docker-reference":"r/a"},"image":{"docker-manifest-digest":"sha256:0000000000000000000000000000000000000000000000000000000000000001"},"type":"cosign container image signature"},"optional":null}' > image.payload
    - printf 'MEQCIFOK' > image.sig
    - printf '{}' > other.sigstore.json
  artifacts: { expire_in: 2 days, paths: [image.sig, image.payload, other.sigstore.json] }
"#;

async fn ran(world: &World) -> RunView {
    world.connected(APP).await;
    world
        .commit(world.sample(APP), "create", ".gitlab-ci.yml", FILE)
        .await;
    let number = world
        .until("a run", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, APP, None).await.unwrap();
            list.runs.first().map(|run| run.number)
        })
        .await;
    world.finished(APP, number).await
}

fn job_at(view: &RunView, name: &str) -> JobAt<'static> {
    JobAt {
        org: ORG,
        project: PROJECT,
        app: APP,
        number: view.run.number,
        job: view.jobs.iter().find(|job| job.name == name).expect(name).id,
    }
}

async fn bytes(file: artifact::Download) -> Vec<u8> {
    use futures::TryStreamExt as _;
    file.pieces.try_concat().await.expect("it comes whole")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_keeps_its_reports_and_an_outage_does_not_hide_them() {
    let world = World::new().await;
    let view = ran(&world).await;
    let number = view.run.number;
    // Settling keeps them: nobody had to look before GitLab went away.
    for _ in 0..8 {
        world.turn().await;
    }
    let faults = world.gitlab.faults();
    faults
        .add(
            FaultMatch {
                method: None,
                path_regex: Some(String::from(".")),
            },
            Fault::Status { code: 503 },
            None,
        )
        .unwrap();
    world.clock.advance(HOUR);
    let all = report::view(&world.ctx(), AT, number, &CaseFilter::default())
        .await
        .unwrap();
    assert!(
        all.trouble.is_none(),
        "what ended is known whole: {:?}",
        all.trouble
    );
    assert_eq!(all.sums, Some((1, 1, 1)));
    let reports = all.reports.unwrap();
    let suite = &reports.tests.as_ref().unwrap().suites[0];
    assert_eq!(
        (suite.name.as_str(), suite.cases[0].name.as_str()),
        ("unit", "sells")
    );
    assert_eq!(
        (suite.cases[0].status, suite.cases[0].output.as_str()),
        (CaseStatus::Failed, "expected 1")
    );
    assert_eq!(suite.cases[0].took, SECOND);
    assert_eq!((reports.coverage, reports.jobs[0].hundredths), (Some(8750), 8750));
    let scan = &reports.scans[0];
    assert_eq!((scan.kind, scan.job.as_str()), (ScanKind::Dependencies, "scan"));
    assert_eq!(scan.counts(), [(Severity::Critical, 1), (Severity::Low, 1)]);
    assert_eq!(scan.findings[0].solution.as_deref(), Some("3"));
    let [plain, bundle] = reports.signatures.as_slice() else {
        panic!("two signatures: {:?}", reports.signatures);
    };
    assert_eq!(
        (plain.job.as_str(), plain.file.as_str(), plain.signature.as_str()),
        ("sign", "image.sig", "MEQCIFOK")
    );
    assert!(plain.digests[0].ends_with("0001") && plain.trouble.is_none());
    assert!(
        bundle
            .trouble
            .as_ref()
            .is_some_and(|text| text.en.contains("envelope"))
    );

    let filter = CaseFilter {
        status: String::from("skipped"),
        find: String::from("LATE"),
    };
    let some = report::view(&world.ctx(), AT, number, &filter).await.unwrap();
    let suite = some.reports.unwrap().tests.unwrap().suites.remove(0);
    assert_eq!(
        (suite.cases.len(), suite.cases[0].name.as_str(), suite.left_out),
        (1, "later", 2)
    );

    // The tree of the files is known, too, with its time.
    let files = artifact::view(&world.ctx(), &job_at(&view, "scan"), "dist")
        .await
        .unwrap();
    assert!(files.trouble.is_some() && files.as_of.is_some());
    assert_eq!(files.entries.len(), 2);
    let gone = artifact::download(&world.ctx(), &job_at(&view, "scan"), None).await;
    assert!(matches!(gone, Err(Error::Unavailable { .. })));
    faults.clear();
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_files_of_a_job_are_browsed_and_downloaded_and_nothing_else_is() {
    let world = World::new().await;
    let view = ran(&world).await;
    let at = job_at(&view, "scan");
    let ctx = world.ctx();
    assert_eq!(view.with_files, [at.job, job_at(&view, "sign").job]);
    let root = artifact::view(&ctx, &at, "").await.unwrap();
    let names: Vec<_> = root.entries.iter().map(|e| (e.name.as_str(), e.files)).collect();
    assert_eq!(names, [("dist", Some(2)), ("scan-dependencies.json", None)]);
    let archive = root.archive.unwrap();
    assert!(archive.expires_at.is_some() && !root.expired && archive.size > 0);
    let folder = artifact::view(&ctx, &at, "dist").await.unwrap();
    assert_eq!(folder.entries[1].path, "dist/hello world.txt");

    let file = artifact::download(&ctx, &at, Some("dist/hello world.txt"))
        .await
        .unwrap();
    assert_eq!(file.name, "hello world.txt");
    assert_eq!(bytes(file).await, b"hello");
    let whole = artifact::download(&ctx, &at, None).await.unwrap();
    assert!(whole.name.starts_with("storefront-") && whole.name.ends_with("-scan.zip"));
    let whole = bytes(whole).await;
    assert!(whole.starts_with(b"PK") && i64::try_from(whole.len()).unwrap() == archive.size);

    for path in [
        "../secret",
        "/etc/passwd",
        "dist/../../x",
        "dist//x",
        "dist\\x",
        "",
        "nowhere.txt",
    ] {
        assert!(
            matches!(
                artifact::download(&ctx, &at, Some(path)).await,
                Err(Error::NotFound)
            ),
            "{path}"
        );
    }
    for folder in ["..", "/", "dist/", "nowhere"] {
        assert!(
            matches!(artifact::view(&ctx, &at, folder).await, Err(Error::NotFound)),
            "{folder}"
        );
    }
    // A job without files says so; a job of another run is none of this one's.
    let none = artifact::view(&ctx, &job_at(&view, "unit"), "").await.unwrap();
    assert!(none.archive.is_none() && none.trouble.is_none());
    let elsewhere = JobAt {
        number: view.run.number + 1,
        ..at
    };
    assert!(matches!(
        artifact::view(&ctx, &elsewhere, "").await,
        Err(Error::NotFound)
    ));
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_waits_says_what_it_waits_for() {
    let world = World::new().await;
    world.connected(APP).await;
    world.call("PUT", "runners/1", json!({ "paused": true })).await;
    let file = "a:\n  tags: [linux, arm64]\n  script: 'true'\nb:\n  tags: [linux]\n  script: 'true'\nc:\n  script: 'true'\n";
    world
        .commit(world.sample(APP), "create", ".gitlab-ci.yml", file)
        .await;
    let reasons = world
        .until("the reasons", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, APP, None).await.unwrap();
            let number = list.runs.first()?.number;
            let view = run::view(&world.ctx(), ORG, PROJECT, APP, number).await.ok()?;
            let reasons: Vec<String> = view
                .jobs
                .iter()
                .filter_map(|job| Some(job.reason.clone()?.en))
                .collect();
            (reasons.len() == 3).then_some(reasons)
        })
        .await;
    assert_eq!(
        reasons,
        [
            "Waits: no runner has the tag arm64.",
            "Waits: every runner with the tag linux is paused. Resume one in GitLab.",
            "Waits: every runner is paused. Resume one in GitLab.",
        ]
    );
    world.call("PUT", "runners/1", json!({ "paused": false })).await;
    world
        .until("what can run to run", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, APP, None).await.unwrap();
            let view = run::view(&world.ctx(), ORG, PROJECT, APP, list.runs[0].number)
                .await
                .ok()?;
            let done = view
                .jobs
                .iter()
                .filter(|job| job.status == RunStatus::Success)
                .count();
            (done == 2).then_some(())
        })
        .await;
    world.gitlab.shutdown().await;
}
