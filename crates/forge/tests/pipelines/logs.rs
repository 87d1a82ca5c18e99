//! Logs that are odd or large.

use crate::world::{ORG, PROJECT, World};
use slipway_domain::pipeline::log::Color;
use slipway_domain::run::{RunStatus, RunView};
use slipway_portal::{Error, run};
use slipway_testkit::saved;

async fn ran(world: &World, yaml: &str) -> RunView {
    world.connected("storefront").await;
    world
        .commit(world.sample("storefront"), "create", ".gitlab-ci.yml", yaml)
        .await;
    let number = world
        .until("a run", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
                .await
                .unwrap();
            list.runs.first().map(|run| run.number)
        })
        .await;
    world.finished("storefront", number).await
}

fn at(view: &RunView) -> run::JobAt<'static> {
    run::JobAt {
        org: ORG,
        project: PROJECT,
        app: "storefront",
        number: view.run.number,
        job: view.jobs[0].id,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn colors_and_bytes_that_are_no_text_are_shown_safely() {
    let world = World::new().await;
    let yaml = "odd:\n  script:\n    - printf '\\033[31mred\\033[0m plain\\n'\n    - printf 'bad \\377\\376 bytes\\n'\n    - printf '<script>alert(1)</script>\\n'\n    - \"echo 'Error: no such order' >&2\"\n    - exit 1\n";
    let view = ran(&world, yaml).await;
    assert_eq!(view.run.status, RunStatus::Failed);
    assert_eq!(view.run.failed_job.as_deref(), Some("odd"), "{view:#?}");
    let log = run::log(&world.ctx(), &at(&view), 1, 500).await.unwrap();
    assert!(log.complete && log.trouble.is_none());
    let red = log
        .lines
        .iter()
        .flat_map(|line| &line.spans)
        .find(|span| span.text == "red")
        .expect("the red word");
    assert_eq!(red.style.fg, Some(Color::Named(1)));
    assert!(
        log.lines
            .iter()
            .any(|line| line.text() == "bad \u{fffd}\u{fffd} bytes")
    );
    assert!(
        log.lines
            .iter()
            .any(|line| line.text() == "<script>alert(1)</script>")
    );
    let error = log.first_error.expect("an error");
    assert!(log.lines[error - 1].text().contains("no such order"));
    // The file has the very bytes.
    let file = run::download(&world.ctx(), &at(&view)).await.unwrap();
    let name = file.name.clone();
    let bytes = saved(file).await;
    assert!(bytes.windows(2).any(|pair| pair == [0xff, 0xfe]));
    assert_eq!(name, format!("storefront-{}-odd.log", view.run.number));
    // A job of another run, or of nothing, is not found.
    let wrong = run::JobAt {
        number: view.run.number + 1,
        ..at(&view)
    };
    assert!(matches!(
        run::log(&world.ctx(), &wrong, 1, 1).await,
        Err(Error::NotFound)
    ));
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_of_20_mb_is_read_in_windows() {
    let world = World::new().await;
    let yaml = "big:\n  script:\n    - seq -f 'line %08g of a log that is long, to see whether windows of it are quick' 1 250000\n    - echo the last words\n";
    let view = ran(&world, yaml).await;
    assert_eq!(view.run.status, RunStatus::Success);
    let bytes = saved(run::download(&world.ctx(), &at(&view)).await.unwrap()).await;
    assert!(bytes.len() > 19_000_000, "{}", bytes.len());
    let first = run::log(&world.ctx(), &at(&view), 1, 500).await.unwrap();
    assert!(first.total > 250_000 && first.lines.len() == 500);
    for line in [1, 1000, 125_000, 249_000, 10_000_000] {
        let window = run::log(&world.ctx(), &at(&view), line, 500).await.unwrap();
        assert_eq!(window.lines.len(), 500);
        assert_eq!(window.lines[0].number, window.first);
        for (index, line) in window.lines.iter().enumerate() {
            assert_eq!(line.number, window.first + index);
        }
    }
    let middle = run::log(&world.ctx(), &at(&view), 125_000, 1).await.unwrap();
    let words = middle.lines[0].text();
    let number: usize = words["line ".len()..][..8].parse().expect("a line of the job");
    let exact = bytes
        .split(|byte| *byte == b'\n')
        .position(|line| line.starts_with(words.as_bytes()));
    assert!(
        exact.is_some() && (124_900..=125_000).contains(&number),
        "{words}"
    );
    let last = run::log(&world.ctx(), &at(&view), usize::MAX, 500).await.unwrap();
    assert!(last.lines.iter().any(|line| line.text() == "the last words"));
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_grows_while_its_job_runs() {
    let world = World::new().await;
    world.connected("storefront").await;
    // The job goes on when the test says so.
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let yaml = format!(
        "slow:\n  script:\n    - echo first words\n    - while [ ! -e {0} ]; do sleep 0.1; done\n    - echo last words\n",
        gate.display()
    );
    world
        .commit(world.sample("storefront"), "create", ".gitlab-ci.yml", &yaml)
        .await;
    let (view, log) = world
        .until("the first words", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
                .await
                .unwrap();
            let view = run::view(
                &world.ctx(),
                ORG,
                PROJECT,
                "storefront",
                list.runs.first()?.number,
            )
            .await
            .unwrap();
            let log = run::log(&world.ctx(), &at(&view), 1, 500).await.ok()?;
            log.lines
                .iter()
                .any(|line| line.text() == "first words")
                .then_some((view.clone(), log))
        })
        .await;
    assert!(!log.complete);
    assert_eq!(view.jobs[0].status, RunStatus::Running);
    std::fs::write(&gate, "").unwrap();
    let view = world.finished("storefront", view.run.number).await;
    let whole = run::log(&world.ctx(), &at(&view), 1, 500).await.unwrap();
    let count = |word: &str| whole.lines.iter().filter(|line| line.text() == word).count();
    assert_eq!((count("first words"), count("last words")), (1, 1), "{whole:?}");
    assert!(whole.complete);
    world.gitlab.shutdown().await;
}
